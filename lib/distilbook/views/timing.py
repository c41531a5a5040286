"""Rows and sentences of sizes and times.

Figures of times: by length, by depth, and against what the machine could do.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import plotly.graph_objects as go

from ..claims.paper import TABLE_3
from ..core.machine import hardware
from ..core.provenance import versions
from ..core.quantities import RATIO, counted, with_ends
from ..inference.breakdown import LayerTimes, Peaks, cost, independent_of_depth
from ..inference.models import Input, Timed, parameters_of_timed
from ..inference.protocol import (
    KERNEL,
    KERNELS_OF_2019,
    LOADED,
    PADDED,
    PADDED_TO,
    PAIRS,
    TimingConfig,
    elmo_models,
    shape_task,
)
from ..inference.records import FULL_PASS
from ..inference.timing import PERCENTILE, Measured, TimingResult, trust
from ..models.elmo import elmo_parts
from ..stats.intervals import Interval
from .models import coarse, parameters_by_part, part_rows
from .style import COLOURS, ENDS, GREY, MARKERS, PLAIN, error_bars, figure

#: Models of Table 3 by the names under which they are timed.
TABLE_3_NAMES = {
    "bert-base": "BERT-base",
    "distilbert": "DistilBERT",
    "elmo": "ELMo",
    "elmo under GLUE's baseline": "ELMo",
}


def size_rows(config: TimingConfig, own: Sequence[Timed]) -> list[dict]:
    """Return the parameters of every model in millions, with the heads and poolers that are counted or not."""
    from ..models.parameters import empty_model, parameters_of

    teacher, student = config.pair
    whole, half = parameters_of_timed(teacher), parameters_of_timed(student)
    rows = [_size(teacher.name, "pooler", whole), _size(student.name, "", half)]
    if teacher.name in TABLE_3_NAMES:
        pooler = parameters_of(empty_model("BertModel").pooler)
        heads = {name: parameters_of(empty_model(kind)) for name, kind in MASKED_LM.items()}
        rows.insert(1, _size(teacher.name, "neither pooler nor head", whole - pooler, None))
        rows.insert(2, _size(teacher.name, "masked-LM head", heads[teacher.name], None))
        rows.append(_size(student.name, "masked-LM head", heads[student.name], None))
    rows += [_size(one.name, "", parameters_of_timed(one)) for one in elmo_models(config)]
    return rows + [
        _size(f"own: {one.name}", with_what, parameters_of_timed(one), None)
        for one, with_what in zip(own, ("pooler", ""), strict=False)
    ]


MASKED_LM = {"bert-base": "BertForMaskedLM", "distilbert": "DistilBertForMaskedLM"}


def _size(name: str, with_what: str, count: int, paper: str | None = "parameters") -> dict:
    row = TABLE_3.get(TABLE_3_NAMES.get(name, ""), {})
    return {
        "model": name,
        "counted with": with_what,
        "parameters": count,
        "in millions": f"{count / 1e6:.1f}",
        "Table 3": row.get(paper) if paper else None,
    }


def coarse_rows(models: Sequence[Timed]) -> list[dict]:
    """Return the parameters of BERTs and DistilBERTs by coarse part, a column a model."""
    from transformers import AutoConfig

    from ..models.family import families

    parts = {}
    for timed in models:
        config = dict(timed.config)
        kind = config.pop("model_type")
        parts[timed.name] = coarse(
            parameters_by_part(families()[kind].classes["encoder"], AutoConfig.for_model(kind, **config))
        )
    return part_rows(parts)


def how_sentence(config: TimingConfig) -> str:
    """Say with what is timed: machine, library, precision, kernel, compilation."""
    machine, library = hardware(), versions()
    compiled = "compiled by torch.compile" if config.compile else "nothing compiled"
    return (
        f"Timed on {machine['processor']}, {counted(machine['cores'], 'core')}, GPU: {machine['accelerator']}; "
        f"PyTorch {library['torch']}, transformers {library['transformers']}, float32, attention "
        f"{config.attention}, {compiled}."
    )


def elmo_part_rows(config: TimingConfig) -> list[dict]:
    """Return ELMo's parameters by part, as published and under GLUE's baseline."""
    import torch

    from ..inference.models import model_of

    with torch.device("meta"):
        alone, under = (elmo_parts(model_of(timed)) for timed in elmo_models(config))
    rows = [{"part": part, "ELMo": alone.get(part, 0), "under GLUE's baseline": count} for part, count in under.items()]
    return [*rows, {"part": "together", "ELMo": sum(alone.values()), "under GLUE's baseline": sum(under.values())}]


def table_3_rows(pairs: Sequence[Measured], elmo: Measured) -> list[dict]:
    """Return Table 3 again: a full pass of every model, and BERT's time over the model's, beside the paper's."""
    rows = []
    bert_seconds = TABLE_3["BERT-base"]["seconds"]
    for measured in (*pairs, elmo):
        for number, timed in enumerate(measured.comparison.models):
            if measured is elmo and number == 0:
                continue
            whole = measured.full_pass(number, FULL_PASS)
            paper = TABLE_3.get(TABLE_3_NAMES.get(timed.name, ""), {})
            rows.append(
                {
                    "model": timed.name,
                    "on": measured.split,
                    f"{FULL_PASS:,} pairs, seconds [95% interval]": with_ends(*_three(whole), 0.0, RATIO),
                    "Table 3, seconds": paper.get("seconds"),
                    "BERT's time over it": _ratio(measured, number) if number else "1",
                    "Table 3's": f"{bert_seconds / paper['seconds']:.2f}" if paper else None,
                    "pairs timed": whole.n,
                    "starts": len(measured.starts),
                }
            )
    return rows


