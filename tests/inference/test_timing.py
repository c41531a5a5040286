"""Timing protocol: comparisons, processes, order of the passes, records."""

from __future__ import annotations

import gc
import subprocess
import sys
import time

import pytest
import torch
from distilbook.claims.requirements import seconds_behind
from distilbook.core.config import BookError
from distilbook.core.machine import usable_cores
from distilbook.inference import protocol as plan
from distilbook.inference import timing
from distilbook.inference.breakdown import LayerTimes
from distilbook.inference.lengths import sample_lengths, stsb_lengths
from distilbook.inference.models import Comparison, Input, Order
from distilbook.inference.protocol import (
    ELMO_TASK,
    KERNEL,
    KERNELS_OF_2019,
    LOADED,
    OWN,
    PADDED,
    PAIRS,
    WIDTHS,
    TimingConfig,
    further_orders,
    pair_orders,
    shape_task,
)
from distilbook.inference.records import explaining_records, ordered_by, size_records, timing_records
from distilbook.inference.timing import Measured, Start, TimingResult, run_timing
from distilbook.inference.worker import in_turn, measure
from distilbook.stats.intervals import Interval

SMALL = {
    "edition": "test",
    "pairs": 6,
    "noise_pairs": 3,
    "repeats": 2,
    "starts": 2,
    "threads": [1],
    "warm_up": 1,
    "attention": "eager",
    "compile": False,
    "layers": 4,
    "width": 32,
    "heads": 2,
    "feed_forward": 64,
    "further_pairs": 3,
    "elmo_pairs": 2,
    "elmo_shrunk": 32,
    "batch_sizes": [1, 3],
    "batch_length": 8,
    "lengths": [5, 9],
    "inputs": 2,
    "accelerator_batch_sizes": [2],
    "accelerator_precisions": ["float32", "bfloat16"],
    "accelerator_length": 16,
}
PUBLISHED = SMALL | {"layers": 12, "width": 768, "heads": 12, "feed_forward": 3072}


def config(**changes) -> TimingConfig:
    return TimingConfig.parse(SMALL | changes, "a test")


@pytest.fixture(scope="module")
def result() -> TimingResult:
    """The claim's pair in two fresh processes; the other experiments in this one, to save process starts."""
    pairs = run_timing(pair_orders(config(), {PAIRS: config().pair, OWN: config(layers=8).pair}))
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("torch.set_num_interop_threads", lambda n: None)
        patched.setattr(timing, "_times_of", lambda order, progress: in_this_process(order)[-1]["times"])
        return pairs + run_timing(further_orders(config()))


def in_this_process(order: Order) -> list[dict]:
    """Return the reports of :func:`measure`, with the garbage collector and the threads as they were."""
    reports, threads = [], torch.get_num_threads()
    try:
        measure(order, reports.append)
    finally:
        gc.enable()
        torch.set_num_threads(threads)
    return reports


def test_the_models_take_turns_at_going_first(monkeypatch):
    clock, called = [0], []
    spent = {"a": 1, "b": 10, "c": 100}

    def call(name: str) -> None:
        called.append(name)
        clock[0] += spent[name] * 1_000_000

    monkeypatch.setattr("distilbook.inference.worker.time.perf_counter_ns", lambda: clock[0])
    calls = [lambda name=name: call(name) for name in "abc"]
    assert in_turn(calls, repeats=3, turn=1) == [[1] * 3, [10] * 3, [100] * 3]
    assert "".join(called) == "bca" + "cba" + "abc"
    called.clear()
    in_turn(calls[:2], repeats=3, turn=0)
    assert "".join(called) == "ab" + "ba" + "ab"


def test_every_start_times_every_input_and_the_first_model_against_itself(result):
    (pairs,) = result.of(PAIRS)
    assert [given.tokens for given in pairs.comparison.inputs] == [x.tokens for x in sample_lengths(stsb_lengths(), 6)]
    assert len(pairs.starts) == 2
    for start in pairs.starts:
        assert [[len(times) for times in of] for of in start.passes] == [[2, 2]] * 6
        assert [[len(times) for times in of] for of in start.noise] == [[2, 2]] * 3
        assert all(time > 0 for of in start.passes for times in of for time in times) and 0 < start.share <= 1.05
    assert pairs.starts[0].passes != pairs.starts[1].passes


