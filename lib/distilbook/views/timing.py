"""Tables, sentences and figures of times."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import plotly.graph_objects as go

from ..claims.paper import TABLE_3
from ..core.machine import hardware
from ..core.provenance import versions
from ..core.quantities import RATIO, counted, with_ends
from ..inference.breakdown import LayerTimes, Peaks, cost, independent_of_depth
from ..inference.models import Input, parameters_of_timed
from ..inference.protocol import (
    KERNEL,
    KERNELS_OF_2019,
    LOADED,
    PADDED,
    PADDED_TO,
    PAIRS,
    TimingConfig,
    shape_task,
)
from ..inference.records import FULL_PASS
from ..inference.timing import PERCENTILE, Measured, TimingResult, trust
from ..stats.intervals import Interval
from .sizes import table_3_row
from .style import COLOURS, ENDS, GREY, MARKERS, PLAIN, error_bars, figure

BERT_SECONDS, DISTILBERT_SECONDS = (TABLE_3[name]["seconds"] for name in ("BERT-base", "DistilBERT"))
#: Experiments that could explain the paper's ratio, by task.
EXPLANATIONS = {
    PAIRS: "nothing changed",
    KERNEL: "attention in one kernel (SDPA)",
    KERNELS_OF_2019: "kernels of 2019: without oneDNN, GELU in steps",
    PADDED: f"every pair padded to {PADDED_TO} positions",
    LOADED: "other work on every core",
}
RATIO_COLUMN = "teacher / student [95% interval]"
TIME_COLUMN = "milliseconds a pair [95% interval]"


def how_sentence(config: TimingConfig) -> str:
    """Return the conditions of the timings: machine, library, precision, kernel, compilation."""
    machine, library = hardware(), versions()
    compiled = "compiled by torch.compile" if config.compile else "nothing compiled"
    return (
        f"Timed on {machine['processor']}, {counted(int(machine['cores']), 'core')}, GPU: {machine['accelerator']}; "
        f"PyTorch {library['torch']}, transformers {library['transformers']}, float32, attention "
        f"{config.attention}, {compiled}."
    )


def table_3_rows(pairs: Sequence[Measured], elmo: Measured) -> list[dict]:
    """Return a full pass of every model of Table 3 and BERT's time over the model's, with the paper's values."""
    places = [(one, number) for one in pairs for number in range(len(one.comparison.models))]
    places += [(elmo, number) for number in range(1, len(elmo.comparison.models))]
    return [_table_3_row(*place) for place in places]


def _table_3_row(measured: Measured, number: int) -> dict:
    name, whole = measured.comparison.models[number].name, measured.full_pass(number, FULL_PASS)
    paper = table_3_row(name).get("seconds")
    return {
        "model": name,
        "on": measured.split,
        f"{FULL_PASS:,} pairs, seconds [95% interval]": _interval(whole, bound=0.0),
        "Table 3, seconds": paper,
        "BERT's time over it": _interval(measured.ratio(number)) if number else "1",
        "Table 3's": f"{BERT_SECONDS / paper:.2f}" if paper else None,
        "pairs timed": whole.n,
        "starts": len(measured.starts),
    }


def shape_rows(measured: Sequence[Measured], memory: Mapping[tuple[str, Input], int] | None = None) -> list[dict]:
    """Return a row for each batch size or length.

    Args:
        memory: the result of :func:`distilbook.inference.memory.memory_taken`; None leaves the column out.
    """
    rows = []
    for one in measured:
        given = one.comparison.inputs[0]
        for number, timed in enumerate(one.comparison.models):
            row = {"batch": given.batch, "tokens": given.tokens} | _row(one, number)
            rows.append(row | ({"MB": round(memory[timed.key, given] / 1e6)} if memory else {}))
    return rows


def thread_rows(measured: Sequence[Measured]) -> list[dict]:
    """Return a row for each model and number of threads."""
    return [
        _row(one, number) | {"pairs": len(one.comparison.inputs), "starts": len(one.starts)}
        for one in measured
        for number in range(len(one.comparison.models))
    ]


def _row(one: Measured, number: int) -> dict:
    """Return a model's latency and throughput, and the first model's time over its own."""
    return {
        "on": one.split,
        "model": one.comparison.models[number].name,
        "median ms": one.latency(number).value,
        f"{PERCENTILE}% below": one.latency_95(number),
        "pairs/s": one.throughput(number),
        "teacher's time over it [95% interval]": _interval(one.ratio(number)) if number else None,
    }


