"""Tables, sentences and figures of sizes and times."""

import pytest
from distilbook.book.parameters import check_parameters
from distilbook.claims.paper import TABLE_3
from distilbook.inference.breakdown import LayerTimes, Peaks
from distilbook.inference.models import Comparison, Input, bert, distilbert
from distilbook.inference.protocol import (
    ELMO_TASK,
    KERNEL,
    KERNELS_OF_2019,
    LOADED,
    PADDED,
    PAIRS,
    TimingConfig,
    elmo_models,
)
from distilbook.inference.timing import Measured, Start, TimingResult
from distilbook.stats.intervals import Interval
from distilbook.views import sizes
from distilbook.views import timing as shown

CONFIG: TimingConfig = check_parameters("laptop", "11_timing")
OWN = (bert(6, 384, 12, 1536), distilbert(3, 384, 12, 1536))


def measured(task, times, *, models=CONFIG.pair, starts=2, batch=1, threads=1, device="cpu", neighbours=0) -> Measured:
    """Return a measurement in which every pass of a model takes its time, in milliseconds."""
    inputs = (Input(batch, 20), Input(batch, 40))
    start = Start((tuple((time, time) for time in times),) * 2, (((times[0],), (times[0],)),) * 2, 1.0, 1.0)
    return Measured(Comparison(task, models, inputs, 2, 2), threads, device, neighbours, (start,) * starts)


def exact(value: float) -> Interval:
    return Interval(value, value, value, 9, 0.95)


def test_sizes_stand_beside_table_3s_only_where_the_same_was_counted():
    rows = {(row["model"], row["counted with"]): row for row in sizes.size_rows(CONFIG, OWN)}
    assert rows["bert-base", "pooler"] | {"in millions": "109.5"} == rows["bert-base", "pooler"]
    counts = {
        ("bert-base", "pooler"): (109_482_240, 110),
        ("bert-base", "neither pooler nor head"): (108_891_648, None),
        ("bert-base", "masked-LM head"): (109_514_298, None),
        ("distilbert", ""): (66_362_880, 66),
        ("distilbert", "masked-LM head"): (66_985_530, None),
        ("elmo", ""): (93_666_404, 180),
        ("elmo under GLUE's baseline", ""): (178_002_404, 180),
    }
    assert {name: (rows[name]["parameters"], rows[name]["Table 3"]) for name in counts} == counts
    assert rows["own: bert 6 x 384", "pooler"]["parameters"] > rows["own: distilbert 3 x 384", ""]["parameters"]
    small = CONFIG.model_copy(update={"layers": 4, "width": 24, "heads": 2, "feed_forward": 8, "elmo_shrunk": 16})
    assert {row["Table 3"] for row in sizes.size_rows(small, ())} == {None}


def test_parts_of_the_timed_models_add_up_to_their_sizes():
    rows = {row["part"]: row for row in sizes.coarse_rows([*CONFIG.pair, *OWN])}
    assert (rows["together"]["bert-base"], rows["together"]["distilbert"]) == (109_482_240, 66_362_880)
    assert rows["pooler and heads"] == {
        "part": "pooler and heads",
        "bert-base": 768 * 769,
        "distilbert": 0,
        "bert 6 x 384": 384 * 385,
        "distilbert 3 x 384": 0,
    }


def test_what_is_timed_with_is_said():
    said = shown.how_sentence(CONFIG)
    assert "attention eager, nothing compiled" in said and "float32" in said
    assert "compiled by torch.compile" in shown.how_sentence(CONFIG.model_copy(update={"compile": True}))


def test_elmos_parts_add_up():
    together = sizes.elmo_part_rows(CONFIG)[-1]
    assert (together["ELMo"], together["under GLUE's baseline"]) == (93_666_404, 178_002_404)


def test_table_3_again_names_every_model_once_and_the_papers_figures():
    elmo = measured(ELMO_TASK, (40.0, 80.0, 160.0), models=(CONFIG.pair[0], *elmo_models(CONFIG)), starts=1)
    rows = shown.table_3_rows([measured(PAIRS, (40.0, 20.0))], elmo)
    assert [row["model"] for row in rows] == ["bert-base", "distilbert", "elmo", "elmo under GLUE's baseline"]
    seconds = "1,500 pairs, seconds [95% interval]"
    assert [row[seconds] for row in rows[:2]] == ["60.0 [60.0 to 60.0]", "30.0 [30.0 to 30.0]"]
    assert [row["Table 3, seconds"] for row in rows] == [668, 410, 895, 895]
    ratios = [row["BERT's time over it"] for row in rows]
    assert ratios == ["1", "2.0 [2.0 to 2.0]", "0.5 [0.5 to 0.5]", "0.2 [0.2 to 0.2]"]
    assert rows[1]["Table 3's"] == "1.63"


def test_rows_of_shapes_and_threads_have_what_was_measured():
    one = measured("batch 4, 20 word pieces", (40.0, 16.0), batch=4)
    taken = {(timed.key, one.comparison.inputs[0]): most for timed, most in zip(CONFIG.pair, (5e8, 3e8), strict=True)}
    teacher, student = shown.shape_rows([one], taken)
    assert (teacher["batch"], teacher["tokens"], teacher["model"], student["model"]) == (
        4,
        20,
        "bert-base",
        "distilbert",
    )
    assert (teacher["median ms"], student["95% below"], student["pairs/s"]) == (40.0, 16.0, 250.0)
    assert (teacher["MB"], student["MB"]) == (500, 300)
    over = "teacher's time over it [95% interval]"
    assert (teacher[over], student[over]) == (None, "2.5 [2.5 to 2.5]")
    assert "MB" not in shown.shape_rows([one])[0]
    rows = shown.thread_rows([measured(PAIRS, (40.0, 16.0), threads=2)])
    assert [(row["on"], row["model"], row["pairs"], row["starts"]) for row in rows] == [
        ("cpu, 2 threads", "bert-base", 2, 2),
        ("cpu, 2 threads", "distilbert", 2, 2),
    ]


