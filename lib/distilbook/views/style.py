"""Common look of figures, tables, sentences, source code and model cards: each recipe keeps its colour and marker."""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from ..core.markup import for_figure, html, visible
from ..distillation.recipe import ARM_LABELS, AS_LONG, WITHOUT_TEACHER

#: Colour and marker of models and ablations: Okabe and Ito's palette, safe for colour-blind readers, and two greys; the
#: markers serve print in grey. An ablation at equal seconds has its colour, and its marker open.
LOOKS = {
    "teacher": ("#E69F00", "star"),
    "full": ("#0072B2", "circle"),
    "without_distillation": ("#56B4E9", "triangle-up"),
    "without_cosine": ("#CC79A7", "triangle-down"),
    "without_mlm": ("#009E73", "pentagon"),
    "random_initialisation": ("#D55E00", "diamond"),
    "without_teacher": ("#7A5195", "square"),
    "from_scratch": ("#8C6D46", "cross"),
    "without_teacher_equal_seconds": ("#7A5195", "square-open"),
    "from_scratch_equal_seconds": ("#8C6D46", "cross-open"),
    "tfidf": ("#808080", "x"),
    "majority": ("#A6A6A6", "line-ew-open"),
}
COLOURS = {name: colour for name, (colour, _) in LOOKS.items()}
MARKERS = {name: marker for name, (_, marker) in LOOKS.items()}
DASHES = {"full": "solid", "without_teacher": "dash", "random_initialisation": "dot", "teacher": "longdash"}
LABELS = {
    "teacher": "teacher",
    "tfidf": "TF-IDF",
    "majority": "majority",
    **ARM_LABELS,
    **{arm + AS_LONG: f"{ARM_LABELS[arm]}, equal seconds" for arm in WITHOUT_TEACHER},
}

#: Reference lines and open verdicts.
GREY = "#808080"
VERDICTS = {"reproduced": "#0072B2", "contradicted": "#D55E00", "not settled": GREY}
#: Colours of quantities that belong to no model: sources of text, terms of the loss, treatments of a token.
PLAIN = ["#4C78A8", "#F2A541", "#72B7B2", "#B279A2", "#9D755D"]
#: Markers of recipes that a reader adds.
FURTHER = ["circle-open", "diamond-open", "triangle-up-open", "triangle-down-open", "pentagon-open", "hexagon-open"]
GRID = "rgba(128,128,128,0.25)"

MIMETYPE = "application/vnd.plotly.v1+json"
#: Plotly's configuration of every figure: no button leads to a server, and no text is a formula.
BEHAVIOUR = {
    "displaylogo": False,
    "responsive": True,
    "plotlyServerURL": "",
    "showSendToCloud": False,
    "typesetMath": False,
}


class Figure(go.Figure):
    """A figure that escapes every string but those of :class:`distilbook.core.markup.Markup`."""

    def __init__(self, *parts: Any, **more: Any):
        super().__init__(*parts, **more)
        self.update_layout(hoverlabel_namelength=-1)  # plotly would cut a name within an escape

    def to_dict(self) -> dict:
        """Return the figure's content with the markup in its strings escaped."""
        return _as_text(super().to_dict())

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None, **_: Any) -> dict:
        drawn = json.loads(self.to_json()) | {"config": BEHAVIOUR}
        return {MIMETYPE: drawn, "text/plain": visible(self.layout.title.text or "")}

    _ipython_display_ = _repr_html_ = None  # in plotly, a setting decides the kind of output


def _as_text(part: Any) -> Any:
    if isinstance(part, str):
        return for_figure(part)
    if isinstance(part, dict):
        return {name: _as_text(value) for name, value in part.items()}
    if isinstance(part, list | tuple) or (isinstance(part, np.ndarray) and part.dtype.kind in "OUS"):
        return [_as_text(value) for value in part]
    return part


def subplots(**layout: Any) -> Figure:
    """Return a figure of several panels; ``layout`` is that of plotly's ``make_subplots``."""
    return make_subplots(figure=Figure(), **layout)


def label(name: str) -> str:
    """Return the label of a model or an ablation; a recipe that a reader adds is called by its name."""
    return LABELS.get(name, name)


def look(name: str, number: int = 0) -> tuple[str, str, str, str]:
    """Return colour, marker, dash and label of a model or an ablation, or of the ``number``-th recipe of a reader."""
    if name in COLOURS:
        return COLOURS[name], MARKERS[name], DASHES.get(name, "solid"), LABELS[name]
    # Without the first plain colour, which is too near the full recipe's.
    colour = PLAIN[1:][number % (len(PLAIN) - 1)]
    return colour, FURTHER[number % len(FURTHER)], "dashdot", name


def mark(colour: str, symbol: str | Sequence[str], size: int) -> dict:
    """Return plotly's marker with an outline in its own colour, which an open symbol needs."""
    return {"symbol": symbol, "size": size, "color": colour, "line": {"width": 1.5, "color": colour}}


def figure(title: str, x: str, y: str, height: int = 380) -> Figure:
    """Return an empty figure in the book's look; ``x`` and ``y`` are the axes' titles, with units."""
    made = Figure()
    made.update_layout(
        template="simple_white",
        height=height,
        title={"text": title, "font": {"size": 16}},
        xaxis={"title": x, "showgrid": False},
        yaxis={"title": y, "showgrid": True, "gridcolor": GRID},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        font={"size": 13},
        margin={"l": 70, "r": 30, "t": 60, "b": 60},
        legend={"orientation": "h", "y": -0.25},
    )
    return made


