"""Figures, rows and sentences about training runs: loss terms, learning curves, held-out scores."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from statistics import median

import plotly.graph_objects as go

from ..core.quantities import SHARE
from ..pretraining.config import PretrainRun
from ..pretraining.measures import MEASURES
from ..stats.intervals import Interval, median_and_range
from .style import COLOURS, GREY, PLAIN, dressed, error_bars, figure, label, look, subplots
from .templates import Template

#: The terms of the training loss.
LOSS_TERMS = {
    "distillation_loss": "distillation loss (nat)",
    "masked_lm_loss": "masked-LM loss (nat)",
    "cosine_loss": "cosine loss",
}
TEACHER_SCORE = Template(
    "The teacher guesses {guessed} of the masked tokens ({level:whole percent} interval over blocks, n = {n:count}), "
    "with a perplexity of {perplexity:short}. The best constant guess would give {constant:percent}, {against}."
)
PROJECTED_POSITIONS = Template(
    "This edition takes the distillation loss at {here}, each projected onto {vocabulary:count} tokens in both "
    "networks; {there}."
)
EVERY_POSITION = Template("every position, {positions:count} in a step")
MASKED_POSITIONS = Template("the masked positions, about {masked:count} in a step")
OF_EVERY = Template("every position would be {positions:count}, {ratio:short} times as many")
OF_MASKED = Template("the masked positions would be about {masked:count}, a factor of {ratio:short} fewer")
FINAL_ACCURACY = Template(
    "Over {seeds:count of seed} the student ends at a masked accuracy of {median:percent} (from {low:percent} to "
    "{high:percent}, n = {positions:count} positions), {side} the teacher's {teacher:percent}."
)
COURSE = Template(
    "On the blocks measured during training the {what} {way}: from {first} before training to {last} at its end "
    "(medians, {seeds:count of seed})."
)


def held_out_curves(run: PretrainRun) -> list[dict]:
    """Return the held-out measurements of ``run``, each with the tokens ``seen`` until then."""
    from ..training.log import read_curves

    tokens_a_step = run.tokens / run.config.steps
    return [line | {"seen": line["step"] * tokens_a_step} for line in read_curves(run.folder)[1]]


def learning_curves(
    curves: Mapping[str, Sequence[Sequence[Mapping]]], metric: str, y: str, title: str, reference: float | None = None
) -> go.Figure:
    """Draw a metric over training, one line per seed, one colour per recipe.

    Args:
        curves: for each recipe, one list of measurements per seed; each has ``seen`` (tokens) and ``metric``.
        reference: the teacher's value, a dashed line.
    """
    made = figure(title, "training tokens seen", y)
    for place, (recipe, seeds) in enumerate(curves.items()):
        colour, marker, dash, name = look(recipe, place)
        for number, lines in enumerate(seeds):
            made.add_scatter(
                x=[line["seen"] for line in lines],
                y=[line[metric] for line in lines],
                mode="lines+markers",
                name=name,
                legendgroup=recipe,
                showlegend=number == 0,
                opacity=0.9,
                line={"color": colour, "dash": dash},
                marker={"symbol": marker, "size": 7},
            )
    if reference is not None:
        colour = COLOURS["teacher"]
        line = {"line_dash": "longdash", "line_color": colour, "line_width": 2, "opacity": 1}
        made.add_hline(y=reference, annotation={"text": "teacher", "font_color": colour}, **line)
    return made


def loss_terms(seeds: Sequence[Sequence[Mapping]], terms: Mapping[str, str] = LOSS_TERMS) -> go.Figure:
    """Draw each term of the loss over the optimiser's steps, one panel per term that the runs have.

    Args:
        seeds: for each seed the training lines of its metrics file.
        terms: the terms' labels, by their names in the file.
    """
    there = [term for term in terms if term in seeds[0][0]]
    made = subplots(rows=1, cols=len(there), subplot_titles=[*map(terms.get, there)], horizontal_spacing=0.08)
    for column, term in enumerate(there, start=1):
        for number, lines in enumerate(seeds):
            made.add_scatter(
                x=[line["step"] for line in lines],
                y=[line[term] for line in lines],
                mode="lines",
                row=1,
                col=column,
                line={"color": PLAIN[column - 1], "width": 1.6, "dash": "solid" if number == 0 else "dot"},
                showlegend=False,
                name=f"seed {number}",
            )
        made.update_xaxes(title_text="optimiser step", row=1, col=column)
    return dressed(made, "", 320, left=50, top=50)


def intervals(rows: Sequence[Mapping], x: str, title: str, reference: float, reference_text: str) -> go.Figure:
    """Draw estimates with their intervals and a reference value.

    Args:
        rows: each with ``label``, ``value``, ``low`` and ``high``.
    """
    made = figure(title, x, "", height=150 + 46 * len(rows))
    values, lows, highs = ([row[end] for row in rows] for end in ("value", "low", "high"))
    names, marker = [row["label"] for row in rows], {"size": 11, "color": COLOURS["full"]}
    bars = error_bars(values, lows, highs)
    made.add_scatter(x=values, y=names, mode="markers", showlegend=False, marker=marker, error_x=bars)
    text = {"text": reference_text, "font_color": GREY, "yref": "paper", "y": 1.08}
    made.add_vline(x=reference, line_dash="dash", line_color=GREY, line_width=2, opacity=1, annotation=text)
    made.update_yaxes(autorange="reversed")
    return made


def run_rows(runs: Mapping[str, Sequence[PretrainRun]]) -> list[dict]:
    """Return a row per run: its recipe and seed, its held-out scores, its tokens, seconds and cores."""
    return [
        {"recipe": label(recipe), "seed": run.seed}
        | {measure.label: run.scores[metric] for metric, measure in MEASURES.items()}
        | {"tokens": run.tokens, "seconds": run.seconds, "cores": run.cores}
        for recipe, some in runs.items()
        for run in some
    ]


def teacher_score(accuracy: Interval, perplexity: float, best_constant: float) -> str:
    """Return the teacher's masked accuracy, and whether it exceeds that of the best constant guess."""
    outside = "which is less" if accuracy.low > best_constant else "which is more"
    inside = accuracy.low <= best_constant <= accuracy.high
    against = "a value inside the interval" if inside else outside
    return TEACHER_SCORE.filled(
        guessed=accuracy.text(SHARE, best_constant),
        level=accuracy.level,
        n=accuracy.n,
        perplexity=perplexity,
        constant=best_constant,
        against=against,
    )


