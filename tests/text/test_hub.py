"""The Hub: requests, answers from the cache, and errors without a connection."""

import time
from types import SimpleNamespace

import huggingface_hub
import pytest
from distilbook.core.config import BookError
from distilbook.text import hub
from huggingface_hub import constants
from huggingface_hub.errors import HFValidationError

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """An empty local cache of the Hub's files."""
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def answer(monkeypatch):
    """Set what the Hub answers: a commit, or an exception."""

    def use(what):
        def repo_info(self, name, *, repo_type, revision, timeout):
            if isinstance(what, Exception):
                raise what
            return SimpleNamespace(sha=what, siblings=[SimpleNamespace(rfilename="pytorch_model.bin")])

        monkeypatch.setattr(huggingface_hub.HfApi, "repo_info", repo_info)

    return use


def note(cache, folder: str, revision: str = "main") -> None:
    reference = cache / folder / "refs" / revision
    reference.parent.mkdir(parents=True)
    reference.write_text(COMMIT)


def test_a_name_stands_for_the_commit_the_hub_says(answer):
    answer(COMMIT)
    assert hub.commit("dataset", "some/texts", None) == COMMIT


def test_without_connection_the_commit_comes_from_the_cache(answer, cache):
    answer(TimeoutError("no answer"))
    with pytest.raises(hub.NotReached):
        hub.commit("dataset", "some/texts", None)
    note(cache, "datasets--some--texts")
    assert hub.commit("dataset", "some/texts", None) == COMMIT
    with pytest.raises(hub.NotReached):
        hub.commit("dataset", "some/texts", "v2")


def test_a_revision_that_is_a_commit_needs_no_connection(answer):
    answer(TimeoutError("no answer"))
    assert hub.commit("model", "some/model", COMMIT) == COMMIT


@pytest.mark.parametrize("kind", ["model", "dataset"])
def test_an_unreached_hub_is_reported_with_the_files_to_supply(answer, kind):
    answer(OSError("Name or service not known"))
    with pytest.raises(BookError) as error:
        hub.commit(kind, "some/thing", None)
    text = str(error.value)
    assert "Name or service not known" in text and hub.BY_HAND[kind] in text and "hf download some/thing" in text


def test_a_refusal_differs_from_a_missing_connection(answer):
    answer(HFValidationError("Repo id must be in the form 'repo_name' or 'namespace/repo_name'"))
    with pytest.raises(BookError, match="does not give the model") as error:
        hub.commit("model", "a/b/c", None)
    assert not isinstance(error.value, hub.NotReached)


def test_a_model_is_fetched_without_pickles_and_code(answer, monkeypatch, tmp_path):
    answer(COMMIT)
    asked = {}
    monkeypatch.setattr(huggingface_hub, "snapshot_download", lambda name, **how: asked.update(how) or str(tmp_path))
    assert hub.model_snapshot("some/model", None) == tmp_path
    assert asked["revision"] == COMMIT and asked["local_files_only"] is False
    assert set(asked["allow_patterns"]) == {"*.safetensors", "*.json", "*.txt"}


def test_all_files_of_a_model_are_listed_where_the_hub_answers(answer):
    answer(COMMIT)
    assert hub.files_of_model("some/model", None) == ["pytorch_model.bin"]
    answer(TimeoutError("no answer"))
    assert hub.files_of_model("some/model", None) == []


def test_a_cached_model_is_used_without_connection(answer, cache):
    answer(TimeoutError("no answer"))
    note(cache, "models--some--model")
    snapshot = cache / "models--some--model" / "snapshots" / COMMIT
    snapshot.mkdir(parents=True)
    # The cache's place is a default argument deep inside the library: give it through the signature used here.
    real = huggingface_hub.snapshot_download
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(huggingface_hub, "snapshot_download", lambda name, **how: real(name, cache_dir=cache, **how))
        assert hub.model_snapshot("some/model", None) == snapshot


def test_no_connection_is_noticed_within_seconds(monkeypatch):
    api = huggingface_hub.HfApi(endpoint="http://127.0.0.1:9")  # nothing listens there
    monkeypatch.setattr(huggingface_hub, "HfApi", lambda: api)
    started = time.monotonic()
    with pytest.raises(hub.NotReached):
        next(iter(hub.dataset_rows("some/texts", None, "train", None)))
    with pytest.raises(hub.NotReached):
        hub.model_snapshot("some/model", None)
    assert time.monotonic() - started < 10


@pytest.mark.parametrize("streaming", [True, False])
@pytest.mark.parametrize("skip", [0, 2, 3])
def test_rows_are_read_on_from_any_row(tmp_path, monkeypatch, streaming, skip):
    import datasets
    import pyarrow
    import pyarrow.parquet

    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    pyarrow.parquet.write_table(pyarrow.table({"text": ["one", "two", "three"]}), tmp_path / "a.parquet")
    how = {"data_files": str(tmp_path / "a.parquet"), "streaming": streaming}
    rows = hub.loaded_rows("parquet", None, "train", skip, **how)
    assert [row["text"] for row in rows] == ["one", "two", "three"][skip:]
