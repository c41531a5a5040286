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


def message(call, *arguments) -> str:
    """Return the whole text of the error that a call ends with."""
    with pytest.raises(BookError) as error:
        call(*arguments)
    return str(error.value)


HEADER_WANTED = "a first line that names, with tabs between them, sentence, label, group, split"


@pytest.mark.parametrize(
    ("text", "missing"),
    [
        ("sentence\tlabel\n" + GOOD, "group, split"),
        ("", "sentence, label, group, split"),
        ("\n\n", "sentence, label, group, split"),
        (GOOD, "sentence, label, group, split"),
        (HEADER.replace("\t", ",") + GOOD, "sentence, label, group, split"),
    ],
)
def test_a_file_without_the_columns_is_refused(tmp_path, text, missing):
    assert message(task, tmp_path, text) == (
        f"the task's file lacks the columns {missing}.\n  where: {tmp_path}/t.tsv\n  expected: {HEADER_WANTED}\n"
        "  do: add the columns, and the header where it is missing"
    )


@pytest.mark.parametrize(
    ("row", "what", "expected", "do"),
    [
        ("c\tgood\tf\ttrain", "label 'good' is none", "0 or 1", "correct or remove the row"),
        ("c\t\tf\ttrain", "label '' is none", "0 or 1", "correct or remove the row"),
        ("c\t1\tf\tdev", "split 'dev' is none", "train or test", "correct or remove the row"),
        ("c\t1\tf\tTrain", "split 'Train' is none", "train or test", "correct or remove the row"),
        (" \t1\tf\ttrain", "a row's sentence is empty", "a sentence", "complete or remove the row"),
        ("c\t1\t\ttrain", "a row's group is empty", "a group", "complete or remove the row"),
        ("\t\t\t", "label '' is none", "0 or 1", "correct or remove the row"),
    ],
)
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_a_row_that_cannot_be_used_is_refused_with_its_line(tmp_path, row, what, expected, do, newline):
    text = (HEADER + GOOD + "\n" + row + "\n").replace("\n", newline)
    assert message(task, tmp_path, text) == (
        f"{what}.\n  where: {tmp_path}/t.tsv:5\n  expected: {expected}\n  do: {do}"
    )


@pytest.mark.parametrize(("row", "fields"), [("c", 1), ("c\t1\tf", 3), ("c\td\t1\tf\ttrain", 5)])
def test_a_row_with_too_few_or_too_many_fields_is_refused(tmp_path, row, fields):
    assert message(task, tmp_path, HEADER + GOOD + row + "\n") == (
        f"a row has {fields} fields, the header 4.\n  where: {tmp_path}/t.tsv:4\n"
        "  expected: 4 fields with tabs between them: sentence, label, group, split\n"
        "  do: complete the row, and replace tabs within a sentence by spaces"
    )


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"\x80\x02pickled", "line 1 is not UTF-8"),
        (HEADER.encode() + b"caf\xe9\t1\tf\ttrain\n", "line 2 is not UTF-8"),
        (HEADER.encode() + b"a\0b\t1\tf\ttrain\n", "it holds zero bytes"),
        ((HEADER + GOOD).encode("utf-16-le"), "it holds zero bytes"),
    ],
)
def test_a_file_that_is_no_text_is_refused(tmp_path, content, why):
    path = tmp_path / "t.tsv"
    path.write_bytes(content)
    assert message(sentence_task, str(path)) == (
        f"the task's file is no text: {why}.\n  where: {path}\n  expected: tab-separated text in UTF-8\n"
        "  do: export the table as tab-separated text, or convert it, for instance with: iconv -f LATIN1 -t UTF-8"
    )


@pytest.mark.parametrize(
    ("text", "split"), [(HEADER + "a\t1\tf\ttrain\n", "test"), (HEADER + "a\t1\tf\ttest\n", "train"), (HEADER, "train")]
)
def test_a_task_without_one_of_its_splits_is_refused(tmp_path, text, split):
    assert message(task, tmp_path, text) == (
        f"the task has no row of split '{split}'.\n  where: {tmp_path}/t.tsv\n"
        "  expected: rows of split 'train' and of 'test'\n"
        f"  do: add rows whose column 'split' is '{split}', with groups of their own"
    )


def test_a_group_in_both_splits_is_refused(tmp_path):
    assert message(task, tmp_path, HEADER + "a\t1\tf\ttrain\nb\t0\tg\ttest\nc\t0\tf\ttest\n") == (
        f"group 'f' is in both splits.\n  where: {tmp_path}/t.tsv\n  expected: each group in one split\n"
        "  do: split by group, or the test measures what was trained on"
    )


def test_a_missing_file_is_named(tmp_path):
    for path in (tmp_path / "none.tsv", tmp_path):
        assert message(sentence_task, str(path)) == (
            f"the task's file does not exist.\n  where: {path}\n  expected: a tab-separated file\n"
            "  do: correct the parameter 'task'; relative paths start at the project's root"
        )


def test_an_unknown_wheel_is_refused_with_the_known_one():
    assert message(sentence_task, "wheel:review") == (
        "no task has the address 'wheel:review'.\n  where: the parameter 'task'\n"
        "  expected: wheel:reviews, or the path of a tab-separated file\n  do: did you mean 'wheel:reviews'?"
    )


def test_columns_may_stand_in_any_order_beside_others_and_blank_lines_do_not_count(tmp_path):
    made = task(tmp_path, "id\tsplit\tgroup\tlabel\tsentence\n\n1\ttrain\tf\t0\ta\u2028b\n\n2\ttest\tg\t1\tc\n\n")
    assert made.train.sentences == ["a\u2028b"] and made.train.labels.tolist() == [0]
    assert made.test.sentences == ["c"] and made.test.labels.tolist() == [1]


def test_a_sentence_of_a_megabyte_is_read(tmp_path):
    long = "word " * 200_000 + "end"
    assert task(tmp_path, HEADER + GOOD + f"{long}\t1\tfilm a\ttrain\n").train.sentences[1] == long


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
