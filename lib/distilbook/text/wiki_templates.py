"""Text of Wikipedia's templates inside sentences.

A dump of articles does not hold the expansion of templates. The few inside sentences (a converted length, a word of
another language) are written out here; those for editors or the margin are empty; any other leaves a ``HOLE``, for
which its sentence is left out.
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

from mwparserfromhell.nodes import Template
from mwparserfromhell.wikicode import Wikicode

#: Placeholder for missing text (U+FFFC, the object replacement character).
HOLE = "\ufffc"


def words(text: str) -> list[str]:
    """Return the items of a list that is written out in a text, with commas between them."""
    return re.split(r",\s+", text.strip())


#: Templates without text: footnotes, notes to editors, boxes, page furniture.
SILENT = frozenset(
    words("""
    anchor, automatic taxobox, better source, by whom, citation, citation needed, clarify, clear, coord, double image,
    dubious, efn, external media, failed verification, flagicon, full, further, geographic location, italic title,
    main, main article, multiple image, page needed, portal, qualify evidence, redirect, refimprove, reflist, refn,
    rp, see also, sfnp, sic, sister project links, unreferenced section, vague, verify source, weasel-inline, when,
    where, which, who, #tag:ref
""")
)
SILENT_BEGINNINGS = ("cite ", "infobox", "ipa-", "ipac-", "pp-", "respell", "sfn", "harv", "use ", "inflation-fn")

SUBSCRIPT = str.maketrans("0123456789+-−–", "₀₁₂₃₄₅₆₇₈₉₊₋₋₋")
SUPERSCRIPT = str.maketrans("0123456789+-−–", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁻⁻")

#: Codes of ``{{convert}}`` and the names of the units.
UNITS: Mapping[str, str] = MappingProxyType(
    dict(
        unit.split("=")
        for unit in words("""
    mi=miles, km=kilometres, m=metres, cm=centimetres, mm=millimetres, ft=feet, in=inches, yd=yards,
    nmi=nautical miles, sqmi=square miles, km2=square kilometres, sqft=square feet, m2=square metres, acre=acres,
    ha=hectares, kg=kilograms, lb=pounds, g=grams, t=tonnes, ST=short tons, oz=ounces, mph=miles per hour,
    km/h=kilometres per hour, ft/s=feet per second, m/s=metres per second, C=°C, °C=°C, F=°F, °F=°F, K=K, L=litres,
    USgal=US gallons, MW=megawatts, m3=cubic metres, ft3=cubic feet, LT=long tons, MT=metric tons, oilbbl=barrels,
    oilbbl/d=barrels per day, koilbbl/d=thousand barrels per day, Moilbbl=million barrels,
    Moilbbl/d=million barrels per day, Goilbbl=billion barrels, carat=carats, fathom=fathoms, smi=miles
""")
    )
)
MONTHS = frozenset(str(number) for number in range(1, 13))
MANY = MappingProxyType({"": "", "e3": "thousand ", "e6": "million ", "e9": "billion "})
RANGES = MappingProxyType(
    {"to": " to ", "-": "–", "–": "–", "and": " and ", "and(-)": " and ", "or": " or ", "x": " × ", "by": " by "}
)


class Arguments:
    """A template's arguments as readable text: ``arguments[0]`` is the first, ``arguments.get(name)`` a named one."""

    def __init__(self, template: Template, text: Callable[[Wikicode], str]):
        named = {str(p.name).strip().lower(): p.value for p in template.params}
        self.named = {name: text(value).strip() for name, value in named.items() if not name.isdigit()}
        positions = sorted((int(name), value) for name, value in named.items() if name.isdigit())
        self.positional = [text(value).strip() for _, value in positions]

    def __getitem__(self, position: int) -> str:
        return self.positional[position] if -len(self.positional) <= position < len(self.positional) else ""

    def get(self, name: str) -> str:
        return self.named.get(name, "")

    @property
    def only_for_editors(self) -> bool:
        """Whether the template is a notice to editors: a date and no text."""
        return "date" in self.named and not self.positional


def shown(template: Template, text: Callable[[Wikicode], str]) -> str:
    """Return the text of ``template`` inside a sentence: words, nothing, or a ``HOLE``.

    Args:
        text: turns an argument's wikitext into readable text.
    """
    name = " ".join(str(template.name).replace("_", " ").split()).lower()
    if name in SILENT or name.startswith(SILENT_BEGINNINGS):
        return ""
    if name.startswith("lang-"):
        return Arguments(template, text)[0]
    if name.startswith("formatnum:"):
        return text(template.name).partition(":")[2].strip()
    if name in SIGNS:
        return SIGNS[name]
    arguments = Arguments(template, text)
    if name in SHOWN:
        return SHOWN[name](arguments)
    return "" if arguments.only_for_editors else HOLE