def test_everything_that_explains_is_measured(result):
    tasks = {one.comparison.name for one in result.measured}
    shapes = {shape_task(1, 8), shape_task(3, 8), shape_task(1, 5), shape_task(1, 9)}
    assert tasks == {PAIRS, OWN, ELMO_TASK, plan.LAYERS, KERNEL, KERNELS_OF_2019, PADDED, WIDTHS, LOADED} | shapes
    names = lambda task: [timed.name for timed in result.of(task)[0].comparison.models]
    assert names(plan.LAYERS) == ["bert 4 x 32", "bert 2 x 32", "bert 1 x 32", "bert 0 x 32", "distilbert 2 x 32"]
    assert {timed.attention for timed in result.of(KERNEL)[0].comparison.models} == {"sdpa"}
    old = [timed.config for timed in result.of(KERNELS_OF_2019)[0].comparison.models]
    assert [old[0]["hidden_act"], old[1]["activation"]] == ["gelu_python"] * 2
    assert [order.onednn for order in further_orders(config())] == [True, True, False, True]
    assert all(given.tokens + given.padding == 128 for given in result.of(PADDED)[0].comparison.inputs)
    assert result.of(LOADED)[0].neighbours == len(usable_cores())
    with pytest.raises(BookError, match="nothing was timed as 'pears'"):
        result.of("pears")


def test_more_layers_take_longer(result):
    layers = result.of(plan.LAYERS)[0]
    assert 1 < layers.ratio(1).value < layers.ratio(3).value


