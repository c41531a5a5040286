"""A task of one's own in a tab-separated file."""

import pytest
from distilbook.tasks import TaskSource, load_task

HEADER = "sentence\tlabel\tgroup\tsplit\n"
#: Two rows to train on and two to be scored on.
GOOD = 'a "quote\t1\tfilm a\ttrain\nb\t0\tfilm b\ttest\nplain\t0\tfilm a\ttrain\nd\t1\tfilm b\ttest\n'


def task(tmp_path, text):
    path = tmp_path / "t.tsv"
    path.write_text(text, encoding="utf-8", newline="")
    return load(path)


def load(path):
    return load_task(TaskSource(name="mine", address=str(path)))


def test_a_file_is_read_as_it_stands(tmp_path):
    made = task(tmp_path, "\ufeff" + HEADER + GOOD)
    assert made.train.first == ['a "quote', "plain"] and made.train.labels.tolist() == [1, 0]
    test = made.evaluation["test"]
    assert test.first == ["b", "d"] and test.groups.tolist() == ["film b"] * 2 and test.labels.tolist() == [0, 1]
    assert (made.name, made.metric, made.classes) == ("mine", "accuracy", ("0", "1"))
    assert made.train.second is None and made.withheld == {} and made.left_out == ()


HEADER_WANTED = "a first line that names, with tabs between them, sentence, label or score, group, split"


ADD = "add the columns, and the header where it is missing"
REWRITE = "write the table with tabs between the columns, a row a line, and no quotation marks around the fields"
ALL = "sentence, label or score, group, split"


@pytest.mark.parametrize(
    ("text", "missing", "found", "do"),
    [
        ("sentence\tlabel\n" + GOOD, "group, split", "'sentence', 'label'", ADD),
        ("\n\n", ALL, "''", ADD),
        (GOOD, ALL, "'a \"quote', '1', 'film a', 'train'", ADD),
        (HEADER.replace("\t", ","), ALL, "'sentence,label,group,split', which looks comma-separated", REWRITE),
        (
            'review,sentiment\n"Good, really.",positive\n',
            ALL,
            "'review,sentiment', which looks comma-separated",
            REWRITE,
        ),
        ("sentence;label;group;split\n", ALL, "'sentence;label;group;split', which looks semicolon-separated", REWRITE),
        ('"sentence"\t"label"\n', ALL, "'\"sentence\"', '\"label\"', which looks quoted", REWRITE),
        ('{"sentence": "a", "label": 1}\n', ALL, '\'{"sentence": "a", "label": 1}\', which looks JSON', REWRITE),
        ("Sentence\tlabel\tgroup\tsplit\n", "sentence", "'Sentence', 'label', 'group', 'split'", ADD),
    ],
)
def test_a_file_without_the_columns_is_refused_with_the_header_it_has(tmp_path, text, missing, found, do, message):
    assert message(task, tmp_path, text) == (
        f"the task's file lacks the columns {missing}; its first line reads {found}.\n  where: {tmp_path}/t.tsv\n"
        f"  expected: {HEADER_WANTED}\n  do: {do}"
    )


def test_blanks_around_the_headers_names_do_not_count_and_a_name_stands_once(tmp_path, message):
    assert len(task(tmp_path, " sentence\tlabel \tgroup\u00a0\tsplit\n" + GOOD).train) == 2
    assert message(task, tmp_path, "sentence\tlabel\tgroup\tsplit\tlabel \n").startswith(
        f"the header names the column 'label' twice.\n  where: {tmp_path}/t.tsv\n"
    )
    assert message(task, tmp_path, "sentence\tlabel\tscore\tgroup\tsplit\n").startswith(
        f"the task's file has a column 'label' and a column 'score'.\n  where: {tmp_path}/t.tsv\n"
    )


