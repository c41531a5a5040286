"""Tables, sentences with measured numbers, and the library's own source, as a chapter shows them."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from typing import Any

from IPython.display import Markdown


def table(rows: Sequence[Mapping[str, Any]]):
    """Return ``rows`` as a table without row numbers: words to the left, thousands separated, gaps empty."""
    import pandas

    # As objects: pandas would turn a column with a gap into floats, and the gap into "nan".
    frame = pandas.DataFrame(list(rows), dtype=object)
    words = [name for name in frame if frame[name].map(lambda value: isinstance(value, str)).any()]
    style = frame.style.hide(axis="index").format(_shown).set_table_attributes('class="dataframe"')
    return style.set_properties(subset=words, **{"text-align": "left", "white-space": "normal"})


def _shown(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return "" if value is None else str(value)
    if isinstance(value, int) or float(value).is_integer():
        return f"{int(value):,}"
    return f"{value:.4g}"


def say(text: str) -> Markdown:
    """Return a sentence that was put together from measured numbers."""
    return Markdown(text)


def show_source(*functions: Any) -> Markdown:
    """Return the source of library functions, folded away under their names: shown, never copied."""
    parts = [
        f"<details><summary><code>{f.__module__}.{f.__qualname__}</code></summary>\n\n"
        f"```python\n{inspect.getsource(f).rstrip()}\n```\n\n</details>"
        for f in functions
    ]
    return Markdown("\n\n".join(parts))
