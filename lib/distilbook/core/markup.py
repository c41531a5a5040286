"""Text from outside, made safe to show: one escape for HTML, one for Markdown, one for figures.

Names, labels, sentences, tokens, settings and error messages come from files and from the network. None of them
is markup, wherever it is shown: markup comes from the book's own templates alone.
"""

from __future__ import annotations

import re
from html import escape
from typing import Any

#: Characters that cannot be seen, or that turn what stands around them: controls, ends of lines, marks of direction.
HIDDEN = re.compile(
    r"[\x00-\x1f\x7f-\x9f\xad\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ud800-\udfff\ufeff\ufff9-\ufffb\ufffe"
    r"\uffff\U000e0000-\U000e007f]"
)
_SPACE = re.compile(r"[\t\n\v\f\r\x85\u2028\u2029]+")
#: Colours and other commands to a terminal.
_COMMANDS = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]")
#: What may begin markup in any dialect of Markdown, anywhere or at the start of a line.
_IN_MARKDOWN = re.compile(
    r"[$&*<=>@\[\\\]^`{|}~]|:(?!\s)|(?<![^\W_])_|_(?![^\W_])|\bwww\.|^[-+#%:]|^\d+[.)](?!\d)", re.IGNORECASE
)
#: Those of them that a dialect reads before it sees a backslash, or behind backslashes.
_NUMBERED = "&<>$\\"
#: What plotly reads as markup, as a formula, or as a place for a value.
_IN_FIGURES = re.compile(r"[&<>${]")


class Markup(str):
    """A string of the book's own templates, whose markup is meant."""


def visible(value: Any) -> str:
    """Return ``value`` as text on one line, with hidden characters written out, such as ``\\u202e``."""
    return HIDDEN.sub(lambda found: f"\\u{ord(found[0]):04x}", _SPACE.sub(" ", str(value)))


def lines(text: str) -> str:
    """Return printed ``text``, made visible line by line, without a terminal's colours."""
    return "\n".join(map(visible, _COMMANDS.sub("", text).split("\n")))


def html(value: Any) -> str:
    """Return ``value`` as text in HTML, inside an element or an attribute."""
    return escape(visible(value))


def markdown(value: Any) -> str:
    """Return ``value`` as text in Markdown: in a paragraph, a heading or the cell of a table."""
    return _IN_MARKDOWN.sub(lambda found: found[0][:-1] + _escaped(found[0][-1]), visible(value).strip())


def _escaped(sign: str) -> str:
    return _reference(sign) if sign in _NUMBERED else f"\\{sign}"


def _reference(sign: str) -> str:
    return f"&#{ord(sign)};"


def for_figure(value: str) -> str:
    """Return ``value`` as text in a figure: a title, a label, a category, a text on hovering."""
    return value if isinstance(value, Markup) else _IN_FIGURES.sub(lambda found: _reference(found[0]), visible(value))
