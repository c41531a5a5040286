"""Models and data sets from the Hugging Face Hub, with a prompt error where it cannot be reached.

The Hub's own libraries retry for half a minute before they report that there is no connection. So a quick request for
the commit of a name comes first; its answer also pins and identifies what is read afterwards.
"""

from __future__ import annotations

import contextlib
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

from ..core.config import BookError
from ..core.inputs import look, once

Kind = Literal["model", "dataset"]

#: Timeout of the first request, in seconds.
PATIENCE = 6

#: Files fetched of a model: weights without code in them, configuration, tokenizer.
MODEL_FILES = ("*.safetensors", "*.json", "*.txt")

BY_HAND = {
    "model": "a folder with config.json, model.safetensors, tokenizer.json and tokenizer_config.json",
    "dataset": "a folder with the data set's files (parquet or JSON lines), laid out as on the Hub",
}


class NotReached(BookError):
    """The Hub gave no answer."""


def ask(kind: Kind, name: str, revision: str | None) -> str:
    """Return the commit of ``revision`` (default: the main branch) of ``name`` on the Hub.

    Raises:
        NotReached: when there is no answer within seconds.
        BookError: when there is no such repository or revision, or it may not be read.
    """
    return _answer(kind, name, revision).sha


def files_of_model(name: str, revision: str | None) -> list[str]:
    """Return the names of all files of a model on the Hub; [] without an answer."""
    try:
        return [file.rfilename for file in _answer("model", name, revision).siblings or ()]
    except NotReached:
        return []


def _answer(kind: Kind, name: str, revision: str | None) -> Any:
    """Return the Hub's information on a repository; errors as in :func:`ask`."""
    from huggingface_hub import HfApi
    from huggingface_hub.errors import HFValidationError, RepositoryNotFoundError, RevisionNotFoundError

    try:
        return HfApi().repo_info(name, repo_type=kind, revision=revision, timeout=PATIENCE)
    except (RepositoryNotFoundError, RevisionNotFoundError, HFValidationError) as error:
        raise _refused(kind, name, revision, error) from None
    except Exception as error:  # of a class that depends on the installed HTTP library
        raise not_reached(kind, name, error) from None


def commit(kind: Kind, name: str, revision: str | None) -> str:
    """Return the commit of ``revision`` according to the Hub, or else to the cache of earlier fetches.

    Raises:
        BookError: when there is no such repository or revision, or neither Hub nor cache can tell.
    """
    return _commit(kind, name, revision)[0]


def _commit(kind: Kind, name: str, revision: str | None) -> tuple[str, bool]:
    """Return :func:`commit`, and whether the Hub answered."""
    try:
        return ask(kind, name, revision), True
    except NotReached:
        if not (known := _known(kind, name, revision)):
            raise
        return known, False


def _known(kind: Kind, name: str, revision: str | None) -> str | None:
    """Return the commit without a request: ``revision`` itself, or that in the cache; None elsewhere."""
    from huggingface_hub.constants import HF_HUB_CACHE

    if revision and re.fullmatch(r"[0-9a-f]{40}", revision):
        return revision
    note = Path(HF_HUB_CACHE) / f"{kind}s--{name.replace('/', '--')}" / "refs" / (revision or "main")
    return note.read_text(encoding="utf-8").strip() if note.is_file() else None


def _refused(kind: Kind, name: str, revision: str | None, error: Exception) -> BookError:
    return BookError(
        f"the Hub does not give the {kind} {name!r}: {str(error).strip().splitlines()[0]}",
        where=f"{name}, revision {revision or 'main'}",
        expected=f"a public {kind}, or one that your access token may read",
        do=f"check the name and the revision; a local {kind} is given by its path",
    )


def not_reached(kind: Kind, name: str, error: Exception) -> NotReached:
    return NotReached(
        f"the Hub could not be reached for the {kind} {name!r}, and the local cache does not hold it"
        f" ({type(error).__name__}: {(str(error).strip() or 'no answer').splitlines()[0]})",
        where=name,
        expected=f"a connection, or {BY_HAND[kind]}",
        do=f"connect and start again; or copy the {kind}'s files from a machine that is connected"
        f" (hf download {name}{' --repo-type dataset' if kind == 'dataset' else ''} --local-dir FOLDER)"
        " and give the folder's path instead of the name",
    )


