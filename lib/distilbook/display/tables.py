"""Tables, sentences with measured numbers, and the library's own source, as a chapter shows them."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ..markup import html, visible

#: Marks what a chapter shows through this module among a notebook's outputs: its HTML and Markdown are the book's own.
SHOWN = {"distilbook": "shown"}


class Shown:
    """Something for a notebook to show, with the same in plain text."""

    def __init__(self, text: str, **content: str):
        self.text, self.content = text, content

    def __repr__(self) -> str:
        return self.text

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> tuple[dict, dict]:
        return {f"text/{kind}": content for kind, content in self.content.items()} | {"text/plain": self.text}, SHOWN


def as_text(content: str, text: str) -> Shown:
    """Return what is shown by the HTML ``content``; no formula is looked for in it."""
    return Shown(text, html=f'<div class="shown mathjax_ignore">{content}</div>')


def table(rows: Sequence[Mapping[str, Any]]) -> Shown:
    """Return ``rows`` as a table: words to the left, thousands separated, gaps empty."""
    rows = list(rows)
    names = list(dict.fromkeys(name for row in rows for name in row))
    words = {name for name in names if any(isinstance(row.get(name), str) for row in rows)}
    cells = [[_shown(row.get(name)) for name in names] for row in rows]
    style = [' style="text-align: left; white-space: normal"' if name in words else "" for name in names]
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
    """Return a sentence that was put together from measured numbers; several as a list, those with a name behind it."""
    if isinstance(said, str):
        return as_text(f"<p>{html(said)}</p>", visible(said))
    named = list(said.items()) if isinstance(said, Mapping) else [("", sentence) for sentence in said]
    items = (f"<li>{f'<strong>{html(name)}.</strong> ' if name else ''}{html(text)}</li>" for name, text in named)
    plain = (visible(f"{name}. {text}" if name else text) for name, text in named)
    return as_text(f"<ul>{''.join(items)}</ul>", "\n".join(plain))


def show_source(*functions: Any) -> Shown:
    """Return the source of library functions, folded away under their names: shown, never copied."""
    names = [f"{f.__module__}.{f.__qualname__}" for f in functions]
    parts = [
        f"<details><summary><code>{html(name)}</code></summary>\n\n"
        f"```python\n{inspect.getsource(f).rstrip()}\n```\n\n</details>"
        for name, f in zip(names, functions, strict=True)
    ]
    return Shown("\n".join(names), markdown="\n\n".join(parts))
