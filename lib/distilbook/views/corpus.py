"""Figures, rows and sentences about the training text: its blocks, tokens and masks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import plotly.graph_objects as go

from ..core.markup import Markup
from ..core.quantities import percent
from .style import PLAIN, figure
from .templates import Template

HALF_OF_TEXT = Template(
    "Half of the training text is made of {needed:count} of the {occurring:count} tokens that occur in it. "
    "The most frequent are {first:quoted}."
)
DRAWN_AGAINST_ALL = Template(
    "The median drawn token occurs {drawn:short} times in the training text, the median of all tokens in these "
    "blocks {every:short} times. The drawn tokens are {how} the rest of the text."
)
RATES = Template(
    "Of tokens that occur {rarest} times {first:percent} are drawn, of those that occur {commonest} times "
    "{last:percent}; from group to group the share {way}."
)
ONE_RATE = Template("All tokens occur {rarest} times; of these {first:percent} are drawn.")


def text_sources(statistics: Sequence[Mapping]) -> go.Figure:
    """Draw the number of blocks of each source of text, for training and held out."""
    made = figure("Blocks of text", "blocks", "", height=120 + 70 * len(statistics))
    names = [row["source"] for row in statistics]
    for split, name, colour in (("train_blocks", "training", PLAIN[0]), ("held_out_blocks", "held out", PLAIN[1])):
        values = [row[split] for row in statistics]
        text = [f"{value:,}" for value in values]
        made.add_bar(y=names, x=values, name=name, orientation="h", marker_color=colour, text=text)
    made.update_layout(barmode="group", legend={"y": -0.5})
    made.update_yaxes(showgrid=False)
    return made


def frequency_ranks(counts: np.ndarray, labels: Sequence[str], marked: int = 6) -> go.Figure:
    """Draw the occurrences of each token by its rank, and name some tokens.

    Args:
        counts: (vocabulary,); labels: the tokens, (vocabulary,).
    """
    order = np.argsort(-counts, kind="stable")
    seen = order[counts[order] > 0]
    places = np.unique(np.geomspace(1, len(seen), 400).astype(int)) - 1
    made = figure("Occurrences of each token in the training text", "rank of the token (log)", "occurrences (log)")
    made.add_scatter(x=places + 1, y=counts[seen[places]], mode="lines", line_color=PLAIN[0], showlegend=False)
    some = np.unique(np.geomspace(1, len(seen), marked).astype(int)) - 1
    names, look = [labels[i] for i in seen[some]], {"textposition": "top right", "marker_color": PLAIN[1]}
    made.add_scatter(x=some + 1, y=counts[seen[some]], mode="markers+text", text=names, showlegend=False, **look)
    made.update_xaxes(type="log")
    made.update_yaxes(type="log")
    return made


def half_of_text(counts: np.ndarray, labels: Sequence[str]) -> str:
    """Return the number of tokens that make up half of the text, and the most frequent ones.

    Args:
        counts: occurrences of each token, (vocabulary,); labels: the tokens.
    """
    order = np.argsort(-counts, kind="stable")
    needed = int(np.searchsorted(np.cumsum(counts[order]), counts.sum() / 2)) + 1
    first = [labels[i] for i in order[: min(needed, 5)]]
    return HALF_OF_TEXT.filled(needed=needed, occurring=(counts > 0).sum(), first=first)


def masked_blocks(drawn: np.ndarray, treated: np.ndarray, tokens: Sequence[Sequence[str]]) -> go.Figure:
    """Draw the masking of some blocks: one row per block, one square per token.

    Args:
        drawn: (blocks, length) bool; treated: (blocks, length) bool, where the input was changed;
        tokens: (blocks, length), shown when the pointer is on a square.
    """
    level = drawn.astype(int) + (drawn & treated)
    made = figure("Tokens drawn for prediction", "position in the block", "block", height=140 + 22 * len(drawn))
    made.add_heatmap(
        z=level,
        text=tokens,
        hovertemplate=Markup("%{text}<extra></extra>"),
        showscale=False,
        zmin=0,
        zmax=2,
        xgap=1,
        ygap=1,
        colorscale=[[0, "rgba(128,128,128,0.18)"], [0.5, PLAIN[1]], [1, PLAIN[0]]],
    )
    for name, colour in (("masked or replaced", PLAIN[0]), ("drawn, left unchanged", PLAIN[1])):
        square = {"color": colour, "symbol": "square", "size": 11}
        made.add_scatter(x=[None], y=[None], mode="markers", name=name, marker=square)
    made.update_yaxes(showgrid=False, autorange="reversed", dtick=1)
    made.update_layout(legend={"y": -0.45})
    return made


def drawn_against_all(drawn: np.ndarray, every: np.ndarray) -> str:
    """Return the median frequency of the drawn tokens against that of all tokens around them.

    Args:
        drawn, every: occurrences in the training text of each drawn token, and of each token.
    """
    ours, all_of_them = float(np.median(drawn)), float(np.median(every))
    how = "rarer than" if ours < all_of_them else "more frequent than" if ours > all_of_them else "as frequent as"
    return DRAWN_AGAINST_ALL.filled(drawn=ours, every=all_of_them, how=how)


def draw_rates(counts: np.ndarray, drawn: np.ndarray, occurrences: np.ndarray) -> dict[str, float]:
    """Return the share drawn of the tokens that occur 1 to 9, 10 to 99 and so on times in the text.

    Args:
        counts: occurrences in the corpus, (vocabulary,); drawn, occurrences: the same in the masked blocks.
    """
    edges = 10.0 ** np.arange(0, np.floor(np.log10(counts.max())) + 2)
    rates = {}
    for low, high in zip(edges[:-1], edges[1:], strict=True):
        group = (counts >= low) & (counts < high) & (occurrences > 0)
        if group.any():
            rates[f"{low:,.0f} to {high - 1:,.0f}"] = float(drawn[group].sum() / occurrences[group].sum())
    return rates


def masking_rates(rates: Mapping[str, float]) -> go.Figure:
    """Draw the share of tokens drawn, by their frequency in the text; ``rates`` are those of :func:`draw_rates`."""
    made = figure("Share of tokens drawn, by how often they occur", "occurrences in the training text", "share drawn")
    shares = list(rates.values())
    text = [f"{share:.0%}" for share in shares]
    made.add_bar(x=list(rates), y=shares, marker_color=PLAIN[0], text=text, showlegend=False)
    made.update_yaxes(tickformat=".0%")
    return made


def rates_by_frequency(rates: Mapping[str, float]) -> str:
    """Return the change of the share drawn from the rarest group of tokens to the most frequent.

    Args:
        rates: as returned by :func:`draw_rates`, the rarest group first.
    """
    names, steps = list(rates), np.diff(np.array(list(rates.values())))
    first, last = rates[names[0]], rates[names[-1]]
    if len(names) == 1:
        return ONE_RATE.filled(rarest=names[0], first=first)
    way = "falls" if (steps < 0).all() else "rises" if (steps > 0).all() else "is not monotonic"
    return RATES.filled(rarest=names[0], first=first, commonest=names[-1], last=last, way=way)


def spread_rows(shares: Mapping[str, np.ndarray]) -> list[dict]:
    """Return, for each way of drawing, the range over blocks of the share drawn; ``shares`` has it by block."""
    return [
        {
            "draw": name,
            "smallest share of a block": percent(share.min()),
            "median": percent(np.median(share)),
            "largest": percent(share.max()),
            "blocks": len(share),
        }
        for name, share in shares.items()
    ]
