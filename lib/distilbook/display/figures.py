"""The book's figures, each a function of data that a chapter has at hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from .palette import COLOURS, DASHES, LABELS, MARKERS, PLAIN, figure


def text_sources(statistics: Sequence[Mapping]) -> go.Figure:
    """Draw how many blocks each source of text gives, for training and held out."""
    made = figure("Blocks of text", "blocks", "", height=120 + 70 * len(statistics))
    names = [row["source"] for row in statistics]
    for split, name, colour in (("train_blocks", "training", PLAIN[0]), ("held_out_blocks", "held out", PLAIN[1])):
        values = [row[split] for row in statistics]
        made.add_bar(y=names, x=values, name=name, orientation="h", marker_color=colour, text=[f"{v:,}" for v in values])
    made.update_layout(barmode="group", legend={"y": -0.5})
    made.update_yaxes(showgrid=False)
    return made


def frequency_ranks(counts: np.ndarray, labels: Sequence[str], marked: int = 6) -> go.Figure:
    """Draw how often each word piece occurs by its rank, with the names of some.

    Args:
        counts: (vocabulary,); labels: the word pieces, (vocabulary,).
    """
    order = np.argsort(-counts, kind="stable")
    seen = order[counts[order] > 0]
    places = np.unique(np.geomspace(1, len(seen), 400).astype(int)) - 1
    made = figure("Few word pieces make most of the text", "rank of the word piece (log)", "occurrences (log)")
    made.add_scatter(x=places + 1, y=counts[seen[places]], mode="lines", line_color=PLAIN[0], showlegend=False)
    some = np.unique(np.geomspace(1, len(seen), marked).astype(int)) - 1
    made.add_scatter(x=some + 1, y=counts[seen[some]], mode="markers+text", text=[labels[i] for i in seen[some]],
                     textposition="top right", marker_color=PLAIN[1], showlegend=False)
    made.update_xaxes(type="log")
    made.update_yaxes(type="log")
    return made


def masked_blocks(drawn: np.ndarray, treated: np.ndarray, pieces: Sequence[Sequence[str]]) -> go.Figure:
    """Draw what masking does to some blocks: one row a block, one square a word piece.

    Args:
        drawn: (blocks, length) bool; treated: (blocks, length) bool, where the input was changed;
        pieces: (blocks, length), shown when the pointer is on a square.
    """
    level = drawn.astype(int) + (drawn & treated)
    made = figure("Word pieces drawn for prediction", "position in the block", "block", height=140 + 22 * len(drawn))
    made.add_heatmap(
        z=level, text=pieces, hovertemplate="%{text}<extra></extra>", showscale=False, zmin=0, zmax=2, xgap=1, ygap=1,
        colorscale=[[0, "rgba(128,128,128,0.18)"], [0.5, PLAIN[1]], [1, PLAIN[0]]],
    )
    for name, colour in (("hidden or replaced", PLAIN[0]), ("drawn, left as it is", PLAIN[1])):
        made.add_scatter(x=[None], y=[None], mode="markers", name=name, marker={"color": colour, "symbol": "square", "size": 11})
    made.update_yaxes(showgrid=False, autorange="reversed", dtick=1)
    made.update_layout(legend={"y": -0.45})
    return made


def masking_rates(counts: np.ndarray, drawn: np.ndarray, occurrences: np.ndarray) -> go.Figure:
    """Draw how often a word piece is drawn, by how often it occurs in the text.

    Args:
        counts: occurrences in the corpus, (vocabulary,); drawn, occurrences: (vocabulary,) in the
            blocks that were masked.
    """
    edges = 10.0 ** np.arange(0, np.log10(counts.max()) + 1)
    rates, names = [], []
    for low, high in zip(edges[:-1], edges[1:], strict=True):
        group = (counts >= low) & (counts < high) & (occurrences > 0)
        if occurrences[group].sum():
            rates.append(drawn[group].sum() / occurrences[group].sum())
            names.append(f"{low:,.0f} to {high - 1:,.0f}")
    made = figure("Rare word pieces are asked for more often", "occurrences in the training text", "share drawn")
    made.add_bar(x=names, y=rates, marker_color=PLAIN[0], text=[f"{rate:.0%}" for rate in rates], showlegend=False)
    made.update_yaxes(tickformat=".0%")
    return made


def softened(logits: np.ndarray, words: Sequence[str], temperatures: Sequence[float], chosen: float) -> go.Figure:
    """Draw a distribution at several temperatures, with a slider.

    Args:
        logits: (words,) of the words shown; the distribution is over these alone.
        chosen: the temperature the slider starts at, one of ``temperatures``.
    """
    made = figure("The same logits at different temperatures", "", "probability among these words")
    for temperature in temperatures:
        scaled = np.exp((logits - logits.max()) / temperature)
        made.add_bar(x=list(words), y=scaled / scaled.sum(), marker_color=COLOURS["teacher"], visible=temperature == chosen,
                     name=f"T = {temperature:g}", showlegend=False)
    steps = [
        {"label": f"{temperature:g}", "method": "update", "args": [{"visible": [t == temperature for t in temperatures]}]}
        for temperature in temperatures
    ]
    made.update_layout(sliders=[{"steps": steps, "active": list(temperatures).index(chosen),
                                 "currentvalue": {"prefix": "temperature "}, "pad": {"t": 45}}])
    made.update_yaxes(range=[0, 1], tickformat=".0%")
    return made


def layer_map(layers: Sequence[int], depth: int) -> go.Figure:
    """Draw which of the teacher's ``depth`` layers the student copies."""
    made = figure("Which layers are copied", "", "layer (from 0)", height=160 + 32 * depth)
    copied = set(layers)
    for place, layer in enumerate(layers):
        made.add_scatter(x=[0.08, 0.92], y=[layer, place], mode="lines", line={"color": "rgba(128,128,128,0.7)", "width": 2},
                         showlegend=False, hoverinfo="skip")
    _boxes(made, 0, range(depth), lambda layer: COLOURS["teacher"] if layer in copied else "rgba(128,128,128,0.35)")
    _boxes(made, 1, range(len(layers)), lambda _: COLOURS["full"])
    made.update_xaxes(tickvals=[0, 1], ticktext=["teacher", "student"], range=[-0.3, 1.3])
    made.update_yaxes(dtick=1, showgrid=False, range=[-0.7, depth - 0.3])
    return made


