import dataclasses
import json
from random import Random

import pytest
from damage import damage
from distilbook.core.errors import BookError
from distilbook.core.record_book import RecordBook
from distilbook.core.records import Record


def record(**changes) -> Record:
    values = {
        "edition": "e",
        "chapter": "06_pretraining",
        "model": "student",
        "task": "held-out text",
        "split": "held-out",
        "metric": "masked_accuracy",
        "value": 0.2,
        "unit": "1",
        "n": 100,
        "seed": 0,
        "config": "c",
        "code": "k",
        "data": "d",
    }
    return Record(**values | changes)


def test_a_record_comes_back_as_it_was_written(tmp_path):
    one = record(detail={"low": 0.1})
    RecordBook(tmp_path).add([one])
    assert RecordBook(tmp_path).all() == [one]


def test_of_one_measurement_the_newest_is_current_and_the_older_stays_on_file(tmp_path):
    book = RecordBook(tmp_path)
    book.add([record(started="2026-01-01"), record(value=0.3, started="2026-01-02")])
    assert [r.value for r in book.current()] == [0.3] and len(book.all()) == 2


def test_the_same_measurement_with_the_same_value_is_not_written_twice(tmp_path):
    book = RecordBook(tmp_path)
    book.add([record()])
    before = (tmp_path / "06_pretraining.jsonl").read_bytes()
    book.add([record(started="2030-01-01", seconds=5.0)])
    assert (tmp_path / "06_pretraining.jsonl").read_bytes() == before


def test_records_of_another_configuration_of_the_same_task_are_no_longer_current(tmp_path):
    book = RecordBook(tmp_path)
    book.add(
        [
            record(seed=0, config="old", started="2026-01-01"),
            record(seed=1, config="old", started="2026-01-01"),
            record(seed=0, config="new", started="2026-01-02"),
            record(task="reviews", config="other", started="2025-01-01"),
        ]
    )
    assert sorted((r.task, r.config) for r in book.current()) == [("held-out text", "new"), ("reviews", "other")]


def test_files_of_several_machines_merge_by_lying_side_by_side(tmp_path):
    RecordBook(tmp_path / "a").add([record(seed=0)])
    RecordBook(tmp_path / "b").add([record(seed=1)])
    both = tmp_path / "both"
    both.mkdir()
    for name in "ab":
        (both / f"{name}.jsonl").write_text((tmp_path / name / "06_pretraining.jsonl").read_text())
    assert {r.seed for r in RecordBook(both).current()} == {0, 1}


def stand(book, part="", **asked):
    """Let records of these seeds, one attribute changed at most, stand for a part of the chapter."""
    records = [record(seed=seed, value=0.1 * seed) for seed in asked.pop("seeds", [0])]
    book.replace("e", "06_pretraining", part, [dataclasses.replace(one, **asked) for one in records])
    return book


def seeds(book) -> list[int]:
    return sorted(r.seed for r in book.current())


@pytest.mark.parametrize("fewer", [[0], [5, 1], [2], []])
def test_only_what_was_asked_for_last_counts_and_counts_again_when_it_is_asked_for_again(tmp_path, fewer):
    book, all_ = stand(RecordBook(tmp_path), seeds=[0, 1, 2, 5]), [0, 1, 2, 5]
    written = len(book.all())
    stand(book, seeds=fewer)
    assert seeds(book) == sorted(fewer)
    stand(book, seeds=all_)
    assert seeds(book) == all_ and len(book.all()) == written


def test_what_is_asked_for_again_as_it_was_changes_no_byte(tmp_path):
    stand(RecordBook(tmp_path), seeds=[0, 1])
    before = (tmp_path / "06_pretraining.jsonl").read_bytes()
    stand(RecordBook(tmp_path), seeds=[1, 0], started="2030-01-01")
    assert (tmp_path / "06_pretraining.jsonl").read_bytes() == before