@pytest.mark.parametrize(
    ("row", "what", "expected", "do"),
    [
        ("c\t\tf\ttrain", "a row's label is empty", "a label", "complete or remove the row"),
        ("c\t1\tf\tdev", "unknown split 'dev'", "train or test", "correct or remove the row"),
        ("c\t1\tf\tTrain", "unknown split 'Train'", "train or test", "correct or remove the row"),
        (" \t1\tf\ttrain", "a row's sentence is empty", "a sentence", "complete or remove the row"),
        ("c\t1\t\ttrain", "a row's group is empty", "a group", "complete or remove the row"),
        ("\t\t\t", "a row's label is empty", "a label", "complete or remove the row"),
    ],
)
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_a_row_that_cannot_be_used_is_refused_with_its_line(tmp_path, row, what, expected, do, newline, message):
    text = (HEADER + GOOD + "\n" + row + "\n").replace("\n", newline)
    assert message(task, tmp_path, text) == (
        f"{what}.\n  where: {tmp_path}/t.tsv:7\n  expected: {expected}\n  do: {do}"
    )


@pytest.mark.parametrize(("row", "fields"), [("c", 1), ("c\t1\tf", 3), ("c\td\t1\tf\ttrain", 5)])
def test_a_row_with_too_few_or_too_many_fields_is_refused(tmp_path, row, fields, message):
    assert message(task, tmp_path, HEADER + GOOD + row + "\n") == (
        f"a row has {fields} fields, the header 4.\n  where: {tmp_path}/t.tsv:6\n"
        "  expected: 4 fields with tabs between them: sentence, label, group, split\n"
        "  do: complete the row, and replace tabs within a sentence by spaces"
    )


def test_all_rows_that_cannot_be_used_are_counted_by_their_reasons(tmp_path, message):
    bad = "c\n" * 3 + "c\t1\tf\tdev\n" * 2 + "c\t1\tf\n"
    assert message(task, tmp_path, HEADER + GOOD + bad) == (
        "6 of 10 rows cannot be used: a row has 1 fields, the header 4 (3 of them); unknown split 'dev' (2 of them); "
        f"a row has 3 fields, the header 4 (1 of them).\n  where: {tmp_path}/t.tsv:6 is the first\n"
        "  expected: 4 fields with tabs between them: sentence, label, group, split\n"
        "  do: complete the row, and replace tabs within a sentence by spaces"
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
        "  do: split by group, or the test set holds training data"
    )


def test_a_missing_file_is_named(tmp_path, message):
    path = tmp_path / "none.tsv"
    assert message(load, path) == (
        f"the task's file does not exist.\n  where: {path}\n"
        "  expected: a tab-separated file, or a folder with the files of a known task\n"
        "  do: correct the task's address; relative paths start at the project's root"
    )


def test_columns_may_stand_in_any_order_beside_others_and_blank_lines_do_not_count(tmp_path):
    rows = "1\ttrain\tf\t0\ta\u2028b\n\n2\ttest\tg\t1\tc\n\n3\ttest\tg\t0\td\n"
    made = task(tmp_path, "id\tsplit\tgroup\tlabel\tsentence\n\n" + rows)
    assert made.train.first == ["a\u2028b"] and made.train.labels.tolist() == [0]
    assert made.evaluation["test"].first == ["c", "d"] and made.evaluation["test"].labels.tolist() == [1, 0]


def test_a_carriage_return_within_a_sentence_is_text(tmp_path):
    made = task(tmp_path, (HEADER + "a\x85b\rc\x0c\t1\tf\ttrain\n" + GOOD).replace("\n", "\r\n"))
    assert made.train.first == ["a\x85b\rc\x0c", 'a "quote', "plain"]


def test_a_sentence_of_a_megabyte_is_read(tmp_path):
    long = "word " * 200_000 + "end"
    assert task(tmp_path, HEADER + GOOD + f"{long}\t1\tfilm a\ttrain\n").train.first[2] == long


def test_the_fingerprint_sees_every_sentence_and_label(tmp_path):
    one = task(tmp_path, HEADER + GOOD).fingerprint
    assert one == task(tmp_path, HEADER + GOOD).fingerprint
    assert one != task(tmp_path, HEADER + GOOD.replace("b\t0", "c\t0")).fingerprint
    assert one != task(tmp_path, HEADER + GOOD.replace("plain\t0", "plain\t1")).fingerprint


