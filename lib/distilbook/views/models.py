"""Figures, rows and sentences about the networks: layers, parameters, softened probabilities, gradients."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

from ..core.markup import Markup, for_figure
from .style import COLOURS, PLAIN, figure
from .templates import Template

#: The coarse parts of a network, by a word in the names of its fine ones.
COARSE = {"embeddings": "embedding", "attention": "attention", "feed-forward": "feed-forward"}
#: The coarse part of all other fine parts.
REST = "pooler and heads"

ALL_EQUAL = Template("All of {modules:count of copied module} equal their source, exactly.")
SOME_EQUAL = Template("Of {modules:count of copied module} only {equal} equal their source, exactly.")
PUBLISHED_SIZES = Template(
    "From {whole:count} to {smaller:count} parameters: {saving:percent} smaller. Of BERT-base {share:percent} are "
    "embeddings, and DistilBERT saves {saved:count} of these {embeddings:count}; the rest of the saving, {rest:count}, "
    "comes from layers and pooler."
)
OWN_SIZES = Template(
    "Here the student is {ours:percent} smaller, {how} the published pair's {papers:percent}. Embeddings are "
    "{here:percent} of this teacher's parameters and {there:percent} of BERT-base's."
)
GRADIENT_SIZES = Template(
    "Between T = {low:general} and T = {high:general} the largest norm is {scaled:short} times the smallest with the "
    "factor T² and {plain:short} times without it: with the factor it changes {how} without."
)
AGREE = Template("Library and formula agree to within {tolerance:general} for {names}.")
DISAGREE = Template("Library and formula differ by more than {tolerance:general} for {names}.")


def softened(logits: np.ndarray, words: Sequence[str], temperatures: Sequence[float], chosen: float) -> go.Figure:
    """Draw a distribution at several temperatures, with a slider.

    Args:
        logits: (words,) of the words shown; the distribution is over these alone.
        chosen: the temperature the slider starts at, one of ``temperatures``.
    """
    made = figure("The same logits at different temperatures", "", "probability among these words")
    for temperature in temperatures:
        scaled = np.exp((logits - logits.max()) / temperature)
        made.add_bar(
            x=list(words),
            y=scaled / scaled.sum(),
            marker_color=COLOURS["teacher"],
            visible=temperature == chosen,
            name=f"T = {temperature:g}",
            showlegend=False,
        )
    steps = [
        {"label": f"{one:g}", "method": "update", "args": [{"visible": [t == one for t in temperatures]}]}
        for one in temperatures
    ]
    slider = {"steps": steps, "active": list(temperatures).index(chosen), "pad": {"t": 45}}
    made.update_layout(sliders=[slider | {"currentvalue": {"prefix": "temperature "}}])
    made.update_yaxes(range=[0, 1], tickformat=".0%")
    return made


def gradient_norms(temperatures: Sequence[float], plain: Sequence[float], scaled: Sequence[float]) -> go.Figure:
    """Draw the norm of the distillation loss's gradient over the temperature, with and without the factor T squared."""
    made = figure("Gradient norm of the distillation loss", "temperature (log)", "gradient norm (log)")
    made.add_scatter(x=list(temperatures), y=list(scaled), name="with T²", line_color=PLAIN[0])
    made.add_scatter(x=list(temperatures), y=list(plain), name="without", line={"color": PLAIN[1], "dash": "dash"})
    made.update_xaxes(type="log")
    made.update_yaxes(type="log")
    return made


def layer_map(layers: Sequence[int], depth: int) -> go.Figure:
    """Draw which of the teacher's ``depth`` layers the student copies."""
    made = figure("Which layers are copied", "", "layer (from 0)", height=160 + 32 * depth)
    copied = set(layers)
    line = {"color": "rgba(128,128,128,0.7)", "width": 2}
    for place, layer in enumerate(layers):
        ends = [layer, place]
        made.add_scatter(x=[0.08, 0.92], y=ends, mode="lines", line=line, showlegend=False, hoverinfo="skip")
    _boxes(made, 0, range(depth), lambda layer: COLOURS["teacher"] if layer in copied else "rgba(128,128,128,0.35)")
    _boxes(made, 1, range(len(layers)), lambda _: COLOURS["full"])
    made.update_xaxes(tickvals=[0, 1], ticktext=["teacher", "student"], range=[-0.3, 1.3])
    made.update_yaxes(dtick=1, showgrid=False, range=[-0.7, depth - 0.3])
    return made


def _boxes(made: go.Figure, x: float, layers: Sequence[int], colour: Callable[[int], str]) -> None:
    made.add_scatter(
        x=[x] * len(layers),
        y=list(layers),
        mode="markers",
        showlegend=False,
        marker={"symbol": "square", "size": 22, "color": [colour(layer) for layer in layers]},
        hovertemplate=Markup("layer %{y}<extra></extra>"),
    )