def test_a_part_of_a_chapter_leaves_the_other_parts_as_they_stand(tmp_path):
    book = stand(stand(RecordBook(tmp_path), "a", seeds=[0, 1]), "b", seeds=[2, 3])
    assert seeds(stand(book, "a", seeds=[1])) == [1, 2, 3]
    assert seeds(stand(book, "b", seeds=[])) == [1]


def test_an_earlier_configuration_that_is_asked_for_again_counts_alone(tmp_path):
    book = RecordBook(tmp_path)
    for config, some in (("three epochs", [0, 1]), ("one epoch", [0, 1, 2]), ("three epochs", [1])):
        stand(book, seeds=some, config=config)
    assert [(r.config, r.seed) for r in book.current()] == [("three epochs", 1)]


def test_what_is_measured_beside_an_execution_counts_until_the_next(tmp_path):
    book = stand(RecordBook(tmp_path), seeds=[0])
    book.add([record(seed=1)])
    assert seeds(book) == [0, 1]
    assert seeds(stand(book, seeds=[0])) == [0]


def test_what_another_machine_measured_as_well_does_not_take_the_place_of_ones_own(tmp_path):
    stand(RecordBook(tmp_path / "theirs"), seeds=[0, 1])
    stand(RecordBook(tmp_path / "theirs"), seeds=[])
    (tmp_path / "theirs.jsonl").write_bytes((tmp_path / "theirs" / "06_pretraining.jsonl").read_bytes())
    assert seeds(stand(RecordBook(tmp_path), seeds=[1])) == [1]


def test_records_of_two_editions_in_one_folder_do_not_hide_each_other(tmp_path):
    book = RecordBook(tmp_path)
    book.add([record(started="2026-01-01"), record(edition="other", config="newer", value=0.9, started="2026-01-02")])
    stand(book, seeds=[0], value=0.2)
    assert [(r.edition, r.value) for r in RecordBook(tmp_path, "e").current()] == [("e", 0.2)]
    assert {r.edition for r in book.current()} == {"e", "other"}


@pytest.mark.parametrize(
    ("change", "why"), [({"code": "other"}, "code"), ({"data": "x", "config": "y"}, "configuration and data")]
)
def test_records_of_another_machine_that_were_made_otherwise_are_named(tmp_path, change, why):
    stand(RecordBook(tmp_path / "theirs"), seeds=[1, 2], started="2026-01-01", **change)
    stand(RecordBook(tmp_path), seeds=[0])
    (tmp_path / "theirs.jsonl").write_bytes((tmp_path / "theirs" / "06_pretraining.jsonl").read_bytes())
    lines = (tmp_path / "theirs.jsonl").read_text().splitlines()
    asked = json.loads(lines[-1]) | {"started": "2026-01-02"}
    del asked["sum"]
    (tmp_path / "theirs.jsonl").write_text("\n".join([*lines[:-1], json.dumps(asked)]) + "\n")
    book = RecordBook(tmp_path)
    assert seeds(book) == [0]
    assert [(r.seed, differs) for r, differs in book.set_aside()] == [(1, why), (2, why)]


def test_of_two_models_under_one_name_the_newer_counts_alone(tmp_path):
    """The teacher was fine-tuned on three seeds, then another one took its name and was on one."""
    tuned = {"chapter": "08_sentence_tasks", "model": "teacher", "task": "RTE"}
    book = RecordBook(tmp_path)
    book.add([record(**tuned, seed=seed, fingerprint="old", started="2026-01-01") for seed in (0, 1, 2)])
    book.add([record(**tuned, seed=1, fingerprint="new", started="2026-01-02")])
    assert [(r.seed, r.fingerprint) for r in book.current()] == [(1, "new")]


