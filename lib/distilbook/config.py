"""The base of every validated configuration, and the one error that a reader can act on.

Each stage keeps its configuration beside its code (``training/pretrain.py`` holds ``PretrainConfig``);
this module holds what they share: how values are checked, how a mistake is explained, and how a
configuration is reduced to a fingerprint.
"""

from __future__ import annotations

import difflib
import hashlib
import json
import re
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

#: A seed of random numbers.
Seed = Annotated[int, Field(ge=0, lt=2**32)]
#: Characters that cannot be seen, or that turn what stands around them: controls, ends of lines, marks of direction.
HIDDEN = re.compile(
    r"[\x00-\x1f\x7f-\x9f\xad\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ud800-\udfff\ufeff\ufff9-\ufffb\ufffe"
    r"\uffff\U000e0000-\U000e007f]"
)


def _can_be_read(name: str) -> str:
    if found := HIDDEN.search(name):
        raise ValueError(f"a name without hidden characters; there is one, {found[0]!r}, at place {found.start()}")
    return name


#: A name that a reader gives, which tables, figures and records show: one line of characters that can be seen.
Name = Annotated[str, Field(min_length=1), AfterValidator(_can_be_read)]


class BookError(Exception):
    """A mistake that the reader can put right: what is wrong, where, what was expected, what to do.

    Args:
        what: what is wrong, in one sentence without a full stop.
        where: the file, chapter or parameter concerned.
        expected: what would have been right.
        do: what to do next.
    """

    def __init__(self, what: str, *, where: object = None, expected: str | None = None, do: str | None = None):
        self.what, self.where, self.expected, self.do = what, where, expected, do
        lines = [f"{what}."]
        lines += [
            f"  {label}: {text}" for label, text in (("where", where), ("expected", expected), ("do", do)) if text
        ]
        super().__init__("\n".join(lines))


def nearest(name: str, known: list[str], what: str) -> str:
    """Return the advice for an unknown ``name``: the nearest known one, or the whole list."""
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    return f"did you mean {close[0]!r}?" if close else f"use one of these {what}: {', '.join(sorted(known))}"


def canonical_json(value: Any) -> str:
    """Return the one JSON text of ``value``: keys sorted, no spaces."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def short_hash(value: Any) -> str:
    """Return the first 16 hexadecimal digits of the SHA-256 of ``value``'s canonical JSON."""
    return hashlib.sha256(canonical_json(value).encode()).hexdigest()[:16]


class Config(BaseModel):
    """A frozen configuration that refuses unknown names, wrong types and impossible values."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    #: Fields that say where or how often, not what: they do not enter the fingerprint.
    circumstances: ClassVar[frozenset[str]] = frozenset()

    @classmethod
    def parse(cls, values: Mapping[str, Any], where: object) -> Self:
        """Build the configuration from ``values``, or explain every mistake in them.

        Args:
            values: names and values as they stand in a parameters cell or a YAML file.
            where: what to name as their place in an error.

        Raises:
            BookError: for an unknown name (with the nearest known one), a missing name, a wrong
                type or an impossible value.
        """
        known = list(cls.model_fields)
        for name in values:
            if name not in known:
                raise BookError(f"unknown parameter {name!r}", where=where, do=nearest(name, known, "parameters"))
        try:
            return cls(**values)
        except ValidationError as error:
            first = error.errors()[0]
            name = ".".join(str(part) for part in first["loc"]) or cls.__name__
            got = "" if first["type"] == "missing" else f", got {first['input']!r}"
            others = f" (and {error.error_count() - 1} more)" if error.error_count() > 1 else ""
            raise BookError(
                f"parameter {name!r} cannot be used{others}",
                where=where,
                expected=first["msg"].removeprefix("Value error, ") + got,
                do="correct the value and start again; nothing was run",
            ) from None

    def fingerprint(self) -> str:
        """Return a hash of everything that decides a result: all fields but the circumstances."""
        return short_hash(self.model_dump(mode="json", exclude=set(self.circumstances)))


class ChapterConfig(Config):
    """What every chapter's parameters share: the edition, and the seeds it repeats its runs with."""

    circumstances: ClassVar[frozenset[str]] = frozenset({"edition", "seeds"})

    edition: str = Field(pattern=r"^[a-z0-9_-]+$", description="names the folder below runs/")