#: The three numbers of an estimate with its interval.
ENDS = ("value", "low", "high")


def error_bars(
    values: Sequence[float], lows: Sequence[float], highs: Sequence[float], thickness: float = 2, width: float = 6
) -> dict:
    """Return plotly's error bars from ``lows`` to ``highs`` around ``values``."""
    return {
        "type": "data",
        "symmetric": False,
        "array": [high - value for value, high in zip(values, highs, strict=True)],
        "arrayminus": [value - low for value, low in zip(values, lows, strict=True)],
        "thickness": thickness,
        "width": width,
    }


def padded(reach: Sequence[float]) -> list[float]:
    """Return the ends of an axis that holds all of ``reach``, with some room."""
    room = 0.08 * (max(reach) - min(reach)) or 1.0
    return [min(reach) - room, max(reach) + room]


def dressed(made: Figure, title: str, height: int, left: int, top: int = 90) -> Figure:
    """Give a figure of several panels the book's look; height and margins are in pixels."""
    base = figure(title, "", "").layout
    made.update_layout(
        template=base.template,
        title=base.title,
        paper_bgcolor=base.paper_bgcolor,
        plot_bgcolor=base.plot_bgcolor,
        font=base.font,
        height=height,
        margin={"l": left, "r": 30, "t": top, "b": 60},
    )
    return made


#: Metadata of the outputs made here, whose HTML and Markdown are the book's own.
SHOWN = {"distilbook": "shown"}


class Shown:
    """A notebook's output with its plain-text alternative."""

    def __init__(self, text: str, **content: str):
        self.text, self.content = text, content

    def __repr__(self) -> str:
        return self.text

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> tuple[dict, dict]:
        return {f"text/{kind}": content for kind, content in self.content.items()} | {"text/plain": self.text}, SHOWN


def as_text(content: str, text: str) -> Shown:
    """Return the HTML ``content`` as an output in which MathJax looks for no formula."""
    return Shown(text, html=f'<div class="shown mathjax_ignore">{content}</div>')


def table(rows: Sequence[Mapping[str, Any]]) -> Shown:
    """Return ``rows`` as a table: text left-aligned, thousands separated, gaps empty."""
    rows = list(rows)
    names = list(dict.fromkeys(name for row in rows for name in row))
    cells = [[_shown(row.get(name)) for name in names] for row in rows]
    texts = [any(isinstance(row.get(name), str) for row in rows) for name in names]
    style = [' style="text-align: left; white-space: normal"' if text else "" for text in texts]
    body = "".join(f"<tr>{_row('td', line, style)}</tr>" for line in cells)
    head = f"<thead><tr>{_row('th', names, style)}</tr></thead>"
    plain = "\n".join(" | ".join(map(visible, line)) for line in [names, *cells])
    return as_text(f'<table class="dataframe">{head}<tbody>{body}</tbody></table>', plain)


def _row(tag: str, cells: Iterable[str], style: Iterable[str]) -> str:
    return "".join(f"<{tag}{how}>{html(cell)}</{tag}>" for cell, how in zip(cells, style, strict=True))


def _shown(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return "" if value is None else str(value)
    if isinstance(value, int) or float(value).is_integer():
        return f"{int(value):,}"
    return f"{value:.4g}"


def say(said: str | Iterable[str] | Mapping[str, str]) -> Shown:
    """Return a sentence as a paragraph, several as a list; a mapping puts its names before them."""
    if isinstance(said, str):
        return as_text(f"<p>{html(said)}</p>", visible(said))
    named = list(said.items()) if isinstance(said, Mapping) else [("", sentence) for sentence in said]
    items = (f"<li>{f'<strong>{html(name)}.</strong> ' if name else ''}{html(text)}</li>" for name, text in named)
    plain = (visible(f"{name}. {text}" if name else text) for name, text in named)
    return as_text(f"<ul>{''.join(items)}</ul>", "\n".join(plain))


def show_source(*functions: Any) -> Shown:
    """Return the source of library functions, folded under their names."""
    names = [f"{f.__module__}.{f.__qualname__}" for f in functions]
    parts = [
        f"<details><summary><code>{html(name)}</code></summary>\n\n"
        f"```python\n{inspect.getsource(f).rstrip()}\n```\n\n</details>"
        for name, f in zip(names, functions, strict=True)
    ]
    return Shown("\n".join(names), markdown="\n\n".join(parts))


def show_card(path: Path) -> Shown:
    """Return the model card ``path``, folded under its name, with its headings in bold.

    HTML, links and pictures in it are shown as text.
    """
    from huggingface_hub import ModelCard
    from markdown_it import MarkdownIt

    text = re.sub(r"^#+ (.+)$", r"**\1**", ModelCard.load(path).text.strip(), flags=re.MULTILINE)
    parser = MarkdownIt("commonmark", {"html": False}).enable("table")
    card = parser.disable(["image", "link", "autolink", "reference"]).render(text)
    return as_text(f"<details><summary><code>{html(path.name)}</code>, the model card</summary>{card}</details>", text)
