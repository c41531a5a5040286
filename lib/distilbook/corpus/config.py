"""Parameters of a corpus."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field, field_validator

from ..core.config import Address, ChapterConfig, Refusal
from ..text.sources import TextSource
from .packing import Packing


class CorpusConfig(ChapterConfig):
    """The texts of a corpus, and how they become blocks."""

    circumstances: ClassVar[frozenset[str]] = ChapterConfig.circumstances | {"processes"}

    texts: tuple[TextSource, ...] = Field(min_length=1)
    tokenizer: Address = Field(description="a model's address: its tokenizer is used")
    block_length: int = Field(ge=8, le=512, description="tokens per block, [CLS] and [SEP] included")
    packing: Packing = Field(default="full_sentences", description="how documents become blocks")
    held_out_share: float = Field(gt=0, lt=0.5, description="share of the documents no model is trained on")
    held_out_blocks: int = Field(ge=1, le=10**9, description="at most this many held-out blocks, evenly spaced")
    processes: int | None = Field(default=None, ge=1, le=1024, description="for tokenising; default: one per core")

    @field_validator("texts")
    @classmethod
    def _each_once(cls, texts: tuple[TextSource, ...]) -> tuple[TextSource, ...]:
        for number, text in enumerate(texts):
            if any(text.name == other.name for other in texts[:number]):
                raise Refusal("each name once", place=f"[{number}].name", do=f"rename the second {text.name!r}")
            if any(text.same_text(other) for other in texts[:number]):
                raise Refusal("each text once", place=f"[{number}].address", do="take the second out")
        return texts
