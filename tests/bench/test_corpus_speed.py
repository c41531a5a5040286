"""The measurement of a corpus's preparation counts what it says it counts."""

import pytest
from distilbook.bench.corpus import bench_corpus, long_text
from distilbook.text.sources import TextSource, documents


def test_the_figures_are_those_of_the_text(inputs):
    text = inputs / "rivers.txt"
    found = bench_corpus(str(text), tokenizer=str(inputs / "teacher"), processes=1, repeats=2, characters=1)
    written = text.read_text()
    assert found["characters"] == sum(map(len, written.splitlines()))
    assert found["words"] == len(written.split()) < found["word_pieces"] < found["characters"]
    assert found["ratio"] == pytest.approx(found["characters_a_second"] / found["tokenizer_characters_a_second"])
    assert found["processes"] == 1 and found["megabytes_at_most"] > 10 < found["megabytes_before"]
    assert found["megabytes_of_a_process"] == 0


def test_a_short_text_is_repeated_until_it_is_long_enough(inputs, tmp_path):
    source = TextSource(name="rivers", address=str(inputs / "rivers.txt"))
    once = [document.paragraphs for document in documents(source)]
    size = len(long_text(source, 1, tmp_path).read_text())
    again = long_text(source, size + 1, tmp_path)
    assert [d.paragraphs for d in documents(TextSource(name="-", address=str(again)))] == 2 * once
