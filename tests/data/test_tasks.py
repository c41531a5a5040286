import pytest

from distilbook.config import BookError
from distilbook.data.tasks import sentence_task

HEADER = "sentence\tlabel\tgroup\tsplit\n"
GOOD = 'a "quote\t1\tfilm a\ttrain\nb\t0\tfilm b\ttest\n'


def task(tmp_path, text):
    path = tmp_path / "t.tsv"
    path.write_text(text, encoding="utf-8")
    return sentence_task(str(path))


def test_a_file_is_read_as_it_stands(tmp_path):
    made = task(tmp_path, "\ufeff" + HEADER + GOOD)
    assert made.train.sentences == ['a "quote'] and made.train.labels.tolist() == [1]
    assert made.test.sentences == ["b"] and made.test.groups.tolist() == ["film b"]


@pytest.mark.parametrize(
    "text, what",
    [
        ("sentence\tlabel\n", "lacks the columns ['group', 'split']"),
        (HEADER + "a\tgood\tf\ttrain\n", "label 'good' is none"),
        (HEADER + "a\t1\tf\ttrain\n", "a split of the task is empty"),
        (HEADER + "a\t1\tf\ttrain\nb\t0\tf\ttest\n", "group 'f' is in both splits"),
    ],
)
def test_a_file_that_is_no_task_is_explained(tmp_path, text, what):
    with pytest.raises(BookError) as error:
        task(tmp_path, text)
    assert what in str(error.value) and "t.tsv" in str(error.value)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(BookError, match="the task's file does not exist"):
        sentence_task(str(tmp_path / "none.tsv"))


def test_a_sample_is_drawn_without_replacement_and_again_by_its_seed(tmp_path):
    rows = "".join(f"s{i}\t{i % 2}\tg\ttrain\n" for i in range(50)) + "x\t1\th\ttest\n"
    train = task(tmp_path, HEADER + rows).train
    one, again, other = train.sample(20, 0), train.sample(20, 0), train.sample(20, 1)
    assert one.sentences == again.sentences != other.sentences
    assert len(set(one.sentences)) == 20 and len(train.sample(1000, 0)) == 50
    assert all(int(s[1:]) % 2 == label for s, label in zip(one.sentences, one.labels, strict=True))


def test_the_fingerprint_sees_every_sentence_and_label(tmp_path):
    one = task(tmp_path, HEADER + GOOD).fingerprint
    assert one == task(tmp_path, HEADER + GOOD).fingerprint
    assert one != task(tmp_path, HEADER + GOOD.replace("b\t0", "c\t0")).fingerprint
    assert one != task(tmp_path, HEADER + GOOD.replace("b\t0", "b\t1")).fingerprint
