"""Figures, rows and sentences about the verdicts, the reference runs against the paper, and the time spent."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence

import plotly.graph_objects as go

from ..claims import CLAIMS, Claim, Judgement, judge
from ..claims.ablation import compared
from ..claims.finding import UNITS
from ..claims.paper import GLUE, TABLE_1, TABLE_2
from ..claims.reference import ReferenceRun
from ..claims.task_scores import arm_changes, kept_answers, runs_by_task
from ..core.markup import Markup
from ..core.progress import duration
from ..core.records import DOCUMENTS, SENTENCES, Record
from .comparisons import change_rows
from .masks import mask_rows
from .style import GREY, GRID, PLAIN, VERDICTS, dressed, error_bars, figure, padded, subplots
from .task_scores import score_change_rows, task_rows
from .templates import Template

#: The models whose figures the paper prints, by their names there.
PUBLISHED = {"teacher": "BERT-base", "full": "DistilBERT"}
ON_TRIAL = Template("On trial are {figures:count of figure} and {directions:count of direction}.")
VERDICT_COUNTS = Template(
    "Of {claims:count of claim} this edition reproduced {reproduced}, contradicted {contradicted} and left {open} "
    "unsettled. Verdicts in miniature: {miniature}."
)
MACHINE = Template("{processor:quoted}, {cores:count of core}, accelerator: {accelerator}")
MEASURED_ON = Template("Measured on: {machines}.")
NO_RECORDS = "There are no records yet."
EXCLUDED = Template(" Excluded: {parts:list}.")
EXCLUDED_PART = Template("{number:count of record} of `{chapter}` (other {differs})")


def on_trial(claims: Sequence[Claim]) -> str:
    """Return the numbers of claims that state a figure and a direction."""
    directions = sum(claim.kind == "arm" for claim in claims)
    return ON_TRIAL.filled(figures=len(claims) - directions, directions=directions)


def verdict_counts(verdicts: Sequence[Judgement]) -> str:
    """Return the number of claims by verdict."""
    got = Counter(one.verdict for one in verdicts)
    return VERDICT_COUNTS.filled(
        claims=len(verdicts),
        reproduced=got["reproduced"],
        contradicted=got["contradicted"],
        open=got["not settled"],
        miniature=sum(one.in_miniature for one in verdicts),
    )


def machines(records: Iterable[Record], aside: Iterable[tuple[Record, str]] = ()) -> str:
    """Return the machines on which ``records`` were measured.

    Args:
        aside: excluded records of other machines, each with what it differs in.
    """
    found = sorted({MACHINE.filled(**{**r.hardware, "processor": [r.hardware["processor"]]}) for r in records})
    measured = MEASURED_ON.filled(machines="; ".join(found)) if found else NO_RECORDS
    numbers = Counter((record.chapter, differs) for record, differs in aside)
    parts = [
        EXCLUDED_PART.filled(number=number, chapter=chapter, differs=differs)
        for (chapter, differs), number in numbers.items()
    ]
    return measured + (EXCLUDED.filled(parts=parts) if parts else "")


def reference_rows(runs: Iterable[ReferenceRun]) -> list[dict]:
    """Return a row per fact about each reference run: edition, date, machine, text, budget, subset."""
    return _titled(runs, _facts)


def _titled(runs: Iterable[ReferenceRun], rows: Callable[[ReferenceRun], list[dict]]) -> list[dict]:
    """Return the ``rows`` of all runs, each after its run's title."""
    return [{"reference run": run.provenance.title} | row for run in runs for row in rows(run)]


def _facts(run: ReferenceRun) -> list[dict[str, str]]:
    made = run.provenance
    facts = {
        "edition": made.edition,
        "date": made.when,
        "machine": made.machine,
        "text": made.text,
        "pre-training of the full recipe's student": f"{made.tokens:,} tokens, {duration(made.seconds)}",
        "subset": made.subset,
    }
    return [{"fact": name, "value": value} for name, value in facts.items()]


def reference_scores(runs: Iterable[ReferenceRun]) -> list[dict]:
    """Return a row per task and model of the reference runs, and the paper's figure for that task."""
    return _titled(runs, _scores)


def _scores(run: ReferenceRun) -> list[dict]:
    rows = []
    for texts in (SENTENCES, DOCUMENTS):
        scored = runs_by_task(run.records, texts)
        for task, answers in kept_answers(scored, run.folder).items():
            made = zip(answers, task_rows(task, answers), strict=True)
            rows += [{"task": task} | row | {"the paper": published(task, model)} for model, row in made]
    return rows


