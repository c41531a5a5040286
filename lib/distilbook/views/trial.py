"""Reference runs beside the paper: where they come from, and what their models scored.

The figure of the trial: each claim's interval, the bound that decides, and the noise around it.

The figure of what an edition took.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence

import plotly.graph_objects as go

from ..claims import CLAIMS, Judgement, judge
from ..claims.ablation import compared
from ..claims.finding import UNITS
from ..claims.paper import GLUE, TABLE_1, TABLE_2
from ..claims.reference import ReferenceRun
from ..claims.task_scores import arm_changes, kept_answers, runs_by_task
from ..core.markup import Markup
from ..core.progress import duration
from ..core.records import DOCUMENTS, SENTENCES
from .choices import change_rows, mask_rows
from .rows import arm_change_rows, task_rows
from .style import GREY, PLAIN, VERDICTS, dressed, error_bars, figure, padded, subplots

#: The models whose figures the paper prints, and what it calls them.
PUBLISHED = {"teacher": "BERT-base", "full": "DistilBERT"}


def reference_rows(runs: Iterable[ReferenceRun]) -> list[dict]:
    """Return a row a fact about each reference run: on what and by what it was made, and what was a subset."""
    return _titled(runs, _facts)


def _titled(runs: Iterable[ReferenceRun], rows: Callable[[ReferenceRun], list[dict]]) -> list[dict]:
    """Return the ``rows`` of all runs, each with its run's title before it."""
    return [{"reference run": run.provenance.title} | row for run in runs for row in rows(run)]


def _facts(run: ReferenceRun) -> list[dict[str, str]]:
    made = run.provenance
    facts = {
        "edition": made.edition,
        "when": made.when,
        "machine": made.machine,
        "text": made.text,
        "pre-training of the full recipe's student": f"{made.tokens:,} word pieces, {duration(made.seconds)}",
        "what was a subset": made.subset,
    }
    return [{"what": name, "how": value} for name, value in facts.items()]


def reference_scores(runs: Iterable[ReferenceRun]) -> list[dict]:
    """Return a row for each task and model of the reference runs, with the paper's figure for that task beside it."""
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
    """Return a row for each recipe of the reference runs: its change of the full one's masked accuracy."""
    return _titled(runs, lambda run: change_rows(compared(run.records, folder=run.folder)))


def reference_masks(runs: Iterable[ReferenceRun]) -> list[dict]:
    """Return, of the reference runs that were measured under both kinds of masks, a row for each of either."""
    return _titled(runs, lambda run: mask_rows(run.records, folder=run.folder))


def reference_arms(runs: Iterable[ReferenceRun]) -> list[dict]:
    """Return a row for each recipe of the reference runs: its change of the full one's score on tasks."""
    return _titled(runs, lambda run: arm_change_rows(arm_changes(run.records, run.folder)))


def published(task: str, model: str) -> str | None:
    """Return what the paper prints for a model on a task, as a share like ours; None where it prints nothing."""
    table = TABLE_1 if task in GLUE else TABLE_2
    figure = table[PUBLISHED[model]].get(task) if model in PUBLISHED else None
    return None if figure is None else f"{PUBLISHED[model]} {figure / 100:.3f}"


def reference_verdicts(run: ReferenceRun) -> list[Judgement]:
    """Return the verdicts on all claims that the run has records for."""
    judged = [judge(claim, run.records, run.folder) for claim in CLAIMS]
    return [one for one in judged if one.value is not None]


def verdicts(judgements: Sequence[Judgement]) -> go.Figure:
    """Draw each judged claim with its interval and its bound, a panel a claim, coloured by the verdict.

    A grey band is the noise that the interval must also lie beyond, where the claim's rule has one.

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
    value, low, high, bound, margin = (
        number * unit.scale for number in (one.value, one.low, one.high, one.claim.bound, one.margin)
    )
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


#: From so many seconds of the longest chapter on, the axis is in minutes.
IN_MINUTES = 180
#: What is neither training nor measuring, in a grey that both themes show.
REST = "#9AA0A6"


def time_spent(rows: Sequence[Mapping]) -> go.Figure:
    """Draw what each chapter took, a bar a chapter: training and measuring, and the rest.

    Args:
        rows: each with ``label``, and ``training`` and ``rest`` in seconds.
    """
    longest = max((row["training"] + row["rest"] for row in rows), default=0)
    unit, size = ("minutes", 60) if longest >= IN_MINUTES else ("seconds", 1)
    made = figure("What each chapter took", unit, "", height=170 + 30 * len(rows))
    for name, part, colour in (("training and measuring", "training", PLAIN[0]), ("the rest", "rest", REST)):
        made.add_bar(
            x=[row[part] / size for row in rows],
            y=[row["label"] for row in rows],
            name=name,
            orientation="h",
            marker_color=colour,
            hovertemplate=Markup(f"%{{y}}: %{{x:.1f}} {unit}<extra>{name}</extra>"),
        )
    made.update_layout(barmode="stack", legend={"y": -0.3, "traceorder": "normal"})
    made.update_xaxes(showgrid=True, gridcolor="rgba(128,128,128,0.25)")
    made.update_yaxes(autorange="reversed", showgrid=False, automargin=True)
    return made