def projected_positions(where: str, positions: int, share: float, vocabulary: int) -> str:
    """Return the positions of an optimiser step that both networks project onto the vocabulary.

    Args:
        where: the recipe's ``distilled_positions``, ``all`` or ``masked``.
        positions: tokens in a step; share: masked share of them.
    """
    here, there = (EVERY_POSITION, OF_MASKED) if where == "all" else (MASKED_POSITIONS, OF_EVERY)
    numbers = {"positions": positions, "masked": round(share * positions), "ratio": 1 / share}
    return PROJECTED_POSITIONS.filled(here=here.filled(**numbers), there=there.filled(**numbers), vocabulary=vocabulary)


def final_accuracy(seeds: Sequence[float], teacher: float, positions: int) -> str:
    """Return the students' final masked accuracy, and whether all are on one side of the teacher's."""
    summary = median_and_range(seeds)
    equal = "equal to" if summary.low == summary.high else "a range that includes"
    side = "below" if summary.high < teacher else "above" if summary.low > teacher else equal
    ends = {"median": summary.median, "low": summary.low, "high": summary.high}
    return FINAL_ACCURACY.filled(seeds=summary.n, **ends, positions=positions, side=side, teacher=teacher)


def course(what: str, curves: Sequence[Sequence[Mapping]], metric: str, form: Callable[[float], str]) -> str:
    """Return whether ``metric`` rises or falls on every seed, from before training to its end.

    Args:
        curves: for each seed its held-out measurements, the first of them before training.
        form: the notation of a value, such as :func:`.core.quantities.percent`.
    """
    first, last = ([lines[place][metric] for lines in curves] for place in (0, -1))
    ways = {"rises" if b > a else "falls" if b < a else "is unchanged" for a, b in zip(first, last, strict=True)}
    way = "changes in different directions over the seeds" if len(ways) > 1 else f"{ways.pop()} on every seed"
    return COURSE.filled(what=what, way=way, first=form(median(first)), last=form(median(last)), seeds=len(curves))