def start_rows(measured: Sequence[Measured]) -> list[dict]:
    """Return the intervals of every process start: teacher over student, and the teacher over itself."""
    return [
        {"label": f"{name}, {one.split}, start {number}", "value": found.value, "low": found.low, "high": found.high}
        for one in measured
        for number, start in enumerate(one.starts, start=1)
        for name, found in (("teacher / student", start.ratio(1)), ("teacher / teacher", start.self_ratio))
    ]


def why_rows(result: TimingResult) -> list[dict]:
    """Return the ratio under each change that could explain the paper's."""
    return [
        {
            "tried": change,
            "on": one.split,
            RATIO_COLUMN: _interval(one.ratio(1)),
            "teacher / teacher": _interval(one.noise),
            "pairs": len(one.comparison.inputs),
        }
        for task, change in EXPLANATIONS.items()
        for one in result.of(task)
    ]


def fixed_rows(layers: LayerTimes, tokenisation: Mapping[str, Interval]) -> list[dict]:
    """Return the parts of a pair's time that do not depend on depth, a layer's, and the part the paper's times imply."""
    paper = independent_of_depth(BERT_SECONDS, DISTILBERT_SECONDS)
    parts = {
        "embeddings and pooler: BERT without layers": layers.without,
        "where the line through more and fewer layers begins": layers.fixed,
        **{f"tokenisation: {name}": found for name, found in tokenisation.items()},
        "one layer": layers.layer,
    }
    times = {name: _interval(found) for name, found in parts.items()} | {
        f"for Table 3's ratio, of its {BERT_SECONDS:g} and {DISTILBERT_SECONDS:g} s": (
            f"{1e3 * paper / FULL_PASS:.0f}, {paper / BERT_SECONDS:.0%} of BERT's time"
        )
    }
    return [{"what": name, TIME_COLUMN: time} for name, time in times.items()]


def fixed_sentence(layers: LayerTimes, tokenisation: Mapping[str, Interval], ratio: float) -> str:
    """Return the share of a pair's time that does not depend on depth, and the ratio it implies.

    Args:
        ratio: as measured.
    """
    whole = layers.points[-1][1]
    slowest = max((found.value for found in tokenisation.values()), default=0.0)
    share = (layers.without.value + slowest) / (whole + slowest)
    half = (whole + layers.without.value) / 2
    wanted = independent_of_depth(BERT_SECONDS, DISTILBERT_SECONDS) / BERT_SECONDS
    found = (
        f"What does not depend on depth is {share:.1%} of BERT's time here, with tokenisation in Python; the paper's "
        f"two times imply {wanted:.1%}. With it the ratio would be {(whole + slowest) / (half + slowest):.2f}; "
        f"without, {ratio:.2f} was measured, and the paper's is {BERT_SECONDS / DISTILBERT_SECONDS:.2f}."
    )
    unexplained = (
        " None of the parts that can be tried here is large enough to explain the difference. The software of 2019 and "
        "the rest of its script cannot be tried."
    )
    return found + unexplained * (share < wanted / 2)


def width_rows(measured: Measured) -> list[dict]:
    """Return the teacher's time and operations over those of students with equal parameters and other depths."""
    teacher, *students = measured.comparison.models
    shapes = [(given.batch, given.tokens) for given in measured.comparison.inputs]
    operations = lambda timed: sum(cost(timed.config, *shape).operations for shape in shapes)
    return [
        {
            "student": timed.name,
            "parameters": parameters_of_timed(timed),
            "teacher / student in time [95% interval]": _interval(measured.ratio(number)),
            "in operations": f"{operations(teacher) / operations(timed):.2f}",
            "median ms": measured.latency(number).value,
            "pairs": len(shapes),
        }
        for number, timed in enumerate(students, start=1)
    ]


def trust_sentences(result: TimingResult, tasks: Sequence[str]) -> list[str]:
    """Return a sentence on the reliability of each measurement of ``tasks``."""
    return [f"{one.title}. {trust(one)}" for task in tasks for one in result.of(task)]


def shapes_of(result: TimingResult, shapes: Sequence[tuple[int, int]]) -> list[Measured]:
    """Return the measurements on inputs of these shapes, (batch, tokens), on a CPU."""
    return [one for shape in shapes for one in result.of(shape_task(*shape)) if one.device == "cpu"]


def accelerated(result: TimingResult) -> list[Measured]:
    """Return the measurements on a GPU; empty where there is none."""
    return [one for one in result.measured if one.device != "cpu"]


def _interval(found: Interval, bound: float = 1.0) -> str:
    return with_ends(found.value, found.low, found.high, bound, RATIO)


