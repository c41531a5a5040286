"""IMDb in its authors' folders, in the Hub's layout and as JSON lines."""

import gzip
import json

import pytest
from distilbook.tasks import TaskSource, load_task
from distilbook.text import hub
from glue_files import write_parquet

#: Text, label, number and stars of the reviews of a split.
REVIEWS = [
    ("Dull.<br /><br />So dull.", 0, "0_1"),
    ("Cold \u0085 and \u2028 empty.", 0, "2_3"),
    ("No.", 0, "10_2"),
    ('"Warm"', 1, "0_9"),
    ("Moving.", 1, "1_10"),
]
CLEAN = ["Dull.  So dull.", "Cold \u0085 and \u2028 empty.", "No.", '"Warm"', "Moving."]
LABELS = [0, 0, 0, 1, 1]
SPLITS = ("train", "test")


def load(address):
    return load_task(TaskSource(name="IMDb", address=str(address)))


def rows(split: str) -> list[dict]:
    return [{"text": f"{split} {text}", "label": label} for text, label, _ in REVIEWS]


def write_archive(folder):
    for split in SPLITS:
        for (_, label, name), row in zip(REVIEWS, rows(split), strict=True):
            path = folder / split / ("neg", "pos")[label] / f"{name}.txt"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(row["text"], encoding="utf-8")
    return folder


def write_urls(folder, split: str) -> None:
    """Write the lists of the films' pages, line n for review n: the first reviews of both kinds are of one film."""
    for name in ("neg", "pos"):
        films = [7] if name == "pos" else []
        films += [7, *range(20, 30)] if name == "neg" else [8]
        urls = "".join(f"http://www.imdb.com/title/tt{film:07}/usercomments\n" for film in films)
        (folder / split / f"urls_{name}.txt").write_text(urls)


def check(task, groups) -> None:
    assert (task.name, task.metric, task.classes) == ("IMDb", "accuracy", ("negative", "positive"))
    assert list(task.evaluation) == ["test"] and task.withheld == {} and task.left_out == ()
    for split, there in (("train", task.train), ("test", task.evaluation["test"])):
        assert there.first == [f"{split} {text}" for text in CLEAN] and there.second is None
        assert there.labels.tolist() == LABELS
        assert there.groups.tolist() == groups[split]


ALONE = {split: [f"{split}/{('neg', 'pos')[label]}/{name}" for _, label, name in REVIEWS] for split in SPLITS}
NUMBERED = dict.fromkeys(SPLITS, [0, 1, 2, 3, 4])


def test_the_authors_folders_are_read_in_the_order_of_the_reviews_numbers(tmp_path):
    write_archive(tmp_path / "aclImdb")
    check(load(tmp_path), ALONE)
    check(load(tmp_path / "aclImdb"), ALONE)


def test_reviews_of_a_film_belong_together_where_the_films_are_known(tmp_path):
    write_urls(write_archive(tmp_path), "test")
    films = ["tt0000007", "tt0000021", "tt0000029", "tt0000007", "tt0000008"]
    check(load(tmp_path), ALONE | {"test": films})


@pytest.mark.parametrize("place", ["plain_text", ""])
def test_the_hubs_parquet_is_read(tmp_path, place, monkeypatch):
    import datasets

    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    (tmp_path / place).mkdir(exist_ok=True)
    for split in SPLITS:
        write_parquet(tmp_path / place / f"{split}-00000-of-00002.parquet", rows(split)[:3])
        write_parquet(tmp_path / place / f"{split}-00001-of-00002.parquet", rows(split)[3:])
    check(load(tmp_path), NUMBERED)


@pytest.mark.parametrize("ending", ["jsonl", "jsonl.gz"])
def test_json_lines_are_read(tmp_path, ending):
    for split in SPLITS:
        text = "".join(json.dumps(row | {"id": "x", "rating": 3}) + "\n" for row in rows(split))
        with (gzip.open if ending.endswith("gz") else open)(tmp_path / f"{split}.{ending}", "wt") as file:
            file.write(text)
    check(load(tmp_path), NUMBERED)


def test_the_hub_is_asked_for_both_splits(monkeypatch):
    asked = []

    def dataset_rows(*what):
        asked.append(what)
        yield from rows(what[2])

    monkeypatch.setattr(hub, "dataset_rows", dataset_rows)
    check(load("hub:stanfordnlp/imdb"), NUMBERED)
    assert asked == [("stanfordnlp/imdb", None, split, None) for split in SPLITS]


def test_a_review_that_is_no_text_is_left_out_of_training_and_an_error_in_the_test_set(tmp_path, message):
    write_archive(tmp_path)
    (tmp_path / "train" / "neg" / "5_1.txt").write_bytes(b"caf\xe9")
    task = load(tmp_path)
    assert task.left_out == (f"{tmp_path}/train/neg/5_1.txt: a review is not UTF-8",)
    assert len(task.train) == len(REVIEWS)
    (tmp_path / "test" / "neg" / "5_1.txt").write_bytes(b"caf\xe9")
    assert message(load, tmp_path) == (
        f"a review is not UTF-8.\n  where: {tmp_path}/test/neg/5_1.txt\n  expected: text in UTF-8\n"
        "  do: convert it or remove it"
    )


def test_a_folder_without_the_test_set_is_refused(tmp_path, message):
    (tmp_path / "train.jsonl").write_text('{"text": "a", "label": 1}\n')
    assert message(load, tmp_path).startswith(
        f"there are no training and test set of IMDb.\n  where: {tmp_path}, which holds train.jsonl\n  expected: train/pos, train/neg, test/pos"
    )


def test_a_split_of_which_a_file_is_missing_is_refused(tmp_path, message):
    for split in SPLITS:
        write_parquet(tmp_path / f"{split}-00000-of-00002.parquet", rows(split)[:4])
    assert message(load, tmp_path).startswith(
        f"a split has 1 of 2 files.\n  where: {tmp_path}, train-00000-of-00002.parquet\n"
    )


def test_class_numbers_may_have_become_decimals(tmp_path):
    for split in SPLITS:
        text = "".join(json.dumps(row | {"label": float(row["label"])}) + "\n" for row in rows(split))
        (tmp_path / f"{split}.jsonl").write_text(text)
    check(load(tmp_path), NUMBERED)


def test_hidden_reviews_are_left_alone_and_a_link_to_nothing_is_a_review_that_cannot_be_read(tmp_path, message):
    write_archive(tmp_path)
    (tmp_path / "train" / "neg" / "._5_1.txt").write_bytes(b"\xff")
    (tmp_path / "train" / "neg" / "7_1.txt").symlink_to("nothing")
    task = load(tmp_path)
    assert len(task.train) == len(REVIEWS)
    assert task.left_out == (
        f"{tmp_path}/train/neg/7_1.txt: a file or folder cannot be read (No such file or directory)",
    )


@pytest.mark.parametrize(
    ("content", "what"),
    [("http://x/tt7".encode("utf-16"), "is in UTF-16"), (gzip.compress(b"x", mtime=0), "is packed with gzip")],
)
def test_a_list_of_films_that_cannot_be_read_is_refused_rather_than_each_review_a_group(
    tmp_path, content, what, message
):
    write_urls(write_archive(tmp_path), "test")
    (tmp_path / "test" / "urls_pos.txt").write_bytes(content)
    assert message(load, tmp_path).startswith(f"a file {what}")
