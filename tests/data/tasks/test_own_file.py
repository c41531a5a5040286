"""A task of one's own in a tab-separated file."""

import pytest

from distilbook.data.tasks import TaskSource, load_task

HEADER = "sentence\tlabel\tgroup\tsplit\n"
GOOD = 'a "quote\t1\tfilm a\ttrain\nb\t0\tfilm b\ttest\n'


def task(tmp_path, text):
    path = tmp_path / "t.tsv"
    path.write_text(text, encoding="utf-8", newline="")
    return load(path)


def load(path):
    return load_task(TaskSource(name="mine", address=str(path)))


def test_a_file_is_read_as_it_stands(tmp_path):
    made = task(tmp_path, "\ufeff" + HEADER + GOOD)
    assert made.train.first == ['a "quote'] and made.train.labels.tolist() == [1]
    test = made.evaluation["test"]
    assert test.first == ["b"] and test.groups.tolist() == ["film b"] and test.labels.tolist() == [0]
    assert (made.name, made.metric, made.classes) == ("mine", "accuracy", ("0", "1"))
    assert made.train.second is None and made.withheld == {} and made.left_out == ()


HEADER_WANTED = "a first line that names, with tabs between them, sentence, label or score, group, split"


@pytest.mark.parametrize(
    ("text", "missing"),
    [
        ("sentence\tlabel\n" + GOOD, "group, split"),
        ("", "sentence, label or score, group, split"),
        ("\n\n", "sentence, label or score, group, split"),
        (GOOD, "sentence, label or score, group, split"),
        (HEADER.replace("\t", ",") + GOOD, "sentence, label or score, group, split"),
    ],
)
def test_a_file_without_the_columns_is_refused(tmp_path, text, missing, message):
    assert message(task, tmp_path, text) == (
        f"the task's file lacks the columns {missing}.\n  where: {tmp_path}/t.tsv\n  expected: {HEADER_WANTED}\n"
        "  do: add the columns, and the header where it is missing"
    )


@pytest.mark.parametrize(
    ("row", "what", "expected", "do"),
    [
        ("c\tgood\tf\ttest", "label 'good' is none of the task's", "0 or 1", "correct or remove the row"),
        ("c\t\tf\ttrain", "a row's label is empty", "a label", "complete or remove the row"),
        ("c\t1\tf\tdev", "split 'dev' is none", "train or test", "correct or remove the row"),
        ("c\t1\tf\tTrain", "split 'Train' is none", "train or test", "correct or remove the row"),
        (" \t1\tf\ttrain", "a row's sentence is empty", "a sentence", "complete or remove the row"),
        ("c\t1\t\ttrain", "a row's group is empty", "a group", "complete or remove the row"),
        ("\t\t\t", "a row's label is empty", "a label", "complete or remove the row"),
    ],
)
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_a_row_that_cannot_be_used_is_refused_with_its_line(tmp_path, row, what, expected, do, newline, message):
    text = (HEADER + GOOD + "\n" + row + "\n").replace("\n", newline)
    assert message(task, tmp_path, text) == (
        f"{what}.\n  where: {tmp_path}/t.tsv:5\n  expected: {expected}\n  do: {do}"
    )


@pytest.mark.parametrize(("row", "fields"), [("c", 1), ("c\t1\tf", 3), ("c\td\t1\tf\ttrain", 5)])
def test_a_row_with_too_few_or_too_many_fields_is_refused(tmp_path, row, fields, message):
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
def test_a_file_that_is_no_text_is_refused(tmp_path, content, why, message):
    path = tmp_path / "t.tsv"
    path.write_bytes(content)
    assert message(load, path) == (
        f"the task's file is no text: {why}.\n  where: {path}\n  expected: tab-separated text in UTF-8\n"
        "  do: export the table as tab-separated text, or convert it, for instance with: iconv -f LATIN1 -t UTF-8"
    )


@pytest.mark.parametrize(
    ("text", "split"), [(HEADER + "a\t1\tf\ttrain\n", "test"), (HEADER + "a\t1\tf\ttest\n", "train"), (HEADER, "train")]
)
def test_a_task_without_one_of_its_splits_is_refused(tmp_path, text, split, message):
    assert message(task, tmp_path, text) == (
        f"the task has no row of split '{split}'.\n  where: {tmp_path}/t.tsv\n"
        "  expected: rows of split 'train' and of 'test'\n"
        f"  do: add rows whose column 'split' is '{split}', with groups of their own"
    )


def test_a_group_in_both_splits_is_refused(tmp_path, message):
    assert message(task, tmp_path, HEADER + "a\t1\tf\ttrain\nb\t0\tg\ttest\nc\t0\tf\ttest\n") == (
        f"group 'f' is in both splits.\n  where: {tmp_path}/t.tsv\n  expected: each group in one split\n"
        "  do: split by group, or the test measures what was trained on"
    )


