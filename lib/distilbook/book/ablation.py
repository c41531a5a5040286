"""Ablation chapters: runs of a changed recipe, compared with those of the full one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import plotly.graph_objects as go

from ..claims import CLAIMS, judge
from ..claims.ablation import compare
from ..core.config import short_hash
from ..core.errors import BookError
from ..core.records import Record
from ..corpus.corpus import Corpus
from ..distillation.recipe import AS_LONG
from ..pretraining.ablations import (
    Choice,
    ChoicesConfig,
    choices_of,
    equal_seconds_steps,
    paired_with,
    published_runs,
    run_arm,
    run_choice,
)
from ..pretraining.config import PretrainRun
from ..pretraining.records import pretraining_records, training_mask_records
from ..training.loop import Watch
from ..views import ablations as arms
from ..views import comparisons
from ..views.pretraining import run_rows
from .chapter import Chapter


@dataclass
class Changed:
    """An open chapter that trains the full recipe with something changed.

    Attributes:
        full: the full recipe's runs, by seed, that the others are paired with.
        runs: the runs of the chapter by their recipe's name, as far as they were trained.
    """

    chapter: Chapter
    full: Sequence[PretrainRun]
    corpus: Corpus
    teacher: Path
    runs: dict[str, list[PretrainRun]] = field(default_factory=dict)

    @property
    def beside(self) -> dict[str, Sequence[PretrainRun]]:
        """The full recipe's runs and the chapter's own, by the recipe's name."""
        return {"full": self.full, **self.runs}

    def curves(self) -> go.Figure:
        """Draw the held-out masked accuracy of all runs over the tokens they have seen."""
        teacher = self.chapter.records.current(chapter="03_teacher", metric="masked_accuracy")
        return arms.accuracy_curves(self.beside, teacher[0].value)

    def rows(self) -> list[dict]:
        """Return a row a run: its scores, tokens, seconds and cores."""
        return run_rows(self.beside)

    def sentence(self, recipe: str) -> str:
        """Say how ``recipe`` differs from the full one, from the records."""
        found = compare(self.chapter.records.current(), recipe)
        return comparisons.change_sentence(found) if found else ""

    def _keep(self, recipe: str, runs: list[PretrainRun], name: str | None = None) -> None:
        self.runs[recipe] = runs
        for run in runs:
            self.chapter.publish(f"student/{name or recipe}/seed{run.seed}", run.folder)


