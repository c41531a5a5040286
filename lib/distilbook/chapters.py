"""The book's chapters in reading order, and which others each of them reads."""

from __future__ import annotations

from .recipe import ARMS

#: The chapters that take something away from the full recipe.
ARM_CHAPTERS = tuple(f"07_ablations/{arm}" for arm in ARMS if arm != "full")
STUDENTS = ("06_pretraining", *ARM_CHAPTERS)
TEACHER = ("02_corpus", "03_teacher")

#: The chapters whose published results or records each one reads.
READS: dict[str, tuple[str, ...]] = {
    "01_claims": (),
    "02_corpus": (),
    "03_teacher": ("02_corpus",),
    "04_student": ("03_teacher",),
    "05_triple_loss": ("03_teacher",),
    "06_pretraining": TEACHER,
    **dict.fromkeys(ARM_CHAPTERS, (*TEACHER, "06_pretraining")),
    "07_ablations/choices": (*TEACHER, "06_pretraining"),
    "07_ablations/summary": ("03_teacher", *STUDENTS, "07_ablations/choices"),
    "08_sentence_tasks": ("02_corpus", "03_teacher", *STUDENTS),
    "09_long_documents": ("03_teacher", *STUDENTS),
    "11_timing": ("02_corpus", "03_teacher", "04_student"),
    "13_verdict": ("03_teacher", *STUDENTS, "08_sentence_tasks", "09_long_documents", "11_timing"),
}


def chain(chapter: str) -> list[str]:
    """Return ``chapter`` and, before it, every chapter that it needs, those they need among them, in reading order."""
    needed, found = {chapter}, [chapter]
    while found:
        found = [name for one in found for name in READS.get(one, ()) if name not in needed]
        needed.update(found)
    return [name for name in READS if name in needed] or [chapter]
