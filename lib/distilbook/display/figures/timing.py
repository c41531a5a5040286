"""Figures of times: by length, by depth, and against what the machine could do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import plotly.graph_objects as go

from ...device.explaining import LayerTimes
from ...device.roofline import Peaks
from ...device.times import Measured
from ..palette import COLOURS, ENDS, GREY, MARKERS, PLAIN, error_bars, figure


def paired_times(measured: Measured) -> go.Figure:
    """Draw the fastest pass of each sentence pair of the first process start by its length, a colour a model."""
    made = figure("Time a sentence pair takes", "word pieces", "milliseconds")
    lengths = [given.tokens for given in measured.comparison.inputs]
    for number, (role, colour) in enumerate((("teacher", "teacher"), ("student", "full"))):
        name = measured.comparison.models[number].name
        made.add_scatter(
            x=lengths,
            y=measured.starts[0].fastest(number),
            mode="markers",
            name=f"{role}: {name}",
            marker={"color": COLOURS[colour], "symbol": MARKERS[colour], "size": 8, "opacity": 0.8},
        )
    made.update_yaxes(rangemode="tozero")
    return made


def ratios_by_shape(measured: Sequence[Measured], by: str, paper: float) -> go.Figure:
    """Draw the ratio of times with its interval by batch size or length.

    Args:
        measured: inputs of one shape each.
        by: ``batch`` or ``word pieces``.
        paper: the ratio of Table 3, a dashed line.
    """
    made = figure(f"How many times as long the teacher takes, by {by}", by, "teacher / student")
    shape = {"batch": lambda given: given.batch, "word pieces": lambda given: given.tokens}[by]
    ratios = [one.ratio(1) for one in measured]
    made.add_scatter(
        x=[str(shape(one.comparison.inputs[0])) for one in measured],
        y=[ratio.value for ratio in ratios],
        mode="markers",
        showlegend=False,
        marker={"size": 11, "color": COLOURS["full"]},
        error_y=error_bars(*([getattr(ratio, end) for ratio in ratios] for end in ENDS)),
    )
    for level, words in ((2.0, "half the layers"), (paper, "Table 3")):
        made.add_hline(y=level, line_dash="dash", line_color=GREY, annotation={"text": words, "font_color": GREY})
    made.update_xaxes(type="category")
    made.update_yaxes(range=[min(1.4, paper - 0.1), max(2.3, *(ratio.high + 0.1 for ratio in ratios))])
    return made


def layer_line(layers: LayerTimes, share: float) -> go.Figure:
    """Draw times by depth with the line through them, and the line that the paper's two times would take.

    Args:
        share: how much of the deepest network's time would have to be there without layers, for Table 3's ratio.
    """
    made = figure("Time by depth", "layers", "milliseconds a pair")
    depths, times = zip(*layers.points, strict=True)
    ends = [0, max(depths)]
    made.add_scatter(
        x=ends,
        y=[layers.fixed.value + depth * layers.layer.value for depth in ends],
        mode="lines",
        name="the line through them",
        line={"color": COLOURS["teacher"]},
    )
    whole = times[-1]
    made.add_scatter(
        x=ends,
        y=[share * whole, whole],
        mode="lines",
        name="what Table 3's ratio takes",
        line={"color": GREY, "dash": "dash"},
    )
    made.add_scatter(
        x=list(depths),
        y=list(times),
        mode="markers",
        name="BERT with so many layers",
        marker={"color": COLOURS["teacher"], "symbol": MARKERS["teacher"], "size": 12},
    )
    made.update_yaxes(rangemode="tozero")
    return made


def roofline(points: Sequence[Mapping], peaks: Peaks) -> go.Figure:
    """Draw operations a second by operations a byte under the machine's roof, a colour a model (Williams et al. 2009).

    Args:
        points: of :func:`distilbook.device.roofline.roofline_points`.
    """
    made = figure(
        "What the passes do, and what the machine could do", "operations a byte", "billion operations a second", 440
    )
    most = max(point["operations a byte"] for point in points)
    least = min(point["operations a byte"] for point in points)
    span = np.geomspace(min(least, peaks.operations / peaks.bytes) / 2, 2 * most, 60)
    made.add_scatter(
        x=span,
        y=[peaks.bound(one) / 1e9 for one in span],
        mode="lines",
        name="the machine's roof",
        line={"color": GREY, "width": 3},
    )
    symbols = {True: "circle", False: "square-open"}
    for number, model in enumerate(dict.fromkeys(point["model"] for point in points)):
        own = [point for point in points if point["model"] == model]
        made.add_scatter(
            x=[point["operations a byte"] for point in own],
            y=[point["operations a second"] / 1e9 for point in own],
            mode="markers",
            name=model,
            hovertext=[f"batch {point['batch']}, {point['word pieces']} word pieces" for point in own],
            marker={"color": [COLOURS["teacher"], COLOURS["full"], *PLAIN][number], "size": 10}
            | {"symbol": [symbols[point["batch"] == 1] for point in own]},
        )
    made.update_xaxes(type="log")
    made.update_yaxes(type="log")
    return made
