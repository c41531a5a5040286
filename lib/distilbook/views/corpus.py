"""Figures of the text: its blocks, its word pieces, its masks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import plotly.graph_objects as go

from ..core.markup import Markup
from .style import PLAIN, figure


def text_sources(statistics: Sequence[Mapping]) -> go.Figure:
    """Draw how many blocks each source of text gives, for training and held out."""
    made = figure("Blocks of text", "blocks", "", height=120 + 70 * len(statistics))
    names = [row["source"] for row in statistics]
    for split, name, colour in (("train_blocks", "training", PLAIN[0]), ("held_out_blocks", "held out", PLAIN[1])):
        values = [row[split] for row in statistics]
        made.add_bar(
            y=names, x=values, name=name, orientation="h", marker_color=colour, text=[f"{v:,}" for v in values]
        )
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
    made = figure(
        "Occurrences of each word piece in the training text", "rank of the word piece (log)", "occurrences (log)"
    )
    made.add_scatter(x=places + 1, y=counts[seen[places]], mode="lines", line_color=PLAIN[0], showlegend=False)
    some = np.unique(np.geomspace(1, len(seen), marked).astype(int)) - 1
    made.add_scatter(
        x=some + 1,
        y=counts[seen[some]],
        mode="markers+text",
        text=[labels[i] for i in seen[some]],
        textposition="top right",
        marker_color=PLAIN[1],
        showlegend=False,
    )
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
        z=level,
        text=pieces,
        hovertemplate=Markup("%{text}<extra></extra>"),
        showscale=False,
        zmin=0,
        zmax=2,
        xgap=1,
        ygap=1,
        colorscale=[[0, "rgba(128,128,128,0.18)"], [0.5, PLAIN[1]], [1, PLAIN[0]]],
    )
    for name, colour in (("hidden or replaced", PLAIN[0]), ("drawn, left as it is", PLAIN[1])):
        made.add_scatter(
            x=[None], y=[None], mode="markers", name=name, marker={"color": colour, "symbol": "square", "size": 11}
        )
    made.update_yaxes(showgrid=False, autorange="reversed", dtick=1)
    made.update_layout(legend={"y": -0.45})
    return made


def draw_rates(counts: np.ndarray, drawn: np.ndarray, occurrences: np.ndarray) -> dict[str, float]:
    """Return the share drawn of the word pieces that occur 1 to 9, 10 to 99 and so on times in the text.

    Args:
        counts: occurrences in the corpus, (vocabulary,); drawn, occurrences: (vocabulary,) in the
            blocks that were masked.
    """
    edges = 10.0 ** np.arange(0, np.floor(np.log10(counts.max())) + 2)
    rates = {}
    for low, high in zip(edges[:-1], edges[1:], strict=True):
        group = (counts >= low) & (counts < high) & (occurrences > 0)
        if group.any():
            rates[f"{low:,.0f} to {high - 1:,.0f}"] = float(drawn[group].sum() / occurrences[group].sum())
    return rates


def masking_rates(rates: Mapping[str, float]) -> go.Figure:
    """Draw how often a word piece is drawn, by how often it occurs in the text; ``rates`` are those of draw_rates."""
    made = figure(
        "Share of word pieces drawn, by how often they occur", "occurrences in the training text", "share drawn"
    )
    shares = list(rates.values())
    made.add_bar(
        x=list(rates), y=shares, marker_color=PLAIN[0], text=[f"{share:.0%}" for share in shares], showlegend=False
    )
    made.update_yaxes(tickformat=".0%")
    return made
