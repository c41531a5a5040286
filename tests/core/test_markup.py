"""Whatever a value is, what is read on a page is the value, and nothing of it is markup."""

from __future__ import annotations

import re
from html import unescape

import pytest
from distilbook.core.config import HIDDEN, Name
from distilbook.core.markup import Markup, for_figure, html, lines, markdown, visible
from distilbook.tasks import TaskSource
from distilbook.text.sources import TextSource
from distilbook.views.style import Figure
from hostile import VALUES
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from pydantic import TypeAdapter, ValidationError

#: Texts made of the signs that begin markup somewhere, and of hostile values put together.
SIGNS = [*"`*_{}[]()<>#+-.!|~$%&^=:;/\\'\"@\n\t 12ax", "www.x.de", "http://x.de", "&lt;"]
ODD = st.lists(st.sampled_from(SIGNS)).map("".join)
ANY = st.one_of(st.text(), ODD, st.tuples(st.sampled_from(VALUES), st.sampled_from(VALUES)).map("".join))


def myst():
    """Return the parser that the site's own pages are read with."""
    from markdown_it.renderer import RendererHTML
    from myst_parser.config.main import MdParserConfig
    from myst_parser.parsers.mdit import create_md_parser

    extensions = {"amsmath", "colon_fence", "deflist", "dollarmath"}
    return create_md_parser(MdParserConfig(enable_extensions=extensions), RendererHTML)


DIALECTS = {
    "CommonMark": MarkdownIt("commonmark"),
    "tables and strikethrough": MarkdownIt("commonmark").enable(["table", "strikethrough"]),
    "MyST": myst(),
}


def spaced(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip()


def read(dialect: str, source: str, tag: str) -> list[str]:
    """Return the texts of the elements ``tag`` that ``source`` becomes; whatever is in them beside text stays."""
    found = re.findall(rf"(?s)<{tag}>(.*?)</{tag}>", DIALECTS[dialect].render(source))
    return [text if "<" in text else spaced(unescape(text)) for text in found]


@pytest.mark.parametrize("dialect", DIALECTS)
@given(value=ANY)
def test_a_value_in_markdown_is_read_as_it_is(dialect, value):
    text = spaced(visible(value))
    assert read(dialect, markdown(value), "p") == ([text] if text else [])
    assert read(dialect, f"- x {markdown(value)} x", "li") == [spaced(f"x {text} x")]
    assert read(dialect, f"# x {markdown(value)} x", "h1") == [spaced(f"x {text} x")]


@given(value=ANY)
def test_a_value_in_a_table_stays_in_its_cell(value):
    cells = read("tables and strikethrough", f"| a | b |\n| --- | --- |\n| {markdown(value)} | x |", "td")
    assert cells == [spaced(visible(value)), "x"]


@given(value=ANY)
def test_a_value_in_html_is_read_as_it_is_and_ends_no_attribute(value):
    assert unescape(html(value)) == visible(value) and not set(html(value)) & set("<>\"'")


@given(value=ANY)
def test_a_value_in_a_figure_is_read_as_it_is(value):
    assert unescape(for_figure(value)) == visible(value) and not set(for_figure(value)) & set("<>${")


def test_in_a_figure_only_markup_of_templates_is_markup():
    made = Figure().add_bar(x=["<b>", "$x$"], name="<i>", hovertemplate=Markup("%{x}<extra></extra>"))
    bar = made.update_layout(title={"text": "<a href='x'>"}, xaxis={"tickformat": ".0%"}).to_dict()["data"][0]
    assert bar["x"] == ["&#60;b&#62;", "&#36;x&#36;"] and bar["name"] == "&#60;i&#62;"
    assert bar["hovertemplate"] == "%{x}<extra></extra>"
    layout = made.to_dict()["layout"]
    assert layout["title"]["text"] == "&#60;a href='x'&#62;" and layout["xaxis"]["tickformat"] == ".0%"


def test_hidden_characters_are_written_out_and_printed_lines_stay_lines():
    assert visible("a\u202eb\x00\tc\r\nd\ud800") == "a\\u202eb\\u0000 c d\\ud800"
    assert lines("\x1b[1;31ma\x1b[0m\x07\nb\u2028c") == "a\\u0007\nb c"


@given(value=ANY)
def test_nothing_hidden_is_left(value):
    assert not HIDDEN.search(visible(value)) and not HIDDEN.search(lines(value).replace("\n", ""))


@pytest.mark.parametrize(
    "name", ["a\nb", "a\tb", "a\u2028b", "\u202ea", "a\x00", "\x1b[31m", "a\u200bb", "\ufeffa", "a\x85", ""]
)
def test_a_name_with_hidden_characters_is_refused(name):
    for make in (lambda: TextSource(name=name, address="x.txt"), lambda: TaskSource(name=name, address="x.tsv")):
        with pytest.raises(ValidationError, match="hidden characters|control characters|at least 1 character"):
            make()


@pytest.mark.parametrize("name", ["Größe", "日本語", "x y", "<b>", "می‌خواهم", "a`b"])
def test_any_other_name_is_taken(name):
    assert TypeAdapter(Name).validate_python(name) == name


def test_nothing_but_the_functions_of_display_makes_a_notebook_show_something(project):
    """Tables, sentences, source and cards come from ``views.style``, figures from ``views.style``."""
    others = (r"\bMarkdown\(", r"\bHTML\(", r"\bgo\.Figure\(\)", r"\bmake_subplots\(", r"DataFrame\(", r"\bto_html\(")
    other = re.compile("|".join(others))
    scripts = [*(project / "book").rglob("*.py"), *(project / "lib").rglob("*.py")]
    found = [path.name for path in scripts if other.search(path.read_text(encoding="utf-8"))]
    assert len(scripts) > 150 and found == ["style.py"]