def _boxes(made: go.Figure, x: float, layers, colour) -> None:
    made.add_scatter(x=[x] * len(layers), y=list(layers), mode="markers", showlegend=False,
                     marker={"symbol": "square", "size": 22, "color": [colour(layer) for layer in layers]},
                     hovertemplate="layer %{y}<extra></extra>")


def parameter_bars(tables: Mapping[str, Mapping[str, int]]) -> go.Figure:
    """Draw where each model's parameters are.

    Args:
        tables: for each model, the number of parameters of each of its parts.
    """
    parts = list(dict.fromkeys(part for table in tables.values() for part in table))
    made = figure("Where the parameters are", "millions of parameters", "", height=190 + 60 * len(tables))
    for number, part in enumerate(parts):
        made.add_bar(y=list(tables), x=[table.get(part, 0) / 1e6 for table in tables.values()], name=part, orientation="h",
                     marker_color=PLAIN[number % len(PLAIN)], hovertemplate="%{y}: %{x:.2f} M<extra>" + part + "</extra>")
    made.update_layout(barmode="stack", legend={"y": -0.4, "traceorder": "normal"})
    made.update_yaxes(showgrid=False, autorange="reversed")
    return made


def learning_curves(curves: Mapping[str, Sequence[Sequence[Mapping]]], metric: str, y: str, title: str,
                    reference: float | None = None) -> go.Figure:
    """Draw a metric over training, one line a seed, one colour an arm.

    Args:
        curves: for each arm, one list of measurements a seed; each has ``seen`` (tokens) and ``metric``.
        reference: the teacher's value, a dashed line.
    """
    made = figure(title, "training tokens seen", y)
    for arm, seeds in curves.items():
        for number, lines in enumerate(seeds):
            made.add_scatter(
                x=[line["seen"] for line in lines], y=[line[metric] for line in lines], mode="lines+markers",
                name=LABELS[arm], legendgroup=arm, showlegend=number == 0, opacity=0.9,
                line={"color": COLOURS[arm], "dash": DASHES.get(arm, "solid")}, marker={"symbol": MARKERS[arm], "size": 7},
            )
    if reference is not None:
        made.add_hline(y=reference, line_dash="longdash", line_color=COLOURS["teacher"], line_width=2, opacity=1,
                       annotation={"text": "teacher", "font_color": COLOURS["teacher"]})
    return made