def test_students_of_several_pretrainings_are_models_of_their_own(tmp_path):
    tuned = {"chapter": "08_sentence_tasks", "task": "RTE", "recipe": "full"}
    book = RecordBook(tmp_path)
    book.add([record(**tuned, seed=seed, pretraining_seed=seed % 2, fingerprint=f"w{seed % 2}") for seed in range(4)])
    book.add([record(seed=seed, fingerprint=f"p{seed}") for seed in range(2)])
    assert len(book.current()) == 6


def test_records_of_the_first_format_are_read_as_they_are(tmp_path):
    values = dataclasses.asdict(record()) | {"format": 1}
    del values["fingerprint"]
    (tmp_path / "x.jsonl").write_text(json.dumps(values) + "\n")
    (one,) = RecordBook(tmp_path).current()
    assert one.fingerprint is None and one.value == 0.2


def test_what_is_wanted_is_found_by_its_attributes(tmp_path):
    RecordBook(tmp_path).add([record(seed=0), record(seed=1), record(metric="perplexity", unit="1", value=9.0)])
    assert {r.seed for r in RecordBook(tmp_path).current(metric="masked_accuracy")} == {0, 1}


@pytest.mark.parametrize(
    "line, what",
    [
        ("{not json", "a line is no JSON"),
        (json.dumps({"format": 0}), "a record has format 0"),
        (json.dumps([1]), "a record has format None"),
        (json.dumps(dataclasses.asdict(record()) | {"surprise": 1}), "a record has unknown fields ['surprise']"),
    ],
)
def test_a_line_that_is_no_record_is_named_with_its_place(tmp_path, line, what):
    (tmp_path / "x.jsonl").write_text("\n" + line + "\n")
    with pytest.raises(BookError) as error:
        RecordBook(tmp_path).all()
    assert what in str(error.value) and "x.jsonl:2" in str(error.value)


def changed(**values) -> str:
    return json.dumps(dataclasses.asdict(record()) | values)


@pytest.mark.parametrize(
    ("line", "what"),
    [
        (changed(value="0.2"), "a record's value cannot be used"),
        (changed(value=float("nan")), "a record's value cannot be used"),
        (changed(value=None), "a record's value cannot be used"),
        (changed(value=True), "a record's value cannot be used"),
        (changed(seed=0.5), "a record's seed cannot be used"),
        (changed(n="100"), "a record's n cannot be used"),
        (changed(detail=[]), "a record's detail cannot be used"),
        (changed(sum="0"), "a record has been altered"),
        (json.dumps({"format": 1}), "a record's edition cannot be used"),
        (changed()[:-1] + ', "value": 0.9}', "a field is given twice"),
    ],
)
def test_a_record_of_other_types_or_with_parts_missing_is_named_with_its_place(tmp_path, line, what):
    (tmp_path / "x.jsonl").write_text(line + "\n")
    with pytest.raises(BookError, match=what) as error:
        RecordBook(tmp_path).all()
    assert "x.jsonl:1" in str(error.value)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), "0.5", None])
def test_what_could_not_be_read_again_is_not_written(tmp_path, value):
    with pytest.raises(BookError, match="a record's value cannot be used"):
        RecordBook(tmp_path).add([record(value=value)])
    assert RecordBook(tmp_path).all() == []


def test_names_may_hold_what_python_takes_for_line_ends(tmp_path):
    one = record(model="a\u2028b\u2029c\x85d\x1ee")
    RecordBook(tmp_path).add([one])
    assert RecordBook(tmp_path).all() == [one]


@pytest.mark.parametrize("seed", range(60))
def test_of_damaged_records_none_is_read_as_another(tmp_path, seed):
    """Lines may be missing, as after a file was cut or removed; what is read was written."""
    ours = [record(seed=n, value=n / 7, started=f"2026-01-0{n + 1}") for n in range(6)]
    RecordBook(tmp_path).add(ours)
    damage(tmp_path, Random(seed))
    try:
        found = RecordBook(tmp_path).all()
    except BookError as error:
        assert "06_pretraining.jsonl:" in str(error)
    else:
        assert all(one in ours for one in found)
