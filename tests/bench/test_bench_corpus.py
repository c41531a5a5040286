"""The measurement of a corpus's preparation counts what it says it counts."""

import pytest

from distilbook.bench.corpus import bench_corpus


def test_the_figures_are_those_of_the_text(inputs):
    text = inputs / "rivers.txt"
    found = bench_corpus(str(text), tokenizer=str(inputs / "teacher"), processes=1, repeats=2)
    written = text.read_text()
    assert found["characters"] == sum(map(len, written.splitlines()))
    assert found["words"] == len(written.split()) < found["word_pieces"] < found["characters"]
    assert found["ratio"] == pytest.approx(found["characters_a_second"] / found["tokenizer_characters_a_second"])
    assert found["processes"] == 1 and found["megabytes_at_most"] > 10 < found["megabytes_before"]
    assert found["megabytes_of_a_process"] == 0