def reference_recipes(runs: Iterable[ReferenceRun]) -> list[dict]:
    """Return a row per recipe of the reference runs: its change of the full one's masked accuracy."""
    return _titled(runs, lambda run: change_rows(compared(run.records, folder=run.folder)))


def reference_masks(runs: Iterable[ReferenceRun]) -> list[dict]:
    """Return a row per recipe, score and kind of masks, for the reference runs measured under both kinds."""
    return _titled(runs, lambda run: mask_rows(run.records, folder=run.folder))


def reference_arms(runs: Iterable[ReferenceRun]) -> list[dict]:
    """Return a row per recipe of the reference runs: its change of the full one's score on tasks."""
    return _titled(runs, lambda run: score_change_rows(arm_changes(run.records, run.folder)))


def published(task: str, model: str) -> str | None:
    """Return the paper's figure for a model on a task, as a share; None where it prints none."""
    table = TABLE_1 if task in GLUE else TABLE_2
    figure = table[PUBLISHED[model]].get(task) if model in PUBLISHED else None
    return None if figure is None else f"{PUBLISHED[model]} {figure / 100:.3f}"


def reference_verdicts(run: ReferenceRun) -> list[Judgement]:
    """Return the verdicts on all claims that the run has records for."""
    judged = [judge(claim, run.records, run.folder) for claim in CLAIMS]
    return [one for one in judged if one.value is not None]


def verdicts(judgements: Sequence[Judgement]) -> go.Figure:
    """Draw each judged claim with its interval and its bound, one panel per claim, coloured by the verdict.

    A grey band is the margin that the interval must also exceed, where the claim's rule has one.

    Args:
        judgements: of ``claims.judge``; those without a value are left out.
    """
    judged = [judgement for judgement in judgements if judgement.value is not None]
    panels = max(len(judged), 1)
    titles = [f"{one.claim.title}: {one.verdict}" + (" (in miniature)" if one.in_miniature else "") for one in judged]
    made = subplots(rows=panels, cols=1, subplot_titles=titles, vertical_spacing=0.5 / panels)
    for row, one in enumerate(judged, start=1):
        _panel(made, one, row)
    return dressed(made, "The claims on trial", 100 + 135 * panels, left=30)


def _panel(made: go.Figure, one: Judgement, row: int) -> None:
    unit = UNITS[one.claim.kind]
    assert one.value is not None and one.low is not None and one.high is not None, "only judged claims are drawn"
    numbers = (one.value, one.low, one.high, one.claim.bound, one.margin)
    value, low, high, bound, margin = (number * unit.scale for number in numbers)
    bounded, spot = math.isfinite(low) and math.isfinite(high), {"row": row, "col": 1}
    made.add_scatter(
        x=[value],
        y=[0],
        mode="markers",
        showlegend=False,
        name=one.claim.title,
        marker={"size": 11, "color": VERDICTS[one.verdict]},
        hovertext=one.ours,
        error_x=error_bars([value], [low], [high]) if bounded else None,
        **spot,
    )
    shown = [end for end in (value, low, high, bound - margin, bound + margin) if math.isfinite(end)]
    made.add_vline(x=bound, line_dash="dash", line_color=GREY, line_width=2, opacity=1, **spot)
    if 0 < margin < math.inf:
        band = {"fillcolor": GREY, "opacity": 0.25, "line_width": 0, "layer": "below"}
        made.add_vrect(x0=bound - margin, x1=bound + margin, **band, **spot)
    made.update_yaxes(visible=False, range=[-1, 1], **spot)
    made.update_xaxes(range=padded(shown), ticksuffix=unit.sign, showticksuffix="last", **spot)


def time_spent(rows: Sequence[Mapping]) -> go.Figure:
    """Draw the time of each chapter, one bar per chapter: training and measuring, and the rest.

    Args:
        rows: each with ``label``, and ``training`` and ``rest`` in seconds.
    """
    longest = max((row["training"] + row["rest"] for row in rows), default=0)
    unit, size = ("minutes", 60) if longest >= 180 else ("seconds", 1)
    made = figure("Time of each chapter", unit, "", height=170 + 30 * len(rows))
    for name, part, colour in (("training and measuring", "training", PLAIN[0]), ("the rest", "rest", "#9AA0A6")):
        made.add_bar(
            x=[row[part] / size for row in rows],
            y=[row["label"] for row in rows],
            name=name,
            orientation="h",
            marker_color=colour,
            hovertemplate=Markup(f"%{{y}}: %{{x:.1f}} {unit}<extra>{name}</extra>"),
        )
    made.update_layout(barmode="stack", legend={"y": -0.3, "traceorder": "normal"})
    made.update_xaxes(showgrid=True, gridcolor=GRID)
    made.update_yaxes(autorange="reversed", showgrid=False, automargin=True)
    return made
