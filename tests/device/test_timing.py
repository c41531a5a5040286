"""The timing protocol: what is timed, in which order, in fresh processes; and what is made of the times."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from distilbook.config import BookError
from distilbook.device import timing, timing_process
from distilbook.device.timing import (
    BERT_BASE,
    Start,
    TimingConfig,
    TimingResult,
    length_histogram,
    run_timing,
    sample_lengths,
    size_records,
    stsb_lengths,
    timing_records,
)
from distilbook.device.timing_process import time_pair
from distilbook.provenance import hardware

SHARED = Path(__file__).resolve().parents[2].parent / "shared/data"

SMALL = {
    "edition": "test",
    "pairs": 12,
    "noise_pairs": 3,
    "repeats": 2,
    "starts": 2,
    "threads": [1],
    "warm_up": 1,
    "batch_size": 1,
    "layers": 4,
    "width": 32,
    "heads": 2,
    "feed_forward": 64,
}
LAYERS, WIDTH, HEADS, FEED_FORWARD = BERT_BASE
PUBLISHED = SMALL | {"layers": LAYERS, "width": WIDTH, "heads": HEADS, "feed_forward": FEED_FORWARD}


def config(**changes) -> TimingConfig:
    return TimingConfig.parse(SMALL | changes, "a test")


def start(teacher: list[float], student: list[float], noise: float = 1.0, threads: int = 1) -> Start:
    return Start(threads, (10,) * len(teacher), tuple(teacher), tuple(student), ((noise, 1.0),) * len(teacher))


@pytest.fixture(scope="module")
def measured() -> TimingResult:
    return run_timing(config())


def test_the_packaged_lengths_are_those_of_the_development_set():
    lengths = sorted(length for length, count in stsb_lengths().items() for _ in range(count))
    assert (len(lengths), lengths[0], lengths[-1]) == (1_500, 11, 87)
    assert (lengths[749] + lengths[750]) / 2 == 28


def test_the_packaged_lengths_can_be_counted_again():
    if not SHARED.exists():
        pytest.skip("needs STS-B and the vocabulary in ../shared/data")
    from transformers import PreTrainedTokenizerFast

    tokenizer = PreTrainedTokenizerFast(tokenizer_file=str(SHARED / "vocab/tokenizer.json"))
    lines = (SHARED / "glue/STS-B/dev.tsv").read_text(encoding="utf-8").splitlines()[1:]
    pairs = [tuple(line.split("\t")[7:9]) for line in lines]
    assert length_histogram(pairs, tokenizer) == stsb_lengths()


def test_a_sample_of_lengths_has_the_median_of_all_and_always_the_same_order():
    sample = sample_lengths(stsb_lengths(), 101)
    assert sorted(sample)[50] == 28
    assert sample == sample_lengths(stsb_lengths(), 101) != sorted(sample)
    assert sorted(sample_lengths({5: 2, 9: 2}, 4)) == [5, 5, 9, 9]


def test_the_models_take_turns_at_going_first_and_the_fastest_pass_counts(monkeypatch):
    clock, called = [0], []
    spent = {"first": [5, 3, 9], "second": [2, 8, 1]}

    def call(name: str) -> None:
        called.append(name)
        clock[0] += spent[name][called.count(name) - 1] * 1_000_000

    monkeypatch.setattr(timing_process.time, "perf_counter_ns", lambda: clock[0])
    assert time_pair(lambda: call("first"), lambda: call("second"), repeats=3, turn=1) == (3, 1)
    assert called == ["second", "first", "first", "second", "second", "first"]


def test_every_start_times_every_pair_and_the_teacher_against_itself(measured):
    counts = [(s.threads, len(s.teacher_ms), len(s.student_ms), len(s.noise_ms)) for s in measured.starts]
    assert counts == [(1, 12, 12, 3)] * 2
    assert measured.starts[0].lengths == tuple(sample_lengths(stsb_lengths(), 12))
    assert all(time > 0 for s in measured.starts for time in (*s.teacher_ms, *s.student_ms))
    assert measured.starts[0].teacher_ms != measured.starts[1].teacher_ms


def test_twice_the_layers_take_longer(measured):
    assert 1.2 < measured.ratio(1).value < 3


def test_the_models_are_built_as_ordered_and_threads_are_set():
    """In a process of its own, because threads between operators can be set only once."""
    code = (
        "import torch\n"
        "from distilbook.device import timing_process as p\n"
        f"order = {{'models': {list(config().dimensions.values())}, 'lengths': [7, 9], 'threads': 1,\n"
        "         'noise_pairs': 1, 'repeats': 2, 'warm_up': 3, 'batch_size': 4}\n"
        "seen = []\n"
        "build = p._random_models\n"
        "def watched(*dimensions):\n"
        "    models = build(*dimensions)\n"
        "    for name, model in zip('ts', models):\n"
        "        assert model.config._attn_implementation == 'eager' and not model.training\n"
        "        model.register_forward_pre_hook(lambda m, a, k, name=name: seen.append((name, *k['input_ids'].shape,\n"
        "            torch.is_inference_mode_enabled())), with_kwargs=True)\n"
        "    assert [m.config.num_hidden_layers for m in models] == [4, 2] and models[0].pooler is not None\n"
        "    return models\n"
        "p._random_models = watched\n"
        "said = []\n"
        "p.measure(order, said.append)\n"
        "assert torch.get_num_threads() == torch.get_num_interop_threads() == 1\n"
        "once = [('t', 4, 7, True), ('s', 4, 7, True)]\n"
        "assert seen[:6] == 3 * once, seen\n"
        "assert [s[0] for s in seen[6:]] == list('tsst' + 'tttt' + 'stts'), seen\n"
        "assert {s[2] for s in seen[14:]} == {9}\n"
        "assert [sorted(s) for s in said] == [['done', 'noise', 'pairs']] and said[0]['done'] == 2\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_a_failing_process_is_reported_with_its_last_words(monkeypatch):
    monkeypatch.setattr(timing.timing_process, "__name__", "distilbook.no_such_module")
    with pytest.raises(BookError, match="a timing process failed") as caught:
        run_timing(config(starts=1))
    assert "No module named distilbook.no_such_module" in str(caught.value)


def test_more_threads_than_cores_are_refused():
    with pytest.raises(BookError, match="100000 threads were asked for"):
        run_timing(config(threads=[1, 100_000]))


def test_the_interval_covers_every_start():
    result = TimingResult((start([2.0, 2.0], [1.0, 1.0]), start([2.2, 2.2], [1.0, 1.0])), 1.0)
    found = result.ratio(1)
    assert (found.value, found.low, found.high, found.n) == (pytest.approx(2.1), 2.0, 2.2, 2)


def test_the_ratio_is_taken_pair_by_pair():
    result = start([2.0, 30.0, 400.0], [1.0, 10.0, 100.0])
    assert result.ratio.value == 3


def test_the_records_say_ratio_noise_and_times_for_each_number_of_threads():
    starts = [start([4.0, 4.0], [2.0, 2.0], noise=1.5, threads=n) for n in (1, 2, 1, 2)]
    ordered = TimingConfig.parse(PUBLISHED | {"threads": [1, 2]}, "a test")
    records = timing_records(TimingResult(tuple(starts), 3.0), ordered, "11")
    assert [(r.model, r.split, r.metric, r.value, r.unit) for r in records[:3]] == [
        ("bert-base over distilbert", "cpu, 1 thread", "time_ratio", 2.0, "1"),
        ("bert-base", "cpu, 1 thread", "median_latency", 4.0, "ms"),
        ("distilbert", "cpu, 1 thread", "median_latency", 2.0, "ms"),
    ]
    assert {r.split for r in records[3:]} == {"cpu, 2 threads"}
    assert records[0].detail == {
        "value": 2,
        "low": 2,
        "high": 2,
        "threads": 1,
        "starts": [{"value": 2, "low": 2, "high": 2}] * 2,
        "noise": {"value": 1.5, "low": 1.5, "high": 1.5},
    }
    assert len({r.identity for r in records}) == 6
    assert {r.task for r in records} == {"sentence pairs at batch 1"}


def test_one_thread_a_core_is_the_plain_cpu():
    cores = hardware()["cores"]
    result = TimingResult((start([4.0, 4.0], [2.0, 2.0], threads=cores),), 3.0)
    assert {r.split for r in timing_records(result, config(threads=None), "11")} == {"cpu"}


def test_sizes_are_recorded_under_the_published_names_for_the_published_dimensions_only():
    large, small = size_records(TimingConfig.parse(PUBLISHED, ""), "11"), size_records(config(), "11")
    assert [(r.model, r.value, r.detail["role"]) for r in large] == [
        ("bert-base", 109_482_240, "teacher"),
        ("distilbert", 66_362_880, "student"),
    ]
    assert [r.model for r in small] == ["bert 4 x 32", "distilbert 2 x 32"]
    assert small[0].value > small[1].value


def test_the_published_dimensions_are_those_of_the_default_configuration():
    from transformers import BertConfig

    plain = BertConfig()
    assert BERT_BASE == (plain.num_hidden_layers, plain.hidden_size, plain.num_attention_heads, plain.intermediate_size)
    assert plain.vocab_size == timing_process.VOCABULARY


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"heads": 5}, "not a multiple of 5"),
        ({"layers": 3}, "multiple of 2"),
        ({"noise_pairs": 13}, "at most 12"),
        ({"threads": []}, "at least 1"),
        ({"threads": [0]}, "greater than 0"),
        ({"pair": 3}, "'pairs'"),
    ],
)
def test_impossible_parameters_are_refused(changes, what):
    with pytest.raises(BookError, match=what):
        config(**changes)