@dataclass
class Ablation(Changed):
    """An open chapter that takes one thing away from the full recipe: the one it is named after."""

    @classmethod
    def open(cls, chapter: Chapter) -> Ablation:
        """Return the ablation of ``chapter`` with what the full recipe was run with.

        Raises:
            BookError: when an earlier chapter has not been run.
        """
        full = published_runs(chapter.workspace, "full", made_by="06_pretraining")
        return cls(chapter, full, *_text_and_teacher(chapter))

    @property
    def arm(self) -> str:
        return self.chapter.id.rpartition("/")[2]

    @property
    def as_long(self) -> str:
        """The recipe's name for training over as many seconds as the full recipe."""
        return self.arm + AS_LONG

    def changed(self) -> list[dict]:
        """Return a row for each field in which the ablation differs from the full recipe."""
        return arms.changed_rows(self.arm, self.full[0].config.recipe)

    def run(self, watch: Watch = nullcontext) -> None:
        """Train the ablation on as many tokens as the full recipe, once a seed; publish and record the runs."""
        self._run(self.arm, watch)

    def run_as_long(self, watch: Watch = nullcontext) -> None:
        """Train the ablation again, for as many seconds as the full recipe took; publish and record the runs.

        Raises:
            BookError: when it was not trained on as many tokens before, which gives the cost of a step.
        """
        if self.arm not in self.runs:
            raise BookError(
                "the cost of a step of this ablation is not known", do="execute the cell with run(...) first"
            )
        self._run(self.as_long, watch, equal_seconds_steps(self.full, self.runs[self.arm]), part="as long")

    def measure_under_training_masks(self) -> None:
        """Measure the full recipe's students and the chapter's own on held-out text masked as in training; record it."""
        measured = [
            record
            for recipe, some in self.beside.items()
            for run in some
            for record in training_mask_records(self._records(run, recipe), run, self.corpus)
        ]
        self.chapter.record(measured, "training masks")

    def _run(self, recipe: str, watch: Watch, steps: int | None = None, part: str = "") -> None:
        self._keep(recipe, run_arm(self.arm, self.full, self.corpus, self.teacher, watch, steps))
        self.chapter.record([r for run in self.runs[recipe] for r in self._records(run, recipe)], part)

    def _records(self, run: PretrainRun, recipe: str) -> list[Record]:
        # The same configuration asked for all, so the records of all stand side by side.
        asked = self.runs[self.arm][0].config.fingerprint()
        budget: Literal["tokens", "seconds"] = "seconds" if recipe == self.as_long else "tokens"
        edition, beside = self.chapter.config.edition, self.full[0].config.fingerprint()
        return pretraining_records(self.chapter.id, edition, run, self.corpus, recipe, budget, asked, beside)

    def comparison(self) -> list[dict]:
        """Return a row for each held-out score: medians of the full recipe and the ablation, and the better one."""
        return arms.comparison_rows(self.full, self.runs[self.arm])

    def comparison_as_long(self) -> list[dict]:
        """Return the same for equal training seconds."""
        return arms.comparison_rows(self.full, self.runs[self.as_long], "this ablation, equal seconds")

    def verdict(self) -> str:
        """Return the verdict on the ablation's claim, or its difference where the paper claims nothing."""
        claim = next((one for one in CLAIMS if one.arm == self.arm), None)
        return judge(claim, self.chapter.records.current()).sentence if claim else self.sentence(self.arm)

    def verdict_as_long(self) -> str:
        """Return the budget of the ablation at equal seconds, and its difference from the full recipe."""
        found = compare(self.chapter.records.current(), self.as_long)
        return comparisons.longer_sentence(found) if found else ""


@dataclass
class Choices(Changed):
    """The open chapter that changes the full recipe as its parameters say."""

    choices: list[Choice] = field(default_factory=list)

    @classmethod
    def open(cls, chapter: Chapter) -> Choices:
        """Return the choices of ``chapter``, each checked before anything runs.

        Raises:
            BookError: for a choice or a seed that cannot be run beside the full recipe, or when an earlier
                chapter has not been run.
        """
        corpus, teacher = _text_and_teacher(chapter)
        config = chapter.config
        assert isinstance(config, ChoicesConfig)
        full = paired_with(config.seeds, published_runs(chapter.workspace, "full", made_by="06_pretraining"))
        return cls(chapter, full, corpus, teacher, choices=choices_of(config, full, teacher))

    def changed(self) -> list[dict]:
        """Return a row for each field that a choice changes."""
        changes: dict[str, Mapping] = {choice.name: choice.changes for choice in self.choices}
        return arms.choice_rows(changes, self.full[0].config.recipe)

    def run(self, watch: Watch = nullcontext) -> None:
        """Train every choice once a seed; publish and record the runs."""
        for choice in self.choices:
            self._keep(choice.name, run_choice(choice, self.full, self.corpus, self.teacher, watch), choice.file_name)
        # One fingerprint for all, so that records of removed choices no longer count.
        asked = short_hash([self.runs[choice.name][0].config.fingerprint() for choice in self.choices])
        edition, beside = self.chapter.config.edition, self.full[0].config.fingerprint()
        made = [
            pretraining_records(self.chapter.id, edition, run, self.corpus, name, config=asked, beside=beside)
            for name, runs in self.runs.items()
            for run in runs
        ]
        self.chapter.record([record for records in made for record in records])


def _text_and_teacher(chapter: Chapter) -> tuple[Corpus, Path]:
    corpus = Corpus.open(chapter.find("corpus", made_by="02_corpus"))
    return corpus, chapter.find("teacher", made_by="03_teacher")