def labelled(*labels: str, test: str) -> str:
    rows = [f"s\t{label}\tg\ttrain\n" for label in labels]
    others = [label for label in labels if label != test] or [str(1 - int(test))]
    return HEADER + "".join(rows) + f"s\t{test}\th\ttest\ns\t{others[0]}\th\ttest\n"


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
        f"label 'ugly' is in split 'test' (rows: 1) and not in 'train'.\n  where: {tmp_path}/t.tsv\n"
        "  expected: the classes of the training rows: bad or good\n"
        "  do: add training rows with that label: no model predicts a label that it was not trained on"
    )
    one = HEADER + "s\tgood\tg\ttrain\ns\tgood\th\ttest\n"
    assert message(task, tmp_path, one) == (
        f"every row of split 'train' has the label 'good'.\n  where: {tmp_path}/t.tsv\n  expected: two labels or more\n"
        "  do: add rows with another label, or name the column 'score' where it holds values"
    )


@pytest.mark.parametrize("blank", ["pos ", " pos", "pos\u00a0", "\u200bpos", "pos\ufeff"])
def test_a_label_group_or_split_is_the_same_with_blanks_around_it(tmp_path, blank, message):
    made = task(tmp_path, labelled("pos", "neg", blank, test="pos"))
    assert made.classes == ("neg", "pos") and made.train.labels.tolist() == [1, 0, 1]
    text = labelled("pos", "neg", test="neg").replace("\th\ttest", "\tg \t test")
    assert message(task, tmp_path, text).startswith("group 'g' is in both splits")


@pytest.mark.parametrize(
    "labels",
    [("Pos", "pos"), ("1", "1.0"), ("1", "01"), ("-1", "-1.0"), ("ﬁne", "fine"), ("straße", "STRASSE"), ("3", "３")],
)
def test_labels_that_differ_only_in_how_they_are_written_are_refused(tmp_path, labels, message):
    first, second = sorted(labels)
    found = message(task, tmp_path, labelled(*labels, "other", test=labels[0]))
    assert found.startswith(f"the labels {first!r} (") and f"and {second!r} (" in found


def test_accents_that_are_composed_or_not_make_no_difference(tmp_path):
    made = task(tmp_path, labelled("caf\u00e9", "cafe\u0301", "tea", test="tea"))
    assert made.classes == ("caf\u00e9", "tea")


@pytest.mark.parametrize("column", ["label", "score"])
def test_a_test_split_with_one_label_is_refused_when_it_is_read(tmp_path, column, message):
    rows = "a\t1\tf\ttrain\nb\t0\tf\ttrain\nc\t1\tg\ttest\nd\t1\tg\ttest\n"
    assert message(task, tmp_path, HEADER.replace("label", column) + rows) == (
        f"every example of split 'test' has the {column} {1 if column == 'score' else repr('1')}.\n"
        f"  where: the task mine, {tmp_path}/t.tsv\n  expected: two labels or more in an evaluated split\n"
        "  do: add examples with another label; a file that was cut short while it was sorted by label looks like this"
    )


SCORES = "sentence\tsentence2\tscore\tgroup\tsplit\n"


def test_a_column_of_scores_makes_a_regression_and_a_second_sentence_pairs(tmp_path):
    rows = "a\tb\t0.25\tf\ttrain\nc\td\t-3\tf\ttrain\ne\tf\t1e2\tg\ttest\ng\th\t.5\tg\ttest\n"
    made = task(tmp_path, SCORES + rows)
    assert made.is_regression and made.metric == "pearson_and_spearman" and made.value_range is None
    assert (made.train.first, made.train.second, made.train.labels.tolist()) == (["a", "c"], ["b", "d"], [0.25, -3.0])
    assert made.evaluation["test"].labels.tolist() == [100.0, 0.5]


@pytest.mark.parametrize("score", ["nan", "inf", "", "high", "1e400", "1" * 400, "1_0", "0,5", "\u0663", "0x1", "1e39"])
def test_a_score_that_is_no_number_is_refused(tmp_path, score, message):
    assert message(task, tmp_path, SCORES + f"a\tb\t1\tf\ttrain\na\tb\t{score}\tf\ttrain\na\tb\t1\tg\ttest\n") == (
        f"invalid score {score!r:.80}{' …' * (len(score) > 78)}.\n  where: {tmp_path}/t.tsv:3\n  expected: a finite number\n"
        "  do: correct or remove the row"
    )


def test_an_empty_second_sentence_is_refused(tmp_path, message):
    assert message(task, tmp_path, SCORES + "a\t \t1\tf\ttrain\n") == (
        f"a row's sentence2 is empty.\n  where: {tmp_path}/t.tsv:2\n  expected: a sentence2\n"
        "  do: complete or remove the row"
    )
