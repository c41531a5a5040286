"""GLUE's nine tasks: official files, the Hub's layout, and errors of either."""

import numpy as np
import pytest
from distilbook.stats.metrics import METRICS
from distilbook.tasks import TaskSource, load_task
from distilbook.text import hub
from glue_files import (
    CLASSES,
    HEADERS,
    ODD,
    SUBSETS,
    WITHHELD,
    examples,
    hub_place,
    hub_rows,
    splits,
    write_hub,
    write_official,
)

NAMES = list(HEADERS)
PAIRS = [name for name in NAMES if name not in ("CoLA", "SST-2")]
METRIC = dict.fromkeys(NAMES, "accuracy") | {
    "CoLA": "matthews_correlation",
    "STS-B": "pearson_and_spearman",
    "MRPC": "f1_and_accuracy",
    "QQP": "f1_and_accuracy",
}


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """A place of its own for what ``datasets`` writes."""
    import datasets

    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")


def load(name, address, revision=None):
    return load_task(TaskSource(name=name, address=str(address), revision=revision))


def append(path, line: str) -> None:
    with path.open("a", encoding="utf-8", newline="") as file:
        file.write(line + "\n")


def lines_of(path) -> int:
    return path.read_bytes().count(b"\n")


@pytest.mark.parametrize("name", NAMES)
def test_the_official_files_are_read_as_they_stand(name, tmp_path):
    write_official(tmp_path, name)
    task = load(name, tmp_path)
    assert (task.name, task.metric, task.classes) == (name, METRIC[name], CLASSES[name])
    assert task.metric in METRICS and task.left_out == ()
    assert task.value_range == ((0, 5) if name == "STS-B" else None)
    found = {"train": task.train, **task.evaluation, **task.withheld}
    assert tuple(found) == splits(name)
    for split, there in found.items():
        first, second, labels = map(list, zip(*examples(name, split), strict=True))
        assert there.first == first
        assert there.second == (second if name in PAIRS else None)
        assert there.ids == [str(n) for n in range(len(first))]
        assert there.groups.tolist() == list(range(len(first)))
        if split.startswith(WITHHELD):
            assert there.labels is None
        else:
            assert there.labels.tolist() == labels
            assert there.labels.dtype == (np.int64 if CLASSES[name] else np.float64)


@pytest.mark.parametrize("name", NAMES)
def test_a_task_is_found_in_its_own_folder_too(name, tmp_path):
    place = write_official(tmp_path / "renamed", name)
    assert load(name, place).fingerprint == load(name, tmp_path / "renamed").fingerprint


def same(one, other) -> bool:
    """Return whether two tasks are equal in every attribute, arrays by type and content."""
    splits = [{"train": task.train, **task.evaluation, **task.withheld} for task in (one, other)]
    assert list(splits[0]) == list(splits[1])
    for left, right in zip(splits[0].values(), splits[1].values(), strict=True):
        assert (left.first, left.second, left.ids) == (right.first, right.second, right.ids)
        assert (left.labels is None) == (right.labels is None)
        assert left.labels is None or left.labels.dtype == right.labels.dtype
        assert left.labels is None or left.labels.tolist() == right.labels.tolist()
        assert left.groups.tolist() == right.groups.tolist()
    facts = ("name", "metric", "classes", "value_range", "fingerprint")
    return all(getattr(one, fact) == getattr(other, fact) for fact in facts)


@pytest.mark.parametrize("form", ["parquet", "jsonl"])
@pytest.mark.parametrize("name", NAMES)
def test_the_hubs_layout_gives_the_same_task(name, form, tmp_path):
    write_official(tmp_path / "official", name)
    write_hub(tmp_path / "hub", name, form)
    assert same(load(name, tmp_path / "official"), load(name, tmp_path / "hub"))
    assert same(load(name, tmp_path / "official"), load(name, tmp_path / "hub" / SUBSETS[name]))


@pytest.mark.parametrize("name", NAMES)
def test_the_hub_itself_gives_the_same_task(name, tmp_path, monkeypatch):
    write_official(tmp_path, name)
    asked = []

    def dataset_rows(repository, subset, split, revision):
        asked.append((repository, subset, split, revision))
        # As the Hub streams them: scores have passed through 32 bits.
        for row in hub_rows(name, "diagnostic" if subset == "ax" else split.replace("validation", "dev")):
            yield row | {"label": row["label"] if CLASSES[name] else float(np.float32(row["label"]))}

    monkeypatch.setattr(hub, "dataset_rows", dataset_rows)
    assert same(load(name, tmp_path), load(name, "hub:nyu-mll/glue", "v1"))
    assert asked == [("nyu-mll/glue", *hub_place(name, split), "v1") for split in splits(name)]