def model_snapshot(name: str, revision: str | None) -> Path:
    """Return a local folder with a model's :data:`MODEL_FILES`.

    Raises:
        BookError: when there is no such model, or neither Hub nor cache holds it.
    """
    from huggingface_hub import snapshot_download

    sha, connected = _commit("model", name, revision)
    try:
        folder = snapshot_download(
            name, revision=sha, allow_patterns=list(MODEL_FILES), etag_timeout=PATIENCE, local_files_only=not connected
        )
    except FileNotFoundError as error:
        raise not_reached("model", name, error) from None
    return Path(folder)


def dataset_rows(
    name: str, subset: str | None, split: str, revision: str | None, skip: int = 0
) -> Iterator[dict[str, Any]]:
    """Yield the rows of a data set's split, streamed; from the local cache with ``HF_HUB_OFFLINE=1``.

    Args:
        skip: number of rows to leave out at the beginning.

    Raises:
        BookError: when there is no such data set, subset or split, or it cannot be reached.
    """
    from huggingface_hub.constants import HF_HUB_OFFLINE

    if HF_HUB_OFFLINE:
        return loaded_rows(name, subset, split, skip, streaming=False, revision=revision)
    sha = ask("dataset", name, revision)
    return loaded_rows(name, subset, split, skip, streaming=True, revision=sha)


def loaded_rows(name: str, subset: str | None, split: str, skip: int = 0, **how: Any) -> Iterator[dict[str, Any]]:
    """Yield the rows of ``datasets.load_dataset(name)`` after the first ``skip``.

    Raises:
        BookError: when it fails, with its reason.
    """
    import datasets

    with _explained(name, how.get("data_files", name), subset, split):
        rows = datasets.load_dataset(name, subset, split=split, **how)
        if skip and not how["streaming"] and skip >= len(rows):
            return  # datasets raises an error where all rows of a data set in memory are skipped
        yield from rows.skip(skip) if skip else rows


def splits_of_folder(folder: Path, subset: str | None, split: str) -> dict[str, list[Path]]:
    """Return the files of a local folder by split, as ``datasets`` finds them; ``split`` must be among them.

    Raises:
        BookError: when it has no such subset or split.
    """
    import datasets

    with _explained(str(folder), folder, subset, split), _as_seen(folder) as seen:
        known = datasets.load_dataset_builder(str(seen), subset).config.data_files
        if split not in known:
            raise ValueError(f'Unknown split "{split}". Should be one of {sorted(map(str, known))}.')
        return {str(name): [folder / Path(file).relative_to(seen) for file in some] for name, some in known.items()}


@contextlib.contextmanager
def _as_seen(folder: Path) -> Iterator[Path]:
    """Yield a folder of links to the data files in ``folder``.

    ``datasets`` takes a folder's path for a pattern and has its own rules for links and hidden files.
    """
    with tempfile.TemporaryDirectory() as temporary:
        for file in once(look(folder).files)[0]:
            link = Path(temporary, file.relative_to(folder))
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to(file.absolute())
        yield Path(temporary)


@contextlib.contextmanager
def _explained(name: str, where: object, subset: str | None, split: str) -> Iterator[None]:
    """Turn exceptions of ``datasets`` into errors that the reader can act on."""
    import datasets

    try:
        yield
    except ConnectionError as error:
        raise not_reached("dataset", name, error) from None
    except (OSError, ValueError, datasets.exceptions.DatasetsError) as error:
        raise BookError(
            f"the data set could not be read: {(str(error).strip() or type(error).__name__).splitlines()[0]}",
            where=f"{where}, subset {subset or 'default'}, split {split}",
            expected="a data set in parquet or JSON lines that has this subset and split",
            do="check address, subset and split in the source's parameters, and the files themselves",
        ) from None
