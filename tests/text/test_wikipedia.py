"""Wikipedia's markup to paragraphs of prose."""

import bz2
import re

import pytest
from distilbook.text.wiki_templates import HOLE
from distilbook.text.wikipedia import _text, articles, paragraphs
from real import needs_wheel

PROSE = "The first sentence of this paragraph has quite enough words in it."


def only(wikitext: str) -> str:
    found = paragraphs(wikitext)
    assert len(found) == 1, found
    return found[0]


def test_links_quotes_entities_comments_and_footnotes_become_plain_words():
    text = only(
        "'''Anarchism''' is a [[political philosophy|philosophy]] that ''advocates'' [[stateless society|stateless]]"
        "&nbsp;[[state]]s<ref name=a>{{cite book|title=X}}</ref>,<!-- why? --> see [http://example.org the site]"
        "&mdash;or not."
    )
    assert text == "Anarchism is a philosophy that advocates stateless states, see the site—or not."


def test_apostrophes_next_to_quote_marks_stay():
    assert only("The paper ''Time'''s cover showed '''Lincoln'''’s face, and it wasn't his best.") == (
        "The paper Time's cover showed Lincoln’s face, and it wasn't his best."
    )


def test_pictures_tables_galleries_boxes_and_categories_leave_nothing():
    wikitext = (
        "{{Infobox person|name=A|note=This sentence of the box has enough words to be taken for prose.}}\n"
        "[[File:A.jpg|thumb|300px|A caption with a [[link]] that has enough words to be taken for prose.]]\n"
        f"{PROSE}\n\n"
        "{| class=wikitable style='x'\n|-\n| This sentence of the table has enough words to be taken for prose.\n|}\n"
        "<gallery>\nFile:B.jpg|This sentence of the gallery has enough words to be taken for prose.\n</gallery>\n"
        "[[Category:Things]]\n[[de:Dinge]]\n__NOTOC__\n"
    )
    assert paragraphs(wikitext) == [PROSE]


def test_headings_and_lists_of_sources_are_left_out_but_not_the_sections_after_them():
    appendix = f"== See also ==\n{PROSE} One.\n=== More ===\n{PROSE} Two."
    wikitext = f"== History ==\n{PROSE}\n{appendix}\n== Life ==\n{PROSE} Three."
    assert paragraphs(wikitext) == [PROSE, f"{PROSE} Three."]


def test_lines_in_a_row_are_one_paragraph_and_list_items_are_their_own():
    item = "Each item of this list is a sentence that has more than twelve words in it."
    wikitext = f"{PROSE}\n{PROSE}\n* {item}\n** {item}\n* a short item\n{PROSE}"
    assert paragraphs(wikitext) == [f"{PROSE} {PROSE}", item, item, PROSE]


def test_an_announcement_goes_with_the_list_or_formula_it_announced():
    assert paragraphs(f"{PROSE} The mean is given by:\n: <math>m = s/n</math>\n{PROSE}") == [PROSE, PROSE]
    item = "Each item of this list is a sentence that has more than twelve words in it."
    assert paragraphs(f"{PROSE} There are two of them:\n\n* {item}") == [f"{PROSE} There are two of them:", item]


def test_a_sentence_that_hangs_on_a_formula_is_left_out_alone():
    wikitext = f"{PROSE} Here <math>x</math> is the mean of all the values. The last sentence, by J. Doe, is kept."
    assert only(wikitext) == f"{PROSE} The last sentence, by J. Doe, is kept."


def test_an_unfinished_last_sentence_is_cut():
    assert only(f"{PROSE} They included") == PROSE


def test_preformatted_lines_are_no_prose():
    program = " Input: a list of numbers that is not empty.\n Output: the largest number in it.\n"
    assert paragraphs(f"{PROSE}\n\n{program}") == [PROSE]


def test_empty_brackets_leave_no_trace():
    wikitext = "'''Albedo''' ({{IPAc-en|æ}}; {{lang-la|albedo}}, {{respell|al}}) is a measure of reflected light ()."
    assert only(wikitext) == "Albedo (albedo) is a measure of reflected light."