def test_a_file_may_begin_with_a_mark_and_end_its_lines_as_windows_does(tmp_path):
    for name in ("RTE", "CoLA"):
        place = write_official(tmp_path / "plain", name)
        for path in place.iterdir():
            content = path.read_bytes().replace(b"a\rreturn", b"a return")
            path.write_bytes(content)
            other = tmp_path / "windows" / name / path.name
            other.parent.mkdir(parents=True, exist_ok=True)
            other.write_bytes(b"\xef\xbb\xbf" + content.replace(b"\n", b"\r\n"))
        assert same(load(name, tmp_path / "plain"), load(name, tmp_path / "windows"))


def test_a_last_line_needs_no_end_and_blank_lines_do_not_count(tmp_path):
    place = write_official(tmp_path, "RTE")
    before = load("RTE", tmp_path)
    for path in place.iterdir():
        path.write_bytes(b"\n" + path.read_bytes().rstrip(b"\n"))
    assert same(before, load("RTE", tmp_path))


def test_an_empty_sentence_is_an_example(tmp_path):
    place = write_official(tmp_path, "SST-2")
    append(place / "dev.tsv", "\t1")
    append(place / "train.tsv", "\t0")
    task = load("SST-2", tmp_path)
    assert task.evaluation["dev"].first[-1] == task.train.first[-1] == ""


def test_a_test_set_may_be_absent_and_so_may_the_mismatched_one(tmp_path):
    write_official(tmp_path, "MNLI", without=("dev_mismatched", "test_matched", "test_mismatched", "diagnostic"))
    write_official(tmp_path, "RTE", without=("test",))
    mnli, rte = load("MNLI", tmp_path), load("RTE", tmp_path)
    assert list(mnli.evaluation) == ["dev_matched"] and mnli.withheld == rte.withheld == {}


def test_the_diagnostic_set_is_answered_by_mnlis_models_and_found_beside_its_folder(tmp_path):
    write_official(tmp_path, "MNLI")
    write_official(tmp_path, "RTE")
    diagnostic = load("MNLI", tmp_path / "MNLI").withheld["diagnostic"]
    assert diagnostic.labels is None and diagnostic.second[0] == examples("MNLI", "diagnostic")[0][1]
    assert "diagnostic" not in load("RTE", tmp_path).withheld


def test_the_ids_of_a_test_set_are_those_of_its_file(tmp_path):
    place = write_official(tmp_path, "QQP")
    (place / "test.tsv").write_text("id\tquestion1\tquestion2\n7\ta\tb\n3\tc\td\n")
    assert load("QQP", tmp_path).withheld["test"].ids == ["7", "3"]


BROKEN = {  # as in QQP's official training file, whose questions hold line breaks here and there
    "9\t1\t2\tWhat is": "a row has 4 fields, the header 6",
    "9\t1\t2\tWhat\tis\tthis\t0": "a row has 7 fields, the header 6",
    "9\t1\t2\tWhat?\tWhy?\t": "unknown label ''",
    "9\t1\t2\tWhat?\tWhy?\t2": "unknown label '2'",
}


def test_broken_training_lines_are_left_out_and_named(tmp_path):
    place = write_official(tmp_path, "QQP")
    before, lines = load("QQP", tmp_path), lines_of(place / "train.tsv")
    for line in BROKEN:
        append(place / "train.tsv", line)
    with (place / "train.tsv").open("ab") as file:
        file.write(b"9\t1\t2\tcaf\xe9\tWhy?\t1\n")
    after = load("QQP", tmp_path)
    why = [*BROKEN.values(), "a line is not UTF-8"]
    assert after.left_out == tuple(f"{place}/train.tsv:{lines + 1 + n}: {one}" for n, one in enumerate(why))
    assert same(before, after)


@pytest.mark.parametrize("split", ["dev", "test"])
def test_a_broken_line_of_an_evaluated_split_is_an_error(split, tmp_path, message):
    place = write_official(tmp_path, "QQP")
    path = place / f"{split}.tsv"
    number = lines_of(path) + 1
    append(path, "9\t1")
    header = HEADERS["QQP"][2 if split == "test" else 1].split()
    assert message(load, "QQP", tmp_path) == (
        f"a row has 2 fields, the header {len(header)}.\n  where: {path}:{number}\n"
        f"  expected: {len(header)} fields with tabs between them: {', '.join(header)}\n"
        "  do: complete the row, and replace tabs within a sentence by spaces"
    )


def test_a_label_that_is_none_is_an_error_in_a_development_set(tmp_path, message):
    place = write_official(tmp_path, "RTE")
    path = place / "dev.tsv"
    number = lines_of(path) + 1
    append(path, "1\ta\tb\tmaybe")
    assert message(load, "RTE", tmp_path) == (
        f"unknown label 'maybe'.\n  where: {path}:{number}\n"
        "  expected: entailment or not_entailment\n  do: correct or remove the row"
    )