def test_every_start_has_its_ratio_and_its_noise():
    made = shown.start_rows([measured(PAIRS, (5.0, 2.0))])
    assert [row["label"] for row in made] == [
        "teacher / student, cpu, 1 thread, start 1",
        "teacher / teacher, cpu, 1 thread, start 1",
        "teacher / student, cpu, 1 thread, start 2",
        "teacher / teacher, cpu, 1 thread, start 2",
    ]
    assert [row["value"] for row in made] == [2.5, 1.0, 2.5, 1.0]


def test_every_candidate_has_its_row():
    tasks = {PAIRS: 2.0, KERNEL: 2.1, KERNELS_OF_2019: 2.2, PADDED: 1.9, LOADED: 1.8}
    result = TimingResult(tuple(measured(task, (ratio, 1.0)) for task, ratio in tasks.items()))
    ratios = [row["teacher / student [95% interval]"] for row in shown.why_rows(result)]
    assert [float(ratio.split()[0]) for ratio in ratios] == list(tasks.values())
    assert shown.trust_sentences(result, [PAIRS]) == [
        f"{PAIRS}, cpu, 1 thread. Quiet: the first model's ratio to itself deviates from 1 by up to 0.0%, and the "
        "process had its core for 100.0% of the time."
    ]


@pytest.mark.parametrize(("fixed", "explains"), [(0.4, False), (25.0, True)])
def test_the_conclusion_depends_on_what_was_found(fixed, explains):
    layers = LayerTimes(exact(fixed), exact(fixed), exact(5.0), ((0, fixed), (12, fixed + 60.0)))
    slow = {"Python": exact(1.0)}
    said = shown.fixed_sentence(layers, slow, 2.0)
    share = (fixed + 1) / (fixed + 61)
    ratio = (fixed + 61) / (fixed + 31)
    assert f"is {share:.1%} of BERT's time here" in said and f"the ratio would be {ratio:.2f}" in said
    assert "imply 22.8%" in said and "the paper's is 1.63" in said
    assert ("None of the parts" not in said) == explains
    rows = shown.fixed_rows(layers, slow)
    assert rows[-1]["milliseconds a pair [95% interval]"] == "101, 23% of BERT's time"
    assert [row["what"] for row in rows][2:4] == ["tokenisation: Python", "one layer"]


def test_students_of_equal_parameters_are_compared_with_the_teacher():
    models = (*CONFIG.pair, distilbert(12, 576, 12, 2304))
    rows = shown.width_rows(measured("w", (40.0, 20.0, 32.0), models=models))
    assert [row["student"] for row in rows] == ["distilbert", "distilbert 12 x 576"]
    assert rows[1]["teacher / student in time [95% interval]"] == "1.2 [1.2 to 1.2]"
    # Of weights alone: 12 x 768 x 768 over 12 x 576 x 576, and over half as many layers.
    assert [float(row["in operations"]) for row in rows] == [2.0, pytest.approx((768 / 576) ** 2, abs=0.02)]


def test_a_gpu_is_shown_apart():
    both = TimingResult((measured("x", (2.0, 1.0)), measured("y", (2.0, 1.0), device="cuda")))
    assert [one.comparison.name for one in shown.accelerated(both)] == ["y"]
    shape = measured("batch 1, 20 word pieces", (2.0, 1.0))
    assert shown.shapes_of(TimingResult((shape,)), [(1, 20)]) == [shape]


def test_figures_draw_what_was_measured():
    one = measured(PAIRS, (40.0, 16.0))
    made = shown.paired_times(one)
    assert [trace.name for trace in made.data] == ["teacher: bert-base", "student: distilbert"]
    assert list(made.data[0].x) == [20, 40] and list(made.data[1].y) == [16.0, 16.0]
    made = shown.ratios_by_shape([one], "tokens", 1.63)
    assert list(made.data[0].x) == ["20"] and list(made.data[0].y) == [2.5]
    layers = LayerTimes(exact(1.0), exact(1.0), exact(5.0), ((0, 1.0), (6, 31.0), (12, 61.0)))
    made = shown.layer_line(layers, 0.25)
    line, paper, points = made.data
    assert list(line.y) == [1.0, 61.0] and list(paper.y) == [0.25 * 61.0, 61.0] and list(points.x) == [0, 6, 12]


def test_no_point_of_the_roofline_is_lost_and_the_roof_bends():
    points = [
        {"model": name, "batch": batch, "tokens": 32} | {"operations a byte": 8.0 * batch, "operations a second": 5e10}
        for name in ("bert-base", "distilbert")
        for batch in (1, 16)
    ]
    made = shown.roofline(points, Peaks(1e11, 1e10, 2))
    roof, *models = made.data
    assert max(roof.y) == pytest.approx(100) and min(roof.y) < 50
    assert [list(trace.x) for trace in models] == [[8.0, 128.0]] * 2
    assert [list(trace.marker.symbol) for trace in models] == [["circle", "square-open"]] * 2


def test_the_papers_table_has_what_the_rows_name():
    assert set(sizes.TABLE_3_NAMES.values()) == set(TABLE_3)