def conversion(arguments: Arguments) -> str:
    """Return the first quantity of a ``{{convert}}`` with its unit in words: ``1,300 miles``."""
    words: list[str] = []
    for part in arguments.positional:
        number = part.replace(",", "").replace("−", "-")
        if re.fullmatch(r"[-+]?\d+(\.\d+)?", number):
            words.append(f"{int(number):,}" if number.lstrip("-+").isdigit() else part)
        elif part in RANGES and words:
            words.append(RANGES[part])
        else:
            return "".join(words) + unit(part) if words else HOLE
    return HOLE


def unit(code: str) -> str:
    """Return a unit's name with the space before it: ``e6acre`` is `` million acres``."""
    many = code[:2] if re.match(r"e\d", code) else ""
    name = UNITS.get(code.removeprefix(many).removesuffix("-change"))
    if name is None or many not in MANY:
        return HOLE
    return name if name.startswith("°") else f" {MANY[many]}{name}"


def chemical(parts: Sequence[str]) -> str:
    """Return a formula: counts as subscripts, a charge as superscript (``C|4|-`` is C₄⁻)."""
    written = ""
    for part in parts:
        if re.fullmatch(r"\d*[+\-−]", part):
            written += part.translate(SUPERSCRIPT)
        else:
            written += part.translate(SUBSCRIPT) if part.isdigit() else part
    return written


def fraction(parts: Sequence[str]) -> str:
    """Return ``1/3`` for one part, ``3/2`` for two, ``1 3/4`` for three."""
    match parts:
        case [below]:
            return f"1/{below}"
        case [above, below]:
            return f"{above}/{below}"
        case [whole, above, below]:
            return f"{whole} {above}/{below}"
    return HOLE


def power(exponent: str) -> str:
    return f" × 10{exponent.translate(SUPERSCRIPT)}" if exponent else ""


def since(arguments: Arguments) -> str:
    """Return "As of 2014" from year, month and day; in lower case with ``lc=y``."""
    year, month, day = (*arguments.positional, "", "", "")[:3]
    month = calendar.month_name[int(month)] if month in MONTHS else month
    date = " ".join(part for part in (day, month, year) if part)
    return f"{'as' if arguments.get('lc') else 'As'} of {date}"


def japanese(arguments: Arguments) -> str:
    """Return the English word and its transcription, without the characters between them."""
    english, reading = arguments[0], arguments[2]
    return f"{english} ({reading})" if english and reading else english or reading


def quotation(arguments: Arguments) -> str:
    """Return a quotation as a paragraph of its own."""
    return f"\n\n{arguments.get('text') or arguments.get('quote') or arguments[0]}\n\n"


SIGNS: Mapping[str, str] = MappingProxyType(
    {
        "nbsp": " ",
        "spaces": " ",
        "thinsp": " ",
        "ndash": "–",
        "mdash": "—",
        "mdashb": "—",
        "snd": " – ",
        "spaced ndash": " – ",
        "'s": "'s",
        "'": "'",
        "' \"": "'\"",
        '-"': '"',
        "=": "=",
        "carbon": "C",
        "hydrogen": "H",
    }
)

SHOWN: Mapping[str, Callable[[Arguments], str]] = MappingProxyType(
    {
        "convert": conversion,
        "as of": since,
        "nihongo": japanese,
        "chem": lambda arguments: chemical(arguments.positional),
        "frac": lambda arguments: fraction(arguments.positional),
        "sfrac": lambda arguments: fraction(arguments.positional),
        "val": lambda arguments: f"{arguments[0]}{power(arguments.get('e'))} {arguments.get('u')}".strip(),
        "e": lambda arguments: power(arguments[0]),
        "circa": lambda arguments: f"c. {arguments[0]}",
        "hms": lambda arguments: f"HMS {arguments[0]}",
        "uss": lambda arguments: f"USS {arguments[0]}",
        "us$": lambda arguments: f"US${arguments[0]}",
        "us patent": lambda arguments: f"US patent {arguments[0]}",
        "simplenuclide2": lambda arguments: f"{arguments[0]}-{arguments[1]}",
        "nuclide2": lambda arguments: f"{arguments[0]}-{arguments[1]}",
        "keypress": lambda arguments: "+".join(arguments.positional),
        "music": lambda arguments: {"flat": "♭", "sharp": "♯"}.get(arguments[0], HOLE),
        "sc": lambda arguments: arguments[0].upper(),
        "lang": lambda arguments: arguments[1],
        "rtl-lang": lambda arguments: arguments[1],
        "script": lambda arguments: arguments[1],
        "ill": lambda arguments: arguments[1],
        "transl": lambda arguments: arguments[-1],
        **dict.fromkeys(("angbr", "vr"), lambda arguments: f"⟨{arguments[0]}⟩" if arguments[0] else HOLE),
        **dict.fromkeys(("quote", "quotation", "blockquote", "cquote"), quotation),
        **dict.fromkeys(
            words("ipa, nowrap, small, smaller, big, large, vanchor, tooltip, abbr, linktext, nq, railgauge"),
            lambda arguments: arguments[0],
        ),
    }
)