def test_pairs_on_which_annotators_did_not_agree_are_counted(tmp_path, message):
    place = write_official(tmp_path, "MNLI")
    path = place / "dev_matched.tsv"
    number, fields = lines_of(path) + 1, len(HEADERS["MNLI"][1].split())
    for _ in range(3):
        append(path, "\t".join(["x"] * (fields - 1) + ["-"]))
    total = len(examples("MNLI", "dev_matched")) + 3
    assert message(load, "MNLI", tmp_path) == (
        f"3 of {total} rows cannot be used: unknown label '-' (3 of them).\n"
        f"  where: {path}:{number} is the first\n  expected: entailment or neutral or contradiction\n"
        "  do: remove the rows with '-', as their authors do: the annotators did not agree on a label"
    )


def test_a_test_set_in_which_an_id_stands_twice_is_refused(tmp_path, message):
    place = write_official(tmp_path, "QQP")
    (place / "test.tsv").write_text("id\tquestion1\tquestion2\n7\ta\tb\n3\tc\td\n7\te\tf\n")
    assert message(load, "QQP", tmp_path).startswith(f"the id '7' is given twice.\n  where: {place}/test.tsv\n")


@pytest.mark.parametrize("score", ["nan", "inf", "5.1", "-0.1", "", "high", "1e400", "4_0"])
def test_a_score_that_is_none_is_left_out_of_training_and_an_error_elsewhere(score, tmp_path, message):
    place = write_official(tmp_path, "STS-B")
    line = "\t".join(["x"] * 7 + ["a", "b", score])
    number = lines_of(place / "train.tsv") + 1
    append(place / "train.tsv", line)
    assert load("STS-B", tmp_path).left_out == (f"{place}/train.tsv:{number}: invalid score {score!r}",)
    append(place / "dev.tsv", line)
    assert message(load, "STS-B", tmp_path) == (
        f"invalid score {score!r}.\n  where: {place}/dev.tsv:{number}\n"
        "  expected: a number from 0 to 5\n  do: correct or remove the row"
    )


def test_a_training_file_without_usable_rows_is_refused_by_its_first(tmp_path, message):
    place = write_official(tmp_path, "QQP")
    header = "id\tqid1\tqid2\tquestion1\tquestion2\tis_duplicate\n"
    (place / "train.tsv").write_text(header + "1\n2\n")
    assert message(load, "QQP", tmp_path).startswith(
        "2 of 2 rows cannot be used: a row has 1 fields, the header 6 (2 of them).\n"
        f"  where: {place}/train.tsv:2 is the first\n"
    )
    (place / "train.tsv").write_text(header)
    assert message(load, "QQP", tmp_path) == (
        f"there is no example.\n  where: {place}/train.tsv\n  expected: at least one row\n  do: supply the file again"
    )


@pytest.mark.parametrize(("broken", "refused"), [(10, False), (11, True)])
def test_a_training_file_of_which_much_is_broken_is_refused(broken, refused, tmp_path, message):
    place = write_official(tmp_path, "QQP")
    assert len(examples("QQP", "train")) < 10 * broken
    for _ in range(broken):
        append(place / "train.tsv", "9\t1")
    if refused:
        total = len(examples("QQP", "train")) + broken
        assert message(load, "QQP", tmp_path).startswith(f"11 of {total} rows cannot be used: a row has 2 fields")
    else:
        assert len(load("QQP", tmp_path).left_out) == broken


@pytest.mark.parametrize(
    ("name", "split", "column"),
    [
        ("RTE", "train", "label"),
        ("QNLI", "dev", "question"),
        ("STS-B", "test", "sentence2"),
        ("CoLA", "test", "sentence"),
    ],
)
def test_a_missing_column_is_named(name, split, column, tmp_path, message):
    path = write_official(tmp_path, name) / f"{split}.tsv"
    lines = path.read_bytes().split(b"\n")
    lines[0] = lines[0].replace(column.encode(), b"renamed")
    path.write_bytes(b"\n".join(lines))
    header = ", ".join(repr(field.strip()) for field in lines[0].decode().split("\t"))
    shown = header if len(header) <= 200 else f"{header[:200]} …"
    found = message(load, name, tmp_path)
    assert found.startswith(
        f"the task's file lacks the columns {column}; its first line reads {shown}.\n  where: {path}\n"
    )
    assert column in found.partition("names, with tabs between them, ")[2].partition("\n")[0].split(", ")


def test_files_that_are_not_there_are_named(tmp_path, message):
    assert message(load, "SST-2", tmp_path) == (
        f"there is no training set of SST-2.\n  where: {tmp_path}\n"
        "  expected: SST-2/train.tsv as GLUE's authors publish it, or sst2/train-*.parquet as on the Hub\n"
        "  do: put the task's files there, or correct the address: that of the folder of all tasks, or of this one"
    )
    write_official(tmp_path, "SST-2", without=("dev",))
    assert message(load, "SST-2", tmp_path) == (
        f"the split 'dev' of SST-2 is missing.\n  where: {tmp_path}/SST-2/dev.tsv\n"
        "  expected: the file beside the training set's\n  do: supply it: models are evaluated on it"
    )


