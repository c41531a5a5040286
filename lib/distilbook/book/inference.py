"""Measurements of chapter 11 and of ``distilbook bench inference``: the claim's pair and the edition's own models."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..claims import claim, judge
from ..core.machine import hardware
from ..core.provenance import versions
from ..core.quantities import RATIO, with_ends
from ..core.record_book import RecordBook
from ..core.workspace import Workspace
from ..corpus.corpus import Corpus
from ..distillation.student import StudentConfig, student_config
from ..inference.breakdown import pairs_of_text
from ..inference.lengths import sample_lengths, stsb_lengths
from ..inference.models import Order, Timed, timed, timed_folder
from ..inference.protocol import OWN, PAIRS, TimingConfig, further_orders, pair_orders
from ..inference.records import size_records, timing_records
from ..inference.timing import TimingResult, run_timing, trust
from ..models.folder import look_at
from ..models.loading import load_config, load_tokenizer
from .parameters import check_parameters

CHAPTER = "11_timing"


def own_models(workspace: Workspace) -> tuple[Timed, ...]:
    """Return the edition's own teacher and chapter 04's student of it; empty while there is no teacher."""
    if "teacher" not in workspace.published_by("03_teacher"):
        return ()
    folder = workspace.find("teacher", "03_teacher")
    layers = check_parameters(workspace.edition, "04_student", StudentConfig).layers
    student = student_config(load_config(look_at(folder)), len(layers), dropout=0.0)
    return timed_folder(folder), timed(student.to_dict())


def claim_orders(config: TimingConfig, own: Sequence[Timed]) -> list[Order]:
    """Return the processes that time the claim's pair and, if there are any, the edition's ``own`` models."""
    return pair_orders(config, {PAIRS: config.pair} | ({OWN: tuple(own)} if own else {}))


def sentences_like_stsb(workspace: Workspace, pairs: int) -> list[tuple[str, str]]:
    """Return ``pairs`` of strings from the edition's held-out text, about as long as STS-B's."""
    corpus = Corpus.open(workspace.find("corpus", "02_corpus"))
    tokenizer = load_tokenizer(workspace.find("teacher", "03_teacher"))
    ids = np.concatenate([np.asarray(block) for block in corpus.held_out])
    return pairs_of_text(sample_lengths(stsb_lengths(), pairs), np.resize(ids, 90 * pairs), tokenizer)


def bench_inference(edition: str, claim_only: bool) -> dict:
    """Measure as chapter 11 does, with the edition's parameters, and record it for the verdict.

    Args:
        claim_only: leave out the experiments that explain the ratio.

    Returns:
        ``machine``, ``versions``, the sentences of ``verdicts`` and ``trust``, and ``rows``, a model of a measurement.
    """
    config, workspace = check_parameters(edition, CHAPTER, TimingConfig), Workspace(edition)
    orders = claim_orders(config, own_models(workspace)) + ([] if claim_only else further_orders(config))
    result = run_timing(orders)
    book = RecordBook(workspace.records, workspace.edition)
    book.add([*size_records(config.pair, config, CHAPTER), *timing_records(result, config, CHAPTER)])
    return {
        "machine": hardware(),
        "versions": versions(),
        "verdicts": [judge(claim(one), book.current()).sentence for one in ("smaller", "faster")],
        "trust": [f"{one.title}. {trust(one)}" for one in result.measured],
        "rows": rows(result),
    }


def rows(result: TimingResult) -> list[dict]:
    """Return latency, throughput, and the first model's time over its own, for every model of every measurement."""
    return [
        {
            "task": one.comparison.name,
            "on": one.split,
            "model": timed.name,
            "attention": timed.attention,
            "precision": timed.precision,
            "compiled": timed.compiled,
            "median_ms": one.latency(number).value,
            "p95_ms": one.latency_95(number),
            "pairs_a_second": one.throughput(number),
            "ratio": ratio.value if ratio else None,
            "ratio_low": ratio.low if ratio else None,
            "ratio_high": ratio.high if ratio else None,
            "noise": one.stray,
            "starts": len(one.starts),
        }
        for one in result.measured
        for number, timed in enumerate(one.comparison.models)
        for ratio in [one.ratio(number) if number else None]
    ]


def printed(found: dict) -> list[str]:
    """Return the lines of a table of :func:`bench_inference`'s result."""
    lines = [f"{found['machine']['processor']}, {found['machine']['cores']} cores"]
    task = ""
    for row in found["rows"]:
        if task != (task := f"{row['task']}, {row['on']}"):
            lines.append(task)
        ratio = row["ratio"] and with_ends(row["ratio"], row["ratio_low"], row["ratio_high"], 1.0, RATIO)
        lines.append(
            f"  {row['model']:<28} {row['median_ms']:>9.2f} ms, 95% below {row['p95_ms']:>9.2f} ms, "
            f"{row['pairs_a_second']:>7.1f} pairs/s" + (f", first / this {ratio}" if ratio else "")
        )
    return [*lines, *found["trust"], *found["verdicts"]]