def parameters_by_part(model: Any, pooler: bool = True) -> dict[str, int]:
    """Return the parameters of a model summed over its layers part by part.

    Args:
        model: a class by name, such as ``BertModel``, with the published dimensions; or a configuration of
            ``transformers``, for its encoder without a head.
        pooler: whether to count the pooler, where there is one.
    """
    from ..models.family import family_of
    from ..models.parameters import parameter_table

    kind, config = model, None
    names: Mapping[str, str] = {}
    if not isinstance(model, str):
        family, config = family_of(model), model
        kind, names = family.classes["encoder"], family.dimensions
    parts: dict[str, int] = {}
    for row in parameter_table(kind, **{name: getattr(config, theirs) for name, theirs in names.items()}):
        name = row.part if row.layer is None else f"{row.part} (all layers)"
        parts[name] = parts.get(name, 0) + row.count
    return parts if pooler else {name: count for name, count in parts.items() if name != "pooler"}


def part_rows(models: Mapping[str, Mapping[str, int]]) -> list[dict]:
    """Return a row for each part of any of the ``models``, and one with their sums."""
    parts = list(dict.fromkeys(part for counts in models.values() for part in counts))
    rows = [{"part": part} | {name: counts.get(part, 0) for name, counts in models.items()} for part in parts]
    return [*rows, {"part": "together"} | {name: sum(counts.values()) for name, counts in models.items()}]


def coarse(counts: Mapping[str, int]) -> dict[str, int]:
    """Return the parameters by coarse part, each with its LayerNorm."""
    groups = dict.fromkeys((*COARSE, REST), 0)
    for part, count in counts.items():
        groups[next((group for group, word in COARSE.items() if word in part), REST)] += count
    return groups


def parameter_bars(tables: Mapping[str, Mapping[str, int]]) -> go.Figure:
    """Draw the parameters of each model, stacked by part; ``tables`` has the parameters by model and part."""
    parts = list(dict.fromkeys(part for table in tables.values() for part in table))
    made = figure("Parameters by part", "millions of parameters", "", height=190 + 60 * len(tables))
    for number, part in enumerate(parts):
        made.add_bar(
            y=list(tables),
            x=[table.get(part, 0) / 1e6 for table in tables.values()],
            name=part,
            orientation="h",
            marker_color=PLAIN[number % len(PLAIN)],
            hovertemplate=Markup(f"%{{y}}: %{{x:.2f}} M<extra>{for_figure(part)}</extra>"),
        )
    made.update_layout(barmode="stack", legend={"y": -0.4, "traceorder": "normal"})
    made.update_yaxes(showgrid=False, autorange="reversed")
    return made


def copies(same: Sequence[bool]) -> str:
    """Return the number of copied modules that equal their source."""
    return (ALL_EQUAL if all(same) else SOME_EQUAL).filled(modules=len(same), equal=sum(same))


def published_sizes(teacher: Mapping[str, int], student: Mapping[str, int]) -> str:
    """Return how much smaller DistilBERT is than BERT-base, and the embeddings' share of the saving.

    Args:
        teacher, student: parameters by part.
    """
    whole, smaller = sum(teacher.values()), sum(student.values())
    before, after = coarse(teacher)["embeddings"], coarse(student)["embeddings"]
    shares = {"saving": 1 - smaller / whole, "share": before / whole}
    saved = {"saved": before - after, "embeddings": before, "rest": whole - smaller - (before - after)}
    return PUBLISHED_SIZES.filled(whole=whole, smaller=smaller, **shares, **saved)


def own_sizes(own: Sequence[Mapping[str, int]], published: Sequence[Mapping[str, int]]) -> str:
    """Return how much smaller this edition's student is, compared with the published pair.

    Args:
        own, published: of teacher and student the parameters by part.
    """
    pairs = own, published
    ours, papers = (round(1 - sum(student.values()) / sum(teacher.values()), 3) for teacher, student in pairs)
    here, there = (coarse(teacher)["embeddings"] / sum(teacher.values()) for teacher, _ in pairs)
    how = "less than" if ours < papers else "more than" if ours > papers else "as much as"
    return OWN_SIZES.filled(ours=ours, how=how, papers=papers, here=here, there=there)


def gradient_sizes(temperatures: Sequence[float], plain: Sequence[float], scaled: Sequence[float]) -> str:
    """Return by what factor the gradient's norm changes over ``temperatures``, with and without the factor T squared."""
    without, with_square = (max(norms) / min(norms) for norms in (plain, scaled))
    how = "less than" if with_square < without else "no less than"
    low, high = temperatures[0], temperatures[-1]
    return GRADIENT_SIZES.filled(low=low, high=high, scaled=with_square, plain=without, how=how)


def agreement(differences: Mapping[str, float], tolerance: float = 1e-9) -> str:
    """Return whether library and formula agree, from their absolute ``differences`` by name."""
    apart = [name for name, difference in differences.items() if not difference <= tolerance]
    template = DISAGREE if apart else AGREE
    return template.filled(tolerance=tolerance, names=", ".join(apart or differences))