def raw_mrpc(folder):
    """Write MRPC as its authors publish it: development pairs within the training file, labels in the test file."""
    place = write_official(folder, "MRPC")
    train, dev, test = ((place / f"{split}.tsv").read_bytes().split(b"\n", 1) for split in ("train", "dev", "test"))
    # The pairs are numbered by split, else those of the two files could not be told apart.
    dev = (dev[0], dev[1].replace(b"\t1", b"\t9"))
    (place / "dev.tsv").write_bytes(b"\n".join(dev))
    (place / "train.tsv").unlink()
    (place / "test.tsv").unlink()
    (place / "msr_paraphrase_train.txt").write_bytes(b"\xef\xbb\xbf" + train[0] + b"\n" + dev[1] + train[1])
    labelled = b"\n".join(b"1\t" + line.split(b"\t", 1)[1] for line in test[1].split(b"\n") if line)
    (place / "msr_paraphrase_test.txt").write_bytes(b"\xef\xbb\xbf" + train[0] + b"\n" + labelled + b"\n")
    return place


def test_mrpc_is_read_from_its_own_files_without_glues_development_set(tmp_path, message):
    write_official(tmp_path / "glue", "MRPC")
    place = raw_mrpc(tmp_path / "raw")
    assert same(load("MRPC", tmp_path / "glue"), load("MRPC", tmp_path / "raw"))
    (place / "dev.tsv").unlink()
    assert message(load, "MRPC", tmp_path / "raw") == (
        f"the split 'dev' of MRPC is missing.\n  where: {place}/dev.tsv\n"
        "  expected: the file beside the training set's, with the pairs of the training file that GLUE's authors list"
        " in mrpc_dev_ids.tsv\n  do: supply it: models are evaluated on it"
    )


def test_the_hubs_rows_are_checked_like_lines(tmp_path, monkeypatch, message):
    bad = [{"sentence": "a", "label": -1}, {"sentence": None, "label": 1}, {"text": "a", "label": 1}]

    def rows_with(wrong: str):
        def dataset_rows(repository, subset, split, revision):
            yield from hub_rows("SST-2", split.replace("validation", "dev"))
            yield from bad if split == wrong else ()

        return dataset_rows

    number = len(examples("SST-2", "train"))
    monkeypatch.setattr(hub, "dataset_rows", rows_with("train"))
    where = "hub:nyu-mll/glue, subset sst2, split"
    assert load("SST-2", "hub:nyu-mll/glue").left_out == (
        f"{where} train, row {number + 1}: unknown label -1",
        f"{where} train, row {number + 2}: the column 'sentence' holds no text",
        f"{where} train, row {number + 3}: a row has no column 'sentence'",
    )
    monkeypatch.setattr(hub, "dataset_rows", rows_with("validation"))
    assert message(load, "SST-2", "hub:nyu-mll/glue") == (
        f"3 of {len(examples('SST-2', 'dev')) + 3} rows cannot be used: unknown label -1 (1 of them); the"
        " column 'sentence' holds no text (1 of them); a row has no column 'sentence' (1 of them).\n"
        f"  where: {where} validation, row {number + 1} is the first\n"
        "  expected: 0 or 1\n  do: correct or remove the row"
    )


def test_a_line_of_json_that_is_none_is_left_out_of_training(tmp_path):
    write_hub(tmp_path, "RTE", "jsonl")
    path = tmp_path / "rte" / "train-00000-of-00001.jsonl"
    append(path, "{")
    append(path, '{"sentence1": "\\ud83d", "sentence2": "b", "label": 0}')
    number = len(examples("RTE", "train"))
    left_out = load("RTE", tmp_path).left_out
    assert left_out[0].startswith(f"{path}:{number + 1}: a line is no JSON")
    assert left_out[1] == f"{path}:{number + 2}: the column 'sentence1' holds no text"


def test_a_split_in_two_forms_is_refused(tmp_path, message):
    write_hub(tmp_path, "RTE", "jsonl")
    write_hub(tmp_path, "RTE", "parquet")
    assert message(load, "RTE", tmp_path) == (
        f"a folder holds the split 'train' in several forms.\n  where: {tmp_path}/rte\n"
        "  expected: one of jsonl, parquet\n  do: keep one of them"
    )


def test_the_odd_texts_would_trip_a_reader_that_splits_or_unquotes():
    text = "\n".join(ODD)
    assert len(text.splitlines()) > len(ODD) and text.count('"') == 2
