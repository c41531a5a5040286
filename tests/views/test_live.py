"""The figure of a training under way: what it draws, when, and that nothing it does concerns the training."""

import json
import time

import pytest
from distilbook.views import live
from distilbook.views.live import POINTS, Lines, state_of, thinned, under_way, watch, watch_newest
from distilbook.views.style import MIMETYPE, show_card


def step(number: int, **terms: float) -> dict:
    line = {"step": number, "loss": 1.0, "tokens": 100, "seconds": 0.5, "seconds_left": 90.0 - number}
    return line | {"masked_lm_loss": 5.0 - number / 10} | terms


def test_each_term_and_the_held_out_accuracy_are_drawn_over_the_tokens_seen():
    steps = [step(number, cosine_loss=0.1 * number) for number in range(1, 5)]
    measured = [{"step": number, "masked_accuracy": 0.1 * number} for number in (0, 3)]
    made = under_way(steps, measured)
    assert [trace.name for trace in made.data] == [
        "masked-LM loss (nat)",
        "cosine loss",
        "masked accuracy, held-out text",
    ]
    assert all(trace.x == (100, 200, 300, 400) for trace in made.data[:2]) and made.data[2].x == (0, 300)
    assert made.data[1].y == pytest.approx((0.1, 0.2, 0.3, 0.4)) and made.data[2].y == pytest.approx((0, 0.3))
    assert made.layout.title.text == "step 4: 200 tokens/s, 1 min 26 s left"


def test_before_the_first_step_and_after_the_last_it_says_so():
    assert state_of([]) == "before the first step" and len(under_way([], []).data) == 1
    assert state_of([step(90)]).endswith("no step left")


@pytest.mark.parametrize("number", [1, POINTS, POINTS + 1, 12_345])
def test_a_long_curve_is_thinned_and_keeps_its_end(number):
    kept = thinned([{"step": n} for n in range(number)])
    assert min(number, POINTS // 2) <= len(kept) <= POINTS and kept[-1]["step"] == number - 1


def test_a_growing_file_is_read_once_and_anew_when_it_was_written_anew(tmp_path):
    from distilbook.core.files import write_text

    path = tmp_path / "metrics.jsonl"
    lines = Lines(path)
    assert not lines.more()
    path.write_text(json.dumps(step(1)) + "\n" + '{"step": 2, "lo')
    assert lines.more() and not lines.more() and [line["step"] for line in lines.steps] == [1]
    with path.open("a") as file:
        file.write('ss": 1.0}\n{"step": 2, "masked_accuracy": 0.5}\n')
    assert lines.more() and [line["step"] for line in lines.steps] == [1, 2] and len(lines.measured) == 1
    write_text(path, json.dumps(step(1)) + "\n" + json.dumps(step(2)) + "\n" + json.dumps(step(3)) + "\n")
    assert lines.more() and [line["step"] for line in lines.steps] == [1, 2, 3] and lines.measured == []


@pytest.fixture
def shown(monkeypatch) -> list[dict]:
    """What a notebook's front end is sent while a run is watched; a drawing every few milliseconds."""
    import IPython.display

    sent = []

    class Handle:
        def update(self, content, **_):
            sent.append(content)

    def display(content, **options):
        assert options["metadata"] == {"distilbook": "progress"} and options["display_id"]
        sent.append(content)
        return Handle()

    monkeypatch.setattr(IPython.display, "display", display)
    monkeypatch.setattr(live, "in_kernel", lambda: True)
    monkeypatch.setattr(live, "EVERY", 0.01)
    monkeypatch.delenv("DISTILBOOK_LOG", raising=False)
    return sent


def test_the_figure_follows_the_file_and_ends_with_its_last_line(tmp_path, shown):
    with watch(tmp_path):
        for number in range(1, 4):
            with (tmp_path / "metrics.jsonl").open("a") as file:
                file.write(json.dumps(step(number)) + "\n")
    figures = [content[MIMETYPE] for content in shown if MIMETYPE in content]
    assert figures[-1]["data"][0]["x"] is not None and figures[-1]["layout"]["title"]["text"].startswith("step 3:")


def test_of_several_runs_the_one_that_advanced_last_is_drawn_with_its_name(tmp_path, shown):
    runs = {tmp_path / name: f"{name} on reviews, seed 0" for name in ("teacher", "full")}
    with watch_newest(runs):
        for folder, name in runs.items():
            folder.mkdir()
            before = len(shown)
            (folder / "metrics.jsonl").write_text(
                json.dumps({**step(1), "loss": 0.7}).replace("masked_lm_", "_") + "\n"
            )
            deadline = time.monotonic() + 20
            while len(shown) < before + 2 and time.monotonic() < deadline:
                time.sleep(0.005)
            made = shown[-1][MIMETYPE]
            assert made["layout"]["title"]["text"].startswith(f"{name}, step 1:")
            assert [trace["name"] for trace in made["data"]] == ["loss"]


def test_between_two_figures_stands_something_of_another_kind_and_the_same_height(tmp_path, shown):
    """JupyterLab's renderer ignores a figure in the place of a figure."""
    with watch(tmp_path):
        for number in (1, 2):
            before = len(shown)
            with (tmp_path / "metrics.jsonl").open("a") as file:
                file.write(json.dumps(step(number)) + "\n")
            deadline = time.monotonic() + 20
            while len(shown) < before + 2 and time.monotonic() < deadline:
                time.sleep(0.005)
    kinds = [MIMETYPE in content for content in shown]
    assert kinds == [False, False, True, False, True]
    assert f"{shown[-1][MIMETYPE]['layout']['height']}px" in shown[-2]["text/html"]


def test_a_figure_that_cannot_be_drawn_does_not_stop_the_training(tmp_path, shown, capsys):
    (tmp_path / "metrics.jsonl").write_text("this is no JSON\n")
    with watch(tmp_path):
        trained = True
    assert trained and "the training goes on" in capsys.readouterr().out


def test_an_error_of_the_training_is_not_hidden_by_the_figure(tmp_path, shown):
    with pytest.raises(ZeroDivisionError), watch(tmp_path):
        1 / 0


def test_a_whole_edition_and_a_plain_process_draw_nothing(tmp_path, shown, monkeypatch):
    monkeypatch.setenv("DISTILBOOK_LOG", str(tmp_path / "log"))
    with watch(tmp_path):
        pass
    monkeypatch.delenv("DISTILBOOK_LOG")
    monkeypatch.setattr(live, "in_kernel", lambda: False)
    with watch(tmp_path):
        pass
    assert shown == []


def test_a_live_figure_is_no_part_of_a_page(tmp_path, shown):
    import nbformat
    from distilbook.core.progress import PROGRESS
    from distilbook.site.pages import Chapter, to_page

    (tmp_path / "metrics.jsonl").write_text(json.dumps(step(1)) + "\n")
    with watch(tmp_path):
        pass
    output = nbformat.v4.new_output("display_data", data=shown[-1], metadata=PROGRESS)
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("1", outputs=[output])])
    assert to_page(Chapter("x", notebook, "executed")).cells[0].outputs == []


def test_a_cards_headings_do_not_disturb_the_chapters_contents(tmp_path):
    (tmp_path / "README.md").write_text("---\nlibrary_name: transformers\n---\n\n# Title\n\n## Part\n\nText.\n")
    assert (
        "<details><summary><code>README.md</code>, the model card</summary><p><strong>Title</strong></p>\n"
        "<p><strong>Part</strong></p>\n<p>Text.</p>\n</details>"
    ) in show_card(tmp_path / "README.md").content["html"]