def test_a_missing_file_is_named(tmp_path, message):
    path = tmp_path / "none.tsv"
    assert message(load, path) == (
        f"the task's file does not exist.\n  where: {path}\n"
        "  expected: a tab-separated file, or a folder with the files of a known task\n"
        "  do: correct the task's address; relative paths start at the project's root"
    )


def test_columns_may_stand_in_any_order_beside_others_and_blank_lines_do_not_count(tmp_path):
    made = task(tmp_path, "id\tsplit\tgroup\tlabel\tsentence\n\n1\ttrain\tf\t0\ta\u2028b\n\n2\ttest\tg\t1\tc\n\n")
    assert made.train.first == ["a\u2028b"] and made.train.labels.tolist() == [0]
    assert made.evaluation["test"].first == ["c"] and made.evaluation["test"].labels.tolist() == [1]


def test_a_carriage_return_within_a_sentence_is_text(tmp_path):
    made = task(tmp_path, (HEADER + "a\x85b\rc\t1\tf\ttrain\n" + GOOD).replace("\n", "\r\n"))
    assert made.train.first == ["a\x85b\rc", 'a "quote']


def test_a_sentence_of_a_megabyte_is_read(tmp_path):
    long = "word " * 200_000 + "end"
    assert task(tmp_path, HEADER + GOOD + f"{long}\t1\tfilm a\ttrain\n").train.first[1] == long


def test_the_fingerprint_sees_every_sentence_and_label(tmp_path):
    one = task(tmp_path, HEADER + GOOD).fingerprint
    assert one == task(tmp_path, HEADER + GOOD).fingerprint
    assert one != task(tmp_path, HEADER + GOOD.replace("b\t0", "c\t0")).fingerprint
    assert one != task(tmp_path, HEADER + GOOD.replace("b\t0", "b\t1")).fingerprint


def labelled(*labels: str, test: str) -> str:
    rows = [f"s\t{label}\tg\ttrain\n" for label in labels]
    return HEADER + "".join(rows) + f"s\t{test}\th\ttest\n"


@pytest.mark.parametrize(
    ("labels", "classes"),
    [
        (("rotten", "fresh", "rotten"), ("fresh", "rotten")),
        (("10", "9", "2"), ("2", "9", "10")),
        (("10", "9", "b"), ("10", "9", "b")),
        (("1", "0"), ("0", "1")),
        (("0",), ("0", "1")),
    ],
)
def test_labels_may_be_any_words_numbers_keep_their_order(tmp_path, labels, classes):
    made = task(tmp_path, labelled(*labels, test=labels[0]))
    assert made.classes == classes
    assert [classes[label] for label in made.train.labels] == list(labels)
    assert classes[made.evaluation["test"].labels[0]] == labels[0]


def test_a_label_that_nothing_is_trained_on_is_refused(tmp_path, message):
    assert message(task, tmp_path, labelled("good", "bad", test="ugly")) == (
        f"label 'ugly' is none of the task's.\n  where: {tmp_path}/t.tsv:4\n"
        "  expected: bad or good\n  do: correct or remove the row"
    )
    assert message(task, tmp_path, labelled("good", "good", test="good")) == (
        f"every row of split 'train' has the label 'good'.\n  where: {tmp_path}/t.tsv\n  expected: two labels or more\n"
        "  do: add rows with another label, or name the column 'score' where it holds values"
    )


SCORES = "sentence\tsentence2\tscore\tgroup\tsplit\n"


def test_a_column_of_scores_makes_a_regression_and_a_second_sentence_pairs(tmp_path):
    made = task(tmp_path, SCORES + "a\tb\t0.25\tf\ttrain\nc\td\t-3\tf\ttrain\ne\tf\t1e2\tg\ttest\n")
    assert made.is_regression and made.metric == "pearson_and_spearman" and made.value_range is None
    assert (made.train.first, made.train.second, made.train.labels.tolist()) == (["a", "c"], ["b", "d"], [0.25, -3.0])
    assert made.evaluation["test"].labels.tolist() == [100.0]


@pytest.mark.parametrize("score", ["nan", "inf", "", "high"])
def test_a_score_that_is_no_number_is_refused(tmp_path, score, message):
    assert message(task, tmp_path, SCORES + f"a\tb\t1\tf\ttrain\na\tb\t{score}\tf\ttrain\na\tb\t1\tg\ttest\n") == (
        f"score {score!r} is none.\n  where: {tmp_path}/t.tsv:3\n  expected: a finite number\n"
        "  do: correct or remove the row"
    )


def test_an_empty_second_sentence_is_refused(tmp_path, message):
    assert message(task, tmp_path, SCORES + "a\t \t1\tf\ttrain\n") == (
        f"a row's sentence2 is empty.\n  where: {tmp_path}/t.tsv:2\n  expected: a sentence2\n"
        "  do: complete or remove the row"
    )
