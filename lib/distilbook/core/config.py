"""Base class of every configuration: checked values, explained mistakes, a fingerprint.

Each stage keeps its configuration beside its code (``pretraining/pretrain.py`` holds ``PretrainConfig``).
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Annotated, Any, ClassVar, Self, get_args

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from .errors import BookError, Refusal, nearest
from .markup import HIDDEN

#: A seed of random numbers.
Seed = Annotated[int, Field(ge=0, lt=2**32)]
#: Where a model, a text or a task lies.
Address = Annotated[str, Field(min_length=1, max_length=1000)]
#: A name that a reader gives; tables, figures and records show it.
Name = Annotated[str, Field(min_length=1)]


def canonical_json(value: Any) -> str:
    """Return the one JSON text of ``value``: keys sorted, no spaces."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def short_hash(value: Any) -> str:
    """Return the first 16 hexadecimal digits of the SHA-256 of ``value``'s canonical JSON."""
    return hashlib.sha256(canonical_json(value).encode()).hexdigest()[:16]


def each_once(values: tuple) -> tuple:
    """Return ``values``, or refuse one that is given twice."""
    for number, value in enumerate(values):
        if value in values[:number]:
            raise Refusal("each value once", place=f"[{number}]", do=f"take the second {shown(value)} out")
    return values


#: Some values, each once; and seeds, one run each.
Counts = Annotated[tuple[Annotated[int, Field(ge=1, le=10**6)], ...], Field(min_length=1), AfterValidator(each_once)]
Seeds = Annotated[tuple[Seed, ...], Field(min_length=1), AfterValidator(each_once)]


def one_of(known: Iterable[str], what: str) -> Callable[[tuple[str, ...]], tuple[str, ...]]:
    """Return a validator of names that are all ``known`` ``what``, each once."""
    names = list(known)

    def check(values: tuple[str, ...]) -> tuple[str, ...]:
        for number, value in enumerate(values):
            if value not in names:
                do = nearest(value, names, what)
                raise Refusal(f"names among {', '.join(names)}; there is no {value}", place=f"[{number}]", do=do)
        return each_once(values)

    return check


def shown(value: Any) -> str:
    """Return ``value`` as an error shows it: cut after 80 characters."""
    try:
        text = repr(value)
    except ValueError:  # Python writes out no whole number of thousands of digits
        return "a number of thousands of digits"
    return text if len(text) <= 80 else f"{text[:77]}..."