def paired_times(measured: Measured) -> go.Figure:
    """Draw the fastest pass of each sentence pair in the first process start by its tokens, a colour a model."""
    made = figure("Time a sentence pair takes", "tokens", "milliseconds")
    lengths = [given.tokens for given in measured.comparison.inputs]
    for number, (role, look) in enumerate({"teacher": "teacher", "student": "full"}.items()):
        name = f"{role}: {measured.comparison.models[number].name}"
        marker = {"color": COLOURS[look], "symbol": MARKERS[look], "size": 8, "opacity": 0.8}
        made.add_scatter(x=lengths, y=measured.starts[0].fastest(number), mode="markers", name=name, marker=marker)
    made.update_yaxes(rangemode="tozero")
    return made


def ratios_by_shape(measured: Sequence[Measured], by: str, paper: float) -> go.Figure:
    """Draw the ratio of times with its interval by batch size or length.

    Args:
        measured: inputs of one shape each.
        by: ``batch`` or ``tokens``.
        paper: the ratio of Table 3, a dashed line.
    """
    made = figure(f"How many times as long the teacher takes, by {by}", by, "teacher / student")
    ratios = [one.ratio(1) for one in measured]
    values, lows, highs = ([getattr(ratio, end) for ratio in ratios] for end in ENDS)
    made.add_scatter(
        x=[str(getattr(one.comparison.inputs[0], by)) for one in measured],
        y=values,
        mode="markers",
        showlegend=False,
        marker={"size": 11, "color": COLOURS["full"]},
        error_y=error_bars(values, lows, highs),
    )
    for level, words in ((2.0, "half the layers"), (paper, "Table 3")):
        made.add_hline(y=level, line_dash="dash", line_color=GREY, annotation={"text": words, "font_color": GREY})
    made.update_xaxes(type="category")
    made.update_yaxes(range=[min(1.4, paper - 0.1), max(2.3, *(high + 0.1 for high in highs))])
    return made


def layer_line(layers: LayerTimes, share: float) -> go.Figure:
    """Draw times by depth with the fitted line, and the line implied by the paper's two times.

    Args:
        share: share of the deepest network's time without layers that Table 3's ratio implies.
    """
    made = figure("Time by depth", "layers", "milliseconds a pair")
    depths, times = zip(*layers.points, strict=True)
    ends, teacher = [0, max(depths)], COLOURS["teacher"]
    fitted = [layers.fixed.value + depth * layers.layer.value for depth in ends]
    implied = [share * times[-1], times[-1]]
    made.add_scatter(x=ends, y=fitted, mode="lines", name="linear fit", line={"color": teacher})
    made.add_scatter(
        x=ends, y=implied, mode="lines", name="implied by Table 3's ratio", line={"color": GREY, "dash": "dash"}
    )
    marker = {"color": teacher, "symbol": MARKERS["teacher"], "size": 12}
    made.add_scatter(x=list(depths), y=list(times), mode="markers", name="BERT of this depth", marker=marker)
    made.update_yaxes(rangemode="tozero")
    return made


def roofline(points: Sequence[Mapping], peaks: Peaks) -> go.Figure:
    """Draw operations a second by operations a byte under the machine's roof, a colour a model (Williams et al. 2009).

    Args:
        points: the result of :func:`distilbook.inference.breakdown.roofline_points`.
    """
    title, y = "What the passes do, and what the machine could do", "billion operations a second"
    made = figure(title, "operations a byte", y, 440)
    intensities = [point["operations a byte"] for point in points]
    span = np.geomspace(min(*intensities, peaks.operations / peaks.bytes) / 2, 2 * max(intensities), 60)
    roof = [peaks.bound(one) / 1e9 for one in span]
    made.add_scatter(x=span, y=roof, mode="lines", name="the machine's roof", line={"color": GREY, "width": 3})
    colours = [COLOURS["teacher"], COLOURS["full"], *PLAIN]
    for colour, model in zip(colours, dict.fromkeys(point["model"] for point in points), strict=False):
        own = [point for point in points if point["model"] == model]
        symbols = ["circle" if point["batch"] == 1 else "square-open" for point in own]
        made.add_scatter(
            x=[point["operations a byte"] for point in own],
            y=[point["operations a second"] / 1e9 for point in own],
            mode="markers",
            name=model,
            hovertext=[f"batch {point['batch']}, {point['tokens']} tokens" for point in own],
            marker={"color": colour, "size": 10, "symbol": symbols},
        )
    made.update_xaxes(type="log")
    made.update_yaxes(type="log")
    return made
