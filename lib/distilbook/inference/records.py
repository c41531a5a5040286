"""Records of sizes and times."""

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
from .timing import Measured, TimingResult

#: Pairs of STS-B's development set: a full pass of Table 3.
FULL_PASS = 1_500


def size_records(pair: Sequence[Timed], config: ChapterConfig, chapter: str) -> list[Record]:
    """Return the parameters of a teacher and a student, without task heads, with BERT's pooler."""
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
            config=config.fingerprint(),
            code=code_hash("sizes"),
            detail={"role": role},
        )
        for role, timed in zip(("teacher", "student"), pair, strict=True)
    ]


def timing_records(result: TimingResult, config: ChapterConfig, chapter: str) -> list[Record]:
    """Return every model's latency and throughput and the first model's time over each other's.

    The split has device, threads and precision; ``detail`` has attention kernel and compilation.
    """
    seconds: dict[str, float] = {}
    for one in result.measured:
        seconds[one.comparison.name] = seconds.get(one.comparison.name, 0.0) + sum(s.seconds for s in one.starts)
    return [
        Record(
            edition=config.edition,
            chapter=chapter,
            task=measured.comparison.name,
            split=measured.split,
            config=ordered_by(config, measured.comparison),
            code=code_hash("timing"),
            data=short_hash(stsb_lengths()),
            **values,
        )
        for measured in result.measured
        for values in (*_model_values(measured), *_ratio_values(measured, seconds[measured.comparison.name]))
    ]


def ordered_by(config: ChapterConfig, comparison: Comparison) -> str:
    """Return a hash of the parameters and of the comparison, models and inputs included."""
    return short_hash([config.fingerprint(), asdict(comparison)])


def explaining_records(
    layers: LayerTimes, tokenisation: Mapping[str, Interval], config: ChapterConfig, chapter: str
) -> list[Record]:
    """Return a pair's milliseconds by depth, in each layer, and in tokenisation."""
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


def _model_values(measured: Measured) -> list[dict[str, Any]]:
    """Return the values recorded of each model on its own."""
    found = []
    for number, timed in enumerate(measured.comparison.models):
        latency = measured.latency(number)
        values: list[tuple[str, float, str, dict[str, Any]]] = [
            ("median_latency", latency.value, "ms", _ends(latency)),
            ("p95_latency", measured.latency_95(number), "ms", {}),
            ("throughput", measured.throughput(number), "pairs/s", {}),
        ]
        if measured.comparison.of_sentence_pairs and measured.device == "cpu":
            whole = measured.full_pass(number, FULL_PASS)
            values.append(("full_pass", whole.value, "s", _ends(whole) | {"pairs": FULL_PASS}))
        shared = {"model": timed.name, "n": latency.n}
        found += [
            shared | {"metric": metric, "value": value, "unit": unit, "detail": detail | _conditions(measured)}
            for metric, value, unit, detail in values
        ]
    return found


def _ratio_values(measured: Measured, seconds: float) -> list[dict[str, Any]]:
    """Return the first model's time over each other's, with every start's interval and the noise.

    Args:
        seconds: of the task over all numbers of threads; recorded with the first ratio only.
    """
    first, *others = measured.comparison.models
    conditions = {"noise": _ends(measured.noise)} | _conditions(measured)
    found = []
    for number, other in enumerate(others, start=1):
        ratio = measured.ratio(number)
        starts = [_ends(start.ratio(number)) for start in measured.starts]
        found.append(
            {
                "model": f"{first.name} over {other.name}",
                "metric": "time_ratio",
                "unit": "1",
                "value": ratio.value,
                "n": ratio.n,
                "seconds": seconds if number == 1 else None,
                "detail": _ends(ratio) | {"starts": starts} | conditions,
            }
        )
    return found


def _conditions(measured: Measured) -> dict[str, Any]:
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