class Config(BaseModel):
    """A frozen configuration that refuses unknown names, wrong types and impossible values.

    Types are taken as they are given: a text that holds a number is no number, ``True`` is not 1. A whole number
    stands for a real one, and a list for a tuple, since neither YAML nor JSON has both.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)

    #: Fields that say where or how often, not what: they do not enter the fingerprint.
    circumstances: ClassVar[frozenset[str]] = frozenset()

    @model_validator(mode="before")
    @classmethod
    def _names_are_known(cls, values: Any) -> Any:
        known = list(cls.model_fields)
        for name in values if isinstance(values, Mapping) else ():
            if name not in known:
                raise Refusal("", place=f".{name}", do=nearest(str(name), known, "parameters"), unknown=True)
        return values

    @field_validator("*", mode="before")
    @classmethod
    def _as_given(cls, value: Any) -> Any:
        if isinstance(value, str) and (found := HIDDEN.search(value)):
            raise Refusal(f"one line of text without hidden characters; got {found[0]!r} at place {found.start()}")
        return tuple(value) if isinstance(value, list) else value

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
        try:
            return cls.model_validate(dict(values))
        except ValidationError as error:
            raise explained(cls, error, where) from None

    def fingerprint(self) -> str:
        """Return a hash of everything that decides a result: all fields but the circumstances."""
        return short_hash(self.model_dump(mode="json", exclude=set(self.circumstances)))


#: What pydantic's kinds of mistakes expect, in the words of a reader who writes YAML or Python.
EXPECTED = {
    "missing": "a value",
    "int_type": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "string_type": "a text",
    "tuple_type": "a list",
    "dict_type": "names with values",
    "model_type": "names with values",
}
CORRECT = "correct the value and start again; nothing was run"
#: What of pydantic's sentences is no news.
NO_NEWS = ("Value error, ", "Input should be ", "Tuple should have ", "String should have ")


def explained(cls: type[Config], error: ValidationError, where: object) -> BookError:
    """Return the error that names the first mistake in the values of a ``cls``, and the places of the others."""
    first = first_refusal(cls, error)
    if first.unknown:
        return BookError(f"unknown parameter {first.place!r}", where=where, do=first.do)
    places = dict.fromkeys(_place(cls, one) for one in error.errors())
    others = ", ".join(repr(place) for place in places if not first.place.startswith(place))
    what = f"parameter {first.place!r} cannot be used" + (f" (nor can {others})" if others else "")
    return BookError(what, where=where, expected=str(first), do=first.do)


def first_refusal(cls: type[Config], error: ValidationError) -> Refusal:
    """Return the first mistake in the values of a ``cls``: its place, what was expected and got, what to do."""
    mistakes = error.errors()
    place = _place(cls, mistakes[0])
    here = [one for one in mistakes if _place(cls, one) == place]
    if (refusal := _refusal(here[0])) and (refusal.unknown or refusal.place):
        return Refusal(str(refusal), place=place, do=refusal.do or CORRECT, unknown=refusal.unknown)
    kinds = {one["type"] for one in here}
    expected = " or ".join(dict.fromkeys(map(_expected, here)))
    got = "" if "missing" in kinds else f", got {shown(here[0]['input'])}"
    return Refusal(expected + got, place=place, do=refusal and refusal.do or _advice(here, place))


def _refusal(mistake: Mapping) -> Refusal | None:
    reason = mistake.get("ctx", {}).get("error")
    return reason if isinstance(reason, Refusal) else None


def _place(cls: type[Config], mistake: Mapping) -> str:
    """Return where a mistake is, as a reader writes it: ``tasks[2].epochs``."""
    known: type[Config] | None = cls
    place = ""
    for part in mistake["loc"]:
        if isinstance(part, int):
            place += f"[{part}]"
        elif known and part in known.model_fields:
            place += f".{part}"
            known = _config_in(known.model_fields[part].annotation)
        else:  # which of several allowed types was tried
            break
    refusal = _refusal(mistake)
    return (place + (refusal.place if refusal else "")).removeprefix(".") or cls.__name__


def _config_in(annotation: Any) -> type[Config] | None:
    if isinstance(annotation, type) and issubclass(annotation, Config):
        return annotation
    return next((found for part in get_args(annotation) if (found := _config_in(part))), None)


def _expected(mistake: Mapping) -> str:
    text = EXPECTED.get(mistake["type"], mistake["msg"])
    for words in NO_NEWS:
        text = text.removeprefix(words)
    return text.partition(" after validation")[0]


def _advice(mistakes: Sequence[Mapping], place: str) -> str:
    kinds, value = {one["type"] for one in mistakes}, mistakes[0]["input"]
    if not isinstance(value, str):
        return CORRECT
    if "tuple_type" in kinds:
        return f"give a list: with papermill's -y '{place}: [...]', since -p takes a text"
    if "literal_error" in kinds:
        return nearest(value, re.findall("'([^']*)'", _expected(mistakes[-1])), "values")
    if kinds & {"int_type", "float_type"} and re.fullmatch(r"[-+.0-9]+([eE][-+0-9]+)?", value):
        return "write a number without quotes; YAML takes one with an exponent for a text unless it has a point: 5.0e-4"
    return CORRECT


class ChapterConfig(Config):
    """What every chapter's parameters share: the edition, and the seeds it repeats its runs with."""

    circumstances: ClassVar[frozenset[str]] = frozenset({"edition", "seeds"})

    edition: str = Field(pattern=r"^[a-z0-9_-]+$", max_length=64, description="names the folder below runs/")

    def check_here(self) -> None:
        """Refuse what a value names and is not there, as far as the class knows how to look; by default nothing."""