def shape_rows(measured: Sequence[Measured], memory: Mapping[tuple[str, Input], int] | None = None) -> list[dict]:
    """Return a row for each batch size or length.

    Args:
        memory: of :func:`distilbook.inference.memory.memory_taken`; None leaves the columns out.
    """
    rows = []
    for one in measured:
        given = one.comparison.inputs[0]
        for number, timed in enumerate(one.comparison.models):
            row = {"batch": given.batch, "word pieces": given.tokens} | _row(one, number)
            rows.append(row | ({"MB": round(memory[timed.key, given] / 1e6)} if memory else {}))
    return rows


def thread_rows(measured: Sequence[Measured]) -> list[dict]:
    """Return a row for each model and number of threads."""
    return [
        _row(one, number) | {"pairs": len(one.comparison.inputs), "starts": len(one.starts)}
        for one in measured
        for number in range(len(one.comparison.models))
    ]


def _row(one: Measured, number: int) -> dict:
    """Return where a model was timed, its latency and throughput, and the first model's time over its own."""
    return {
        "on": one.split,
        "model": one.comparison.models[number].name,
        "median ms": one.latency(number).value,
        f"{PERCENTILE}% below": one.latency_95(number),
        "pairs/s": one.throughput(number),
        "teacher's time over it [95% interval]": _ratio(one, number) if number else None,
    }


def start_rows(measured: Sequence[Measured]) -> list[dict]:
    """Return the intervals of every process start: teacher over student, and the teacher over itself."""
    return [
        {"label": f"{name}, {one.split}, start {number}", "value": found.value, "low": found.low, "high": found.high}
        for one in measured
        for number, start in enumerate(one.starts, start=1)
        for name, found in (("teacher / student", start.ratio(1)), ("teacher / teacher", start.self_ratio))
    ]


def why_rows(result: TimingResult) -> list[dict]:
    """Return a row for each thing that could have made the paper's ratio another one."""
    tried = {
        PAIRS: "nothing changed",
        KERNEL: "attention in one kernel (SDPA)",
        KERNELS_OF_2019: "kernels of 2019: without oneDNN, GELU in steps",
        PADDED: f"every pair padded to {PADDED_TO} positions",
        LOADED: "other work on every core",
    }
    return [
        {
            "tried": words,
            "on": one.split,
            "teacher / student [95% interval]": _ratio(one, 1),
            "teacher / teacher": _interval(one.noise),
            "pairs": len(one.comparison.inputs),
        }
        for task, words in tried.items()
        for one in result.of(task)
    ]