def test_the_models_are_built_as_ordered_and_threads_are_set():
    """In a process of its own, because threads between operators can be set only once."""
    code = (
        "import torch\n"
        "from distilbook.inference import models as m, worker as p\n"
        "from distilbook.inference.models import *\n"
        "models = (bert(4, 32, 2, 64), distilbert(2, 32, 2, 64))\n"
        "order = Order(1, (Comparison('x', models, (Input(4, 7, 2), Input(4, 9)), 2, 1),), warm_up=3, onednn=False)\n"
        "seen = []\n"
        "build = m.built\n"
        "def watched(timed, device):\n"
        "    model = build(timed, device)\n"
        "    assert model.config._attn_implementation == 'eager' and not model.training\n"
        "    assert not torch._C._get_mkldnn_enabled()\n"
        "    model.register_forward_pre_hook(lambda m, a, k: seen.append((timed.name[0], *k['input_ids'].shape,\n"
        "        int(k['attention_mask'].sum()), torch.is_inference_mode_enabled())), with_kwargs=True)\n"
        "    return model\n"
        "m.built = watched\n"
        "said = []\n"
        "p.measure(order, said.append)\n"
        "assert torch.get_num_threads() == torch.get_num_interop_threads() == 1\n"
        "assert seen[:6] == 3 * [('b', 4, 9, 28, True)] + 3 * [('d', 4, 9, 28, True)], seen\n"
        "assert [s[0] for s in seen[6:]] == list('bddb' + 'bbbb' + 'dbbd'), seen\n"
        "assert {s[2:4] for s in seen[14:]} == {(9, 36)}\n"
        "assert [sorted(s) for s in said] == [['done'], ['done', 'times']] and said[0]['done'] == 2\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_an_activation_in_steps_gives_the_same_numbers():
    from distilbook.inference.models import built

    one, other = (built(models[0], "cpu") for models in (config().pair, plan.with_steps(config().pair)))
    ids = torch.arange(12)[None]
    with torch.inference_mode():
        assert torch.allclose(one(ids)[0], other(ids)[0], atol=1e-5)


def test_a_pass_on_a_device_ends_when_the_device_is_done(monkeypatch):
    """On torch's meta device, which has shapes and no numbers and so stands in for a GPU."""
    from distilbook.inference.models import bert, torch_pass

    events = []
    monkeypatch.setattr("torch.cuda.synchronize", lambda: events.append("done"))
    model = lambda **inputs: events.append({name: (x.device.type, *x.shape) for name, x in inputs.items()})
    torch_pass(model, bert(1, 8, 2, 8), Input(2, 4, padding=3), "meta")()
    assert events == [{"input_ids": ("meta", 2, 7), "attention_mask": ("meta", 2, 7)}, "done"]


def test_a_compiled_model_and_a_narrow_one_are_built_as_such():
    from distilbook.inference.models import bert, built

    assert isinstance(built(bert(1, 8, 2, 8, compiled=True), "cpu"), torch._dynamo.OptimizedModule)
    assert next(built(bert(1, 8, 2, 8, precision="bfloat16"), "cpu").parameters()).dtype == torch.bfloat16


def test_a_failing_process_is_reported_with_its_last_words(monkeypatch):
    monkeypatch.setattr(timing.timing_process, "__name__", "distilbook.no_such_module")
    with pytest.raises(BookError, match="a timing process failed") as caught:
        run_timing(pair_orders(config(starts=1), {PAIRS: config().pair}))
    assert "No module named distilbook.no_such_module" in str(caught.value)


def test_neighbours_end_with_what_they_stood_beside(monkeypatch):
    import psutil

    beside = []

    def failing(order):
        beside.extend(c for c in psutil.Process().children() if timing.BUSY in c.cmdline())
        raise KeyboardInterrupt

    monkeypatch.setattr(Order, "to_json", failing)
    comparison = Comparison("x", config().pair, (Input(1, 4),), 1, 1)
    with pytest.raises(KeyboardInterrupt):
        run_timing([Order(1, (comparison,), neighbours=2)])
    assert len(beside) == 2 and not any(process.is_running() for process in beside)


def test_neighbours_end_when_what_started_them_is_killed():
    import psutil

    code = (
        "import sys, time\n"
        "from distilbook.inference import timing\n"
        "with timing._neighbours(1):\n"
        "    print('on', flush=True)\n"
        "    time.sleep(60)\n"
    )
    starter = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert starter.stdout.readline() == "on\n"
    (busy,) = psutil.Process(starter.pid).children()
    starter.kill()
    starter.wait()
    # Where nobody waits for orphans, one that has ended stays in the table as a zombie.
    over = lambda: not busy.is_running() or busy.status() == psutil.STATUS_ZOMBIE
    deadline = time.monotonic() + 20
    while not over() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert over()


def test_threads_go_from_one_to_all(monkeypatch):
    monkeypatch.setattr(plan, "usable_cores", lambda: list(range(12)))
    assert config(threads=None).settings == [1, 2, 4, 8, 12]
    assert config(threads=[4, 1]).settings == [1, 4]
    with pytest.raises(BookError, match="100 threads were asked for"):
        config(threads=[1, 100]).settings  # noqa: B018


def test_a_gpu_gets_every_batch_size_in_every_precision(monkeypatch):
    monkeypatch.setattr(plan, "accelerator", lambda: "a GPU")
    orders = [order for order in further_orders(config()) if order.device == "cuda"]
    assert len(orders) == 2
    models = [comparison.models for comparison in orders[0].comparisons]
    assert [(m[0].precision, m[0].attention) for m in models] == [("float32", "sdpa"), ("bfloat16", "sdpa")]
    assert {(given.batch, given.tokens) for c in orders[0].comparisons for given in c.inputs} == {(2, 16)}


def test_pairs_that_do_not_fit_a_model_are_left_out():
    from distilbook.inference.models import timed

    short = timed({"model_type": "bert", "num_hidden_layers": 1, "hidden_size": 8, "max_position_embeddings": 20})
    (order, _) = pair_orders(config(), {PAIRS: (short, short)})
    assert max(given.tokens for given in order.comparisons[0].inputs) <= 20


def test_students_of_equal_parameters_have_them():
    from distilbook.inference.models import parameters_of_timed

    published = TimingConfig.parse(PUBLISHED, "")
    _, student, shallow, deep = plan.depth_or_width(published)
    counts = [parameters_of_timed(timed) for timed in (student, shallow, deep)]
    assert (shallow.config["n_layers"], deep.config["n_layers"]) == (3, 12)
    assert all(abs(count / counts[0] - 1) < 0.02 for count in counts)


def invented(teacher: float, student: float, threads: int = 1) -> Measured:
    models = TimingConfig.parse(PUBLISHED, "").pair
    start = Start((((teacher,), (student,)),) * 2, (((1.5,), (1.0,)),) * 2, 0.9, 7.0)
    return Measured(
        Comparison(PAIRS, models, (Input(1, 10, words=(4, 3)),) * 2, 1, 2), threads, "cpu", 0, (start, start)
    )


def test_the_records_say_ratio_noise_and_times_for_each_number_of_threads():
    result = TimingResult((invented(4.0, 2.0), invented(4.0, 2.0, threads=2)))
    records = timing_records(result, config(), "11")
    values = {(r.model, r.split, r.metric): (r.value, r.unit) for r in records}
    assert values["bert-base over distilbert", "cpu, 2 threads", "time_ratio"] == (2.0, "1")
    assert values["bert-base", "cpu, 1 thread", "median_latency"] == (4.0, "ms")
    assert values["distilbert", "cpu, 1 thread", "p95_latency"] == (2.0, "ms")
    assert values["distilbert", "cpu, 1 thread", "throughput"] == (500.0, "pairs/s")
    assert values["bert-base", "cpu, 1 thread", "full_pass"] == (6.0, "s")
    ratio = next(r for r in records if r.metric == "time_ratio")
    ends = {"value": 2, "low": 2, "high": 2}
    how = {"threads": 1, "attention": "eager", "precision": "float32", "compiled": False, "share": 0.9}
    noise = {"value": 1.5, "low": 1.5, "high": 1.5}
    assert ratio.detail == ends | how | {"starts": [ends, ends], "noise": noise}
    assert len({r.identity for r in records}) == len(records) == 18
    assert [r.seconds for r in records if r.seconds] == [28.0, 28.0]  # two starts with each number of threads
    assert seconds_behind(records) == 28
    assert {r.task for r in records} == {"sentence pairs at batch 1"}


def test_what_a_pair_takes_is_recorded_part_by_part():
    exact = lambda value: Interval(value, value - 1, value + 1, 9, 0.95)
    layers = LayerTimes(exact(2.0), exact(3.0), exact(5.0), ((0, 3.0), (12, 62.0)))
    records = explaining_records(layers, {"Python": exact(4.0)}, config(), "11")
    assert {r.model: (r.value, r.unit, r.n) for r in records} == {
        "BERT with 0 layers": (3.0, "ms", 9),
        "BERT with 12 layers": (62.0, "ms", 9),
        "BERT without layers": (3.0, "ms", 9),
        "one layer": (5.0, "ms", 9),
        "Python": (4.0, "ms", 9),
    }
    assert records[2].detail == {"value": 3.0, "low": 2.0, "high": 4.0}


def test_what_was_ordered_otherwise_is_another_measurement():
    one, other = (pair_orders(config(), {PAIRS: config(width=w).pair})[0].comparisons[0] for w in (32, 64))
    assert ordered_by(config(), one) == ordered_by(config(), one)
    assert len({ordered_by(config(), one), ordered_by(config(), other), ordered_by(config(repeats=3), one)}) == 3


def test_sizes_are_recorded_under_the_published_names_for_the_published_dimensions_only():
    large = size_records(TimingConfig.parse(PUBLISHED, "").pair, config(), "11")
    small = size_records(config().pair, config(), "11")
    assert [(r.model, r.value, r.detail["role"]) for r in large] == [
        ("bert-base", 109_482_240, "teacher"),
        ("distilbert", 66_362_880, "student"),
    ]
    assert [r.model for r in small] == ["bert 4 x 32", "distilbert 2 x 32"]
    assert small[0].value > small[1].value


def test_the_published_dimensions_are_those_of_the_default_configurations():
    from transformers import BertConfig, DistilBertConfig

    teacher, student = TimingConfig.parse(PUBLISHED, "").pair
    assert teacher.config.items() <= BertConfig().to_dict().items()
    assert student.config.items() <= DistilBertConfig().to_dict().items()


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"heads": 5}, "a multiple of the 5 heads"),
        ({"layers": 6}, "multiple of 4"),
        ({"noise_pairs": 4}, "at most half of the 6 pairs, got 4"),
        ({"threads": []}, "at least 1"),
        ({"threads": [0]}, "greater than or equal to 1"),
        ({"lengths": [16, 16]}, "each value once"),
        ({"pair": 3}, "'pairs'"),
        ({"lengths": [513]}, "512 positions, got 513"),
        ({"attention": "flash"}, "'eager' or 'sdpa'"),
    ],
)
def test_impossible_parameters_are_refused(changes, what):
    with pytest.raises(BookError, match=what):
        config(**changes)


def test_measuring_reports_now_and_then_and_at_the_end(monkeypatch):
    monkeypatch.setattr("torch.set_num_interop_threads", lambda n: None)
    comparison = Comparison("x", config().pair, (Input(1, 4),) * 12, 1, 1)
    said = in_this_process(Order(1, (comparison,), warm_up=0))
    assert [one["done"] for one in said] == [10, 2, 0]
    assert len(said[-1]["times"]) == 1
