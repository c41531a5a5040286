"""Wikipedia articles from a MediaWiki dump, their markup reduced to plain paragraphs.

Paragraphs, quotations and list items that are sentences are kept. Tables, pictures, footnotes, headings, lists of
sources and sentences with something that plain text cannot show, such as a formula, are left out.
"""

from __future__ import annotations

import bz2
import io
import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator

import mwparserfromhell
from mwparserfromhell.nodes import Comment, ExternalLink, Heading, HTMLEntity, Node, Tag, Template, Text, Wikilink
from mwparserfromhell.wikicode import Wikicode

from .wiki_templates import HOLE, SUBSCRIPT, SUPERSCRIPT, shown, words

#: Mark of a list item at the beginning of a line (a code point nothing else uses).
ITEM = "\ue000"

#: Sections that are lists of sources and links.
APPENDICES = frozenset(
    words("""
    see also, references, notes, footnotes, notes and references, citations, sources, further reading, bibliography,
    external links, works cited, literature, primary sources, secondary sources, general references, publications,
    discography, filmography, gallery, links, explanatory notes, references and notes, online, selected bibliography,
    bibliographies, additional reading
""")
)

HIDDEN_TAGS = frozenset(
    words("ref, references, table, gallery, timeline, source, syntaxhighlight, score, imagemap, inputbox, s, del, pre")
)
UNREADABLE_TAGS = frozenset({"math", "ce", "hiero"})

MINIMUM_WORDS = 8
MINIMUM_WORDS_OF_AN_ITEM = 12


def articles(xml_bz2: bytes) -> Iterator[tuple[str, str]]:
    """Yield (title, wikitext) of each article in a MediaWiki export compressed with bzip2.

    Redirects and pages outside the main namespace are passed over. The XML is read as a stream.
    """
    with bz2.open(io.BytesIO(xml_bz2)) as stream:
        events = ElementTree.iterparse(stream, events=("start", "end"))
        _, root = next(events)
        for event, element in events:
            if event == "end" and element.tag.rpartition("}")[2] == "page":
                if element.findtext("{*}ns") == "0" and element.find("{*}redirect") is None:
                    yield element.findtext("{*}title"), element.findtext("{*}revision/{*}text") or ""
                root.clear()


def paragraphs(wikitext: str) -> list[str]:
    """Return the paragraphs of an article's prose, in order, each one line of plain text."""
    kept: list[str] = []
    for line in _lines(_article(mwparserfromhell.parse(wikitext, skip_style_tags=True))):
        paragraph = _prose(line)
        if not paragraph or not line.startswith(ITEM):
            _retract(kept)
        if paragraph:
            kept.append(paragraph)
    _retract(kept)
    return kept


def _retract(kept: list[str]) -> None:
    """Remove a last sentence that announces a list or formula which did not follow."""
    while kept and kept[-1].endswith(":"):
        kept[-1] = _without_last_sentence(kept[-1])
        if len(kept[-1].split()) < MINIMUM_WORDS:
            kept.pop()


def _article(code: Wikicode) -> str:
    """Return the article's text with ``ITEM`` and ``HOLE`` in it, without headings and appendices."""
    parts: list[str] = []
    skipped_below = 7
    for node in code.nodes:
        if isinstance(node, Heading):
            parts.append("\n\n")
            if node.level <= skipped_below:
                title = _text(node.title).strip().lower()
                skipped_below = node.level if title in APPENDICES else 7
        elif skipped_below == 7:
            parts.append(_shown(node))
    return "".join(parts)


def _text(code: Wikicode | None) -> str:
    return "" if code is None else "".join(_shown(node) for node in code.nodes)


def _shown(node: Node) -> str:
    """Return the visible text of a node of the parsed markup."""
    match node:
        case Text():
            return node.value
        case Template():
            return shown(node, _text)
        case Wikilink():
            return _link(node)
        case Tag():
            return _tag(node)
        case ExternalLink():
            return _text(node.title) if node.brackets else HOLE
        case HTMLEntity():
            return node.normalize()
        case Comment():
            return ""
    return HOLE


def _link(link: Wikilink) -> str:
    """Return a link's words; nothing for pictures, categories and links to other languages."""
    title = _text(link.title).strip()
    if re.match(r"(?i)(file|image|media|category)\s*:", title) or re.match(r"[a-z]{2,3}(-[a-z]+)*:", title):
        return ""
    words = _text(link.text).strip("\n") if link.text is not None else ""
    # A bare link shows its target, one to a sister project without the project's prefix.
    return words or re.sub(r"^:?(\w+:)?(?=\S)", "", title)