def fixed_rows(layers: LayerTimes, tokenisation: Mapping[str, Interval]) -> list[dict]:
    """Return what of a pair's time does not depend on depth here, beside what it would take in the paper."""
    teacher, student = (TABLE_3[name]["seconds"] for name in ("BERT-base", "DistilBERT"))
    paper = independent_of_depth(teacher, student)
    wanted = f"{1e3 * paper / FULL_PASS:.0f}, {paper / teacher:.0%} of BERT's time"
    rows = {
        "embeddings and pooler: BERT without layers": layers.without,
        "where the line through more and fewer layers begins": layers.fixed,
        **{f"tokenisation: {name}": found for name, found in tokenisation.items()},
    }
    return [
        *({"what": what, "milliseconds a pair [95% interval]": _interval(found)} for what, found in rows.items()),
        {"what": "one layer", "milliseconds a pair [95% interval]": _interval(layers.layer)},
        {
            "what": f"for Table 3's ratio, of its {teacher:g} and {student:g} s",
            "milliseconds a pair [95% interval]": wanted,
        },
    ]


def fixed_sentence(layers: LayerTimes, tokenisation: Mapping[str, Interval], ratio: float) -> str:
    """Say what the parts found here can and cannot make of the ratio."""
    teacher, student = (TABLE_3[name]["seconds"] for name in ("BERT-base", "DistilBERT"))
    whole = layers.points[-1][1]
    slowest = max(tokenisation.values(), key=lambda found: found.value, default=Interval(0.0, 0.0, 0.0, 0, 0.95))
    fixed = layers.without.value + slowest.value
    share = fixed / (whole + slowest.value)
    wanted = independent_of_depth(teacher, student) / teacher
    half = (whole + layers.without.value) / 2
    with_all = (whole + slowest.value) / (half + slowest.value)
    told = (
        f"What does not depend on depth is {share:.1%} of BERT's time here, tokenisation in Python counted; the "
        f"paper's two times would need {wanted:.1%}. With it the ratio would be {with_all:.2f}; without, {ratio:.2f} "
        f"was measured, and the paper's is {teacher / student:.2f}."
    )
    if share < wanted / 2:
        told += (
            " None of the parts that can be tried here is large enough to explain the difference. What cannot be "
            "tried is the software of 2019 and what else its script did for each pair."
        )
    return told


def width_rows(measured: Measured) -> list[dict]:
    """Return the students of equal parameters by depth: how much less time than the teacher's each takes."""
    teacher, *students = measured.comparison.models
    shapes = [(given.batch, given.tokens) for given in measured.comparison.inputs]
    operations = lambda timed: sum(cost(timed.config, *shape).operations for shape in shapes)
    return [
        {
            "student": timed.name,
            "parameters": parameters_of_timed(timed),
            "teacher / student in time [95% interval]": _ratio(measured, number),
            "in operations": f"{operations(teacher) / operations(timed):.2f}",
            "median ms": measured.latency(number).value,
            "pairs": len(shapes),
        }
        for number, timed in enumerate(students, start=1)
    ]


def trust_sentences(result: TimingResult, tasks: Sequence[str]) -> list[str]:
    """Say of each measurement of ``tasks`` how far it can be trusted."""
    return [f"{one.title}. {trust(one)}" for task in tasks for one in result.of(task)]


def shapes_of(result: TimingResult, shapes: Sequence[tuple[int, int]]) -> list[Measured]:
    """Return what was measured of inputs of these shapes, (batch, word pieces), on a CPU."""
    return [one for shape in shapes for one in result.of(shape_task(*shape)) if one.device == "cpu"]


def accelerated(result: TimingResult) -> list[Measured]:
    """Return what was measured on a GPU; nothing where there is none."""
    return [one for one in result.measured if one.device != "cpu"]


def _ratio(measured: Measured, number: int) -> str:
    return _interval(measured.ratio(number))


def _interval(found: Interval) -> str:
    return with_ends(*_three(found), 1.0, RATIO)


def _three(found: Interval) -> tuple[float, float, float]:
    return found.value, found.low, found.high


def paired_times(measured: Measured) -> go.Figure:
    """Draw the fastest pass of each sentence pair of the first process start by its length, a colour a model."""
    made = figure("Time a sentence pair takes", "word pieces", "milliseconds")
    lengths = [given.tokens for given in measured.comparison.inputs]
    for number, (role, colour) in enumerate((("teacher", "teacher"), ("student", "full"))):
        name = measured.comparison.models[number].name
        made.add_scatter(
            x=lengths,
            y=measured.starts[0].fastest(number),
            mode="markers",
            name=f"{role}: {name}",
            marker={"color": COLOURS[colour], "symbol": MARKERS[colour], "size": 8, "opacity": 0.8},
        )
    made.update_yaxes(rangemode="tozero")
    return made


