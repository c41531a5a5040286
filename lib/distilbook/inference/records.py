"""The records of sizes and times."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from ..core.config import ChapterConfig, short_hash
from ..core.records import Record
from ..core.run_keys import code_hash
from ..stats.intervals import Interval
from .breakdown import LayerTimes
from .lengths import stsb_lengths
from .models import Comparison, Timed, parameters_of_timed
from .protocol import PAIRS
from .timing import Measured, TimingResult

#: Pairs of STS-B's development set: a full pass of Table 3.
FULL_PASS = 1_500
#: The module that takes times: its code is part of what they were made by.


def size_records(pair: Sequence[Timed], config: ChapterConfig, chapter: str) -> list[Record]:
    """Return the parameters of a teacher and a student, without task heads, BERT's pooler counted."""
    made_by = {"config": config.fingerprint(), "code": code_hash("sizes")}
    return [
        Record(
            edition=config.edition,
            chapter=chapter,
            model=timed.name,
            task="size",
            split=role,
            metric="parameters",
            n=1,
            value=parameters_of_timed(timed),
            unit="parameters",
            detail={"role": role},
            **made_by,
        )
        for role, timed in zip(("teacher", "student"), pair, strict=True)
    ]


def timing_records(result: TimingResult, config: ChapterConfig, chapter: str) -> list[Record]:
    """Return, for each measurement, every model's latency and throughput, and the first model's time over the others'.

    The split says device, threads and precision; ``detail`` says attention kernel and compilation.
    """
    shared = {
        "edition": config.edition,
        "chapter": chapter,
        "code": code_hash("timing"),
        "data": short_hash(stsb_lengths()),
    }
    took: dict[str, float] = {}
    for one in result.measured:
        took[one.comparison.name] = took.get(one.comparison.name, 0.0) + sum(start.seconds for start in one.starts)
    return [
        Record(
            task=measured.comparison.name,
            split=measured.split,
            config=ordered_by(config, measured.comparison),
            **shared,
            **values,
        )
        for measured in result.measured
        for values in (*_models(measured), *_ratios(measured, took[measured.comparison.name]))
    ]


def ordered_by(config: ChapterConfig, comparison: Comparison) -> str:
    """Return a hash of all that decides what a comparison measures: its models among it."""
    return short_hash([config.fingerprint(), asdict(comparison)])


def explaining_records(
    layers: LayerTimes, tokenisation: Mapping[str, Interval], config: ChapterConfig, chapter: str
) -> list[Record]:
    """Return what a pair takes with so many layers, each layer, and tokenisation, in milliseconds."""
    found = {f"BERT with {depth} layers": Interval(ms, ms, ms, layers.layer.n, 0.0) for depth, ms in layers.points}
    found |= {"BERT without layers": layers.without, "one layer": layers.layer, **tokenisation}
    return [
        Record(
            edition=config.edition,
            chapter=chapter,
            model=name,
            task="what a sentence pair takes",
            split="cpu, 1 thread",
            metric="fastest_latency",
            value=one.value,
            unit="ms",
            n=one.n,
            config=config.fingerprint(),
            code=code_hash("breakdown"),
            data=short_hash(stsb_lengths()),
            detail=_ends(one),
        )
        for name, one in found.items()
    ]


def _models(measured: Measured) -> list[dict[str, Any]]:
    """Return what is recorded of each model on its own."""
    found = []
    for number, timed in enumerate(measured.comparison.models):
        latency = measured.latency(number)
        values = {"median_latency": (latency.value, "ms", _ends(latency))}
        values["p95_latency"] = (measured.latency_95(number), "ms", {})
        values["throughput"] = (measured.throughput(number), "pairs/s", {})
        if measured.comparison.name.startswith(PAIRS) and measured.device == "cpu":
            whole = measured.full_pass(number, FULL_PASS)
            values["full_pass"] = (whole.value, "s", _ends(whole) | {"pairs": FULL_PASS})
        found += [
            {
                "model": timed.name,
                "metric": metric,
                "value": value,
                "unit": unit,
                "n": latency.n,
                "detail": detail | _how(measured),
            }
            for metric, (value, unit, detail) in values.items()
        ]
    return found


def _ratios(measured: Measured, seconds: float) -> list[dict[str, Any]]:
    """Return the first model's time over each other's, with every start's interval and the noise.

    Args:
        seconds: that the task took, with every number of threads; they stand at the first ratio alone.
    """
    first, *others = measured.comparison.models
    noise = _ends(measured.noise)
    return [
        {
            "model": f"{first.name} over {other.name}",
            "metric": "time_ratio",
            "unit": "1",
            "value": (ratio := measured.ratio(number)).value,
            "n": ratio.n,
            "seconds": seconds if number == 1 else None,
            "detail": _ends(ratio)
            | {"starts": [_ends(start.ratio(number)) for start in measured.starts], "noise": noise}
            | _how(measured),
        }
        for number, other in enumerate(others, start=1)
    ]


def _how(measured: Measured) -> Mapping[str, Any]:
    first = measured.comparison.models[0]
    return {
        "threads": measured.threads,
        "attention": first.attention,
        "precision": first.precision,
        "compiled": first.compiled,
        "share": measured.share,
    }


def _ends(interval: Interval) -> dict[str, float]:
    return {"value": interval.value, "low": interval.low, "high": interval.high}
