"""What the verdict is made from: the edition's records, or those of a pair of models that the reader names."""

from __future__ import annotations

from ..claims import CLAIMS, Claim
from ..records import Record
from .chapter import Chapter


def evidence(chapter: Chapter) -> tuple[list[Record], tuple[Claim, ...]]:
    """Return the records that a verdict is made from, and the claims that they can speak of.

    Without a pair in the parameters these are the edition's own and all claims. The arms of the trial are about
    pre-training, so of a pair that was pre-trained elsewhere no claim on them is judged.

    Raises:
        BookError: for a pair's model or task that cannot be had, or runs that failed.
    """
    if not chapter.config.teacher:
        return chapter.records.current(), CLAIMS
    from .pair import pair_records  # fine-tuning takes seconds to import, and a chapter that reads does without

    records = pair_records(chapter.config, chapter.workspace)
    return records, tuple(claim for claim in CLAIMS if not claim.arm)