def ratios_by_shape(measured: Sequence[Measured], by: str, paper: float) -> go.Figure:
    """Draw the ratio of times with its interval by batch size or length.

    Args:
        measured: inputs of one shape each.
        by: ``batch`` or ``word pieces``.
        paper: the ratio of Table 3, a dashed line.
    """
    made = figure(f"How many times as long the teacher takes, by {by}", by, "teacher / student")
    shape = {"batch": lambda given: given.batch, "word pieces": lambda given: given.tokens}[by]
    ratios = [one.ratio(1) for one in measured]
    made.add_scatter(
        x=[str(shape(one.comparison.inputs[0])) for one in measured],
        y=[ratio.value for ratio in ratios],
        mode="markers",
        showlegend=False,
        marker={"size": 11, "color": COLOURS["full"]},
        error_y=error_bars(*([getattr(ratio, end) for ratio in ratios] for end in ENDS)),
    )
    for level, words in ((2.0, "half the layers"), (paper, "Table 3")):
        made.add_hline(y=level, line_dash="dash", line_color=GREY, annotation={"text": words, "font_color": GREY})
    made.update_xaxes(type="category")
    made.update_yaxes(range=[min(1.4, paper - 0.1), max(2.3, *(ratio.high + 0.1 for ratio in ratios))])
    return made


def layer_line(layers: LayerTimes, share: float) -> go.Figure:
    """Draw times by depth with the line through them, and the line that the paper's two times would take.

    Args:
        share: how much of the deepest network's time would have to be there without layers, for Table 3's ratio.
    """
    made = figure("Time by depth", "layers", "milliseconds a pair")
    depths, times = zip(*layers.points, strict=True)
    ends = [0, max(depths)]
    made.add_scatter(
        x=ends,
        y=[layers.fixed.value + depth * layers.layer.value for depth in ends],
        mode="lines",
        name="the line through them",
        line={"color": COLOURS["teacher"]},
    )
    whole = times[-1]
    made.add_scatter(
        x=ends,
        y=[share * whole, whole],
        mode="lines",
        name="what Table 3's ratio takes",
        line={"color": GREY, "dash": "dash"},
    )
    made.add_scatter(
        x=list(depths),
        y=list(times),
        mode="markers",
        name="BERT with so many layers",
        marker={"color": COLOURS["teacher"], "symbol": MARKERS["teacher"], "size": 12},
    )
    made.update_yaxes(rangemode="tozero")
    return made


def roofline(points: Sequence[Mapping], peaks: Peaks) -> go.Figure:
    """Draw operations a second by operations a byte under the machine's roof, a colour a model (Williams et al. 2009).

    Args:
        points: of :func:`distilbook.inference.breakdown.roofline_points`.
    """
    made = figure(
        "What the passes do, and what the machine could do", "operations a byte", "billion operations a second", 440
    )
    most = max(point["operations a byte"] for point in points)
    least = min(point["operations a byte"] for point in points)
    span = np.geomspace(min(least, peaks.operations / peaks.bytes) / 2, 2 * most, 60)
    made.add_scatter(
        x=span,
        y=[peaks.bound(one) / 1e9 for one in span],
        mode="lines",
        name="the machine's roof",
        line={"color": GREY, "width": 3},
    )
    symbols = {True: "circle", False: "square-open"}
    for number, model in enumerate(dict.fromkeys(point["model"] for point in points)):
        own = [point for point in points if point["model"] == model]
        made.add_scatter(
            x=[point["operations a byte"] for point in own],
            y=[point["operations a second"] / 1e9 for point in own],
            mode="markers",
            name=model,
            hovertext=[f"batch {point['batch']}, {point['word pieces']} word pieces" for point in own],
            marker={"color": [COLOURS["teacher"], COLOURS["full"], *PLAIN][number], "size": 10}
            | {"symbol": [symbols[point["batch"] == 1] for point in own]},
        )
    made.update_xaxes(type="log")
    made.update_yaxes(type="log")
    return made