def loss_terms(seeds: Sequence[Sequence[Mapping]], terms: Mapping[str, str]) -> go.Figure:
    """Draw each term of the loss over the optimiser's steps, a panel a term.

    Args:
        seeds: for each seed the training lines of its metrics file.
        terms: the terms' names in the file, and how they are called.
    """
    made = make_subplots(rows=1, cols=len(terms), subplot_titles=list(terms.values()), horizontal_spacing=0.08)
    for column, term in enumerate(terms, start=1):
        for number, lines in enumerate(seeds):
            made.add_scatter(x=[line["step"] for line in lines], y=[line[term] for line in lines], mode="lines", row=1, col=column,
                             line={"color": PLAIN[column - 1], "width": 1.6, "dash": "solid" if number == 0 else "dot"},
                             showlegend=False, name=f"seed {number}")
        made.update_xaxes(title_text="optimiser step", row=1, col=column)
    base = figure("", "", "").layout
    made.update_layout(template=base.template, paper_bgcolor=base.paper_bgcolor, plot_bgcolor=base.plot_bgcolor,
                       height=320, margin={"l": 50, "r": 20, "t": 50, "b": 60})
    return made


def scores(values: Mapping[str, Sequence[float]], x: str, title: str) -> go.Figure:
    """Draw a score of several models, a mark a seed and a bar at the median.

    Args:
        values: for each model or arm one score a seed.
    """
    made = figure(title, x, "", height=130 + 46 * len(values))
    for name, seeds in values.items():
        label = LABELS[name]
        made.add_scatter(x=list(seeds), y=[label] * len(seeds), mode="markers", showlegend=False, name=label,
                         marker={"color": COLOURS[name], "symbol": MARKERS[name], "size": 12, "opacity": 0.75,
                                 "line": {"width": 1, "color": COLOURS[name]}})
        made.add_scatter(x=[float(np.median(seeds))], y=[label], mode="markers", showlegend=False, hoverinfo="skip",
                         marker={"symbol": "line-ns-open", "size": 24, "color": COLOURS[name], "line": {"width": 2}})
    made.update_yaxes(autorange="reversed", showgrid=True)
    return made


def intervals(rows: Sequence[Mapping], x: str, title: str, reference: float, reference_text: str) -> go.Figure:
    """Draw estimates with their intervals and the value that decides.

    Args:
        rows: each with ``label``, ``value``, ``low`` and ``high``.
    """
    made = figure(title, x, "", height=150 + 46 * len(rows))
    made.add_scatter(
        x=[row["value"] for row in rows], y=[row["label"] for row in rows], mode="markers", showlegend=False,
        marker={"size": 11, "color": COLOURS["full"]},
        error_x={"type": "data", "symmetric": False, "array": [row["high"] - row["value"] for row in rows],
                 "arrayminus": [row["value"] - row["low"] for row in rows], "thickness": 2, "width": 6},
    )
    made.add_vline(x=reference, line_dash="dash", line_color="#808080", line_width=2, opacity=1,
                   annotation={"text": reference_text, "font_color": "#808080", "yref": "paper", "y": 1.08})
    made.update_yaxes(autorange="reversed")
    return made


def paired_times(lengths: Sequence[int], times: Mapping[str, Sequence[float]]) -> go.Figure:
    """Draw the time of each sentence pair by its length, a colour a model.

    Args:
        times: for ``teacher`` and ``full`` (the student's colour), milliseconds a pair, with their labels as keys'
            legend text in the palette.
    """
    made = figure("Time a sentence pair takes", "word pieces", "milliseconds")
    for name, values in times.items():
        made.add_scatter(x=list(lengths), y=list(values), mode="markers", name={"teacher": "teacher", "full": "student"}[name],
                         marker={"color": COLOURS[name], "symbol": MARKERS[name], "size": 8, "opacity": 0.8})
    made.update_yaxes(rangemode="tozero")
    return made