def _tag(tag: Tag) -> str:
    """Return the text inside an HTML tag, or the mark of a list item."""
    name = str(tag.tag).strip().lower()
    if tag.wiki_markup in ("*", "#", ":", ";"):
        return ITEM
    if name in HIDDEN_TAGS:
        return ""
    if name in UNREADABLE_TAGS:
        return HOLE
    if name in ("br", "hr"):
        return " " if name == "br" else "\n\n"
    inside = _text(tag.contents)
    match name:
        case "sub":
            return inside.translate(SUBSCRIPT)
        case "sup":
            return inside.translate(SUPERSCRIPT)
        case "li" | "dd" | "dt":
            return f"\n{ITEM}{inside}\n"
        case "blockquote" | "div" | "p" | "center" | "poem" | "ul" | "ol":
            return f"\n\n{inside}\n\n"
    return inside


def _lines(text: str) -> Iterator[str]:
    """Yield paragraphs and list items: lines in a row are one paragraph, a list's item is its own."""
    text = re.sub(rf"(?m)^(?:[ \t]*{HOLE})+[ \t]*$", "", text)  # a box beside the text
    text = re.sub(r"(?m)(?:^ .{0,120}\n){2,}", "\n", text)  # preformatted: a program or a drawing
    for block in re.split(r"\n\s*\n", text):
        # A list marker begins a line, also after a term's colon; several in a row are one item's depth.
        for line in re.split(rf"(?<!{ITEM})(?={ITEM})", block):
            first, _, rest = line.partition("\n") if line.startswith(ITEM) else (line, "", "")
            yield from (part.replace("\n", " ") for part in (first, rest) if part.strip())


_UNSEEN = re.compile("[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff]")
_GAPS = (
    (re.compile(r"''+(?='s\b)"), ""),  # ''Time'''s
    (re.compile(r"''+"), ""),
    (re.compile(r"__[A-Z]+__"), ""),
    (re.compile(r"\s+"), " "),
    (re.compile(r"([(\[])[\s;,:]+"), r"\1"),
    (re.compile(r"[\s;,:]+([)\]])"), r"\1"),
    (re.compile(r" ?(\(\)|\[\])"), ""),
    (re.compile(r"([;,])(\s*[;,])+"), r"\1"),
    (re.compile(r" +([,;.:!?])(?=[\s\"')]|$)"), r"\1"),
    (re.compile(r"^ | $"), ""),
)
_SENTENCE = re.compile(
    # After the end of a sentence, but not after an initial or an abbreviation, and before a beginning.
    r"(?<=[.!?:\"”)])(?<![A-Z]\.)(?<!\b[A-Z][a-z]\.)(?<!\bMrs\.)(?<!\bc\.)(?<!i\.e\.)(?<!e\.g\.)\s+"
    r"(?=[\"'“‘(]?[A-Z0-9\ufffc])"
)
#: Markup that the parser could not make sense of, and lines of a list of books.
_NO_PROSE = re.compile(r"\{\{|\}\}|\[\[|\]\]|\{\||\||</?[a-zA-Z]|&\w+;|https?://|\bstyle=|\bISBN\b|[\ue000\ufffc]")
_FINISHED = re.compile(r"[.!?:…][\"'”’)\]»]*$")


def _prose(line: str) -> str:
    """Return the clean text of a paragraph or list item, "" where it is no prose."""
    item = line.startswith(ITEM)
    text = _UNSEEN.sub("", line.lstrip(ITEM))
    for pattern, instead in _GAPS:
        text = pattern.sub(instead, text)
    if HOLE in text:
        text = " ".join(s for s in _SENTENCE.split(text) if HOLE not in s)
    if not item and not _FINISHED.search(text):
        text = _without_last_sentence(text)
    enough = MINIMUM_WORDS_OF_AN_ITEM if item else MINIMUM_WORDS
    if len(text.split()) < enough or not _FINISHED.search(text) or _NO_PROSE.search(text):
        return ""
    return text


def _without_last_sentence(paragraph: str) -> str:
    return " ".join(_SENTENCE.split(paragraph)[:-1])