@pytest.mark.parametrize(
    ("template", "words"),
    [
        ("{{convert|1300|mi|km}}", "1,300 miles"),
        ("{{convert|15|–|17|in|disp=or}}", "15–17 inches"),
        ("{{convert|50.6|°C|°F}}", "50.6°C"),
        ("{{convert|87|e6acre|e6ha}}", "87 million acres"),
        ("{{convert|3|furlong}}", f"3{HOLE}"),
        ("{{lang|grc|[[ἀρχή]]}}", "ἀρχή"),
        ("{{transl|ar|ALA|''Allāh''}}", "''Allāh''"),
        ("{{Nihongo|'''Aikido'''|合気道|Aikidō|lead=yes}}", "'''Aikido''' (Aikidō)"),
        ("{{As of|2014|lc=y}}", "as of 2014"),
        ("{{as of|2010|6}}", "As of June 2010"),
        ("{{chem|C|4|H|10}}", "C₄H₁₀"),
        ("{{chem|Ge|9|4-}}", "Ge₉⁴⁻"),
        ("{{frac|1|3|4}}", "1 3/4"),
        ("{{val|6.24|e=18|u=C}}", "6.24 × 10¹⁸ C"),
        ("{{nowrap|50 kg}}", "50 kg"),
        ("{{angbr|a}}", "⟨a⟩"),
        ("{{clarify|date=May 2015}}", ""),
        ("{{some new tag|date=May 2015}}", ""),
        ("{{cite journal|title=X}}", ""),
        ("{{inflation|US|800|1861}}", HOLE),
        ("x<sup>2</sup>", "x²"),
        ("H<sub>2</sub>O", "H₂O"),
        ("[[wikt:word]]", "word"),
        ("[[:Category:Art|art]]", "art"),
    ],
)
def test_templates_inside_a_sentence_are_written_out(template, words):
    import mwparserfromhell

    assert _text(mwparserfromhell.parse(template, skip_style_tags=True)) == words


def test_a_quotation_is_a_paragraph():
    assert paragraphs(f"{PROSE}{{{{quote|text=''{PROSE}''|sign=A. Author}}}}{PROSE}") == [PROSE] * 3


def test_markup_that_cannot_be_parsed_drops_its_paragraph_only():
    broken = f"This paragraph has {{{{an unclosed template | in it. {PROSE}"
    assert paragraphs(f"{PROSE}\n\n{broken}\n\n{PROSE}") == [PROSE, PROSE]


def page(title: str, text: str, ns: int = 0, redirect: str = "") -> str:
    return (
        f"<page><title>{title}</title><ns>{ns}</ns>{redirect}"
        f"<revision><id>1</id><text xml:space='preserve'>{text}</text></revision></page>"
    )


def test_redirects_and_pages_of_other_namespaces_are_no_articles():
    xml = (
        "<mediawiki xmlns='http://www.mediawiki.org/xml/export-0.10/'><siteinfo/>"
        + page("A", "one &amp;amp; two")
        + page("B", "#REDIRECT [[A]]", redirect="<redirect title='A'/>")
        + page("Talk:A", "hello", ns=1)
        + page("C", "")
        + "</mediawiki>"
    )
    assert list(articles(bz2.compress(xml.encode()))) == [("A", "one &amp; two"), ("C", "")]


def test_the_wheels_articles_give_clean_prose():
    needs_wheel("gensim")
    from distilbook.text.sources import TextSource, documents

    found = list(documents(TextSource(name="Wikipedia", address="wheel:wikipedia")))
    texts = [paragraph for document in found for paragraph in document.paragraphs]
    assert len(found) == 104 and 5_000 < len(texts) < 5_600
    assert 400_000 < sum(len(text.split()) for text in texts) < 450_000
    leftover = re.compile(r"\{\{|\}\}|\[\[|\]\]|''|\||style=|File:|Category:|&\w+;|<ref|\(\s*\)|  |[\ue000\ufffc]")
    assert [text for text in texts if leftover.search(text) or text != text.strip() or "\n" in text] == []
