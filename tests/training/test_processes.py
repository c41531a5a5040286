import json
from pathlib import Path

import pytest
import torch
from distilbook.core.files import read_json
from distilbook.pretraining.pretrain import PretrainConfig
from one_gradient import gradient
from processes import launch
from safetensors.torch import load_file

HERE = Path(__file__).parent


@pytest.fixture
def run_on(corpus, teacher_folder, pretrain_values, tmp_path):
    """A function that trains one student, with dropout, on a number of processes and returns its folder."""

    def run(processes: int) -> Path:
        output = tmp_path / str(processes)
        values = json.dumps(pretrain_values | {"blocks_per_step": 8})
        said = launch(processes, HERE / "one_run.py", corpus.folder, teacher_folder, output, values)
        assert said.count(f"{processes} processes") == processes
        return next(path.parent for path in output.glob("*/done.json"))

    return run


def test_two_processes_train_the_same_student_as_one(run_on):
    one, two = run_on(1), run_on(2)
    weights = [load_file(folder / "model" / "model.safetensors") for folder in (one, two)]
    for name, tensor in weights[0].items():
        # Sums in another order: float32 rounding, six steps of AdamW at 5e-4.
        torch.testing.assert_close(tensor, weights[1][name], rtol=0, atol=1e-6)
    facts = [read_json(folder / "done.json") for folder in (one, two)]
    assert facts[0]["tokens"] == facts[1]["tokens"] and facts[0]["scores"] == pytest.approx(
        facts[1]["scores"], rel=1e-4
    )
    assert len((one / "metrics.jsonl").read_text().splitlines()) == len(
        (two / "metrics.jsonl").read_text().splitlines()
    )


@pytest.fixture(params=["corpus", "padded_corpus"])
def text(request):
    return request.getfixturevalue(request.param)


def test_the_gradient_is_the_same_however_a_step_is_divided(text, teacher_folder, pretrain_values, tmp_path):
    """Eight blocks at once, 2 x 4 and 4 x 2; on one process and on two. The gradient's largest entries are near 1."""
    values = pretrain_values | {"blocks_per_step": 8}
    by_size = {
        (size, dropout): gradient(
            text.folder, teacher_folder, PretrainConfig(**values | {"micro_batch": size}), dropout
        )
        for size, dropout in ((8, 0.0), (4, 0.0), (2, 0.0), (4, 0.1))
    }
    launch(
        2,
        HERE / "one_gradient.py",
        text.folder,
        teacher_folder,
        tmp_path / "two",
        json.dumps(values | {"micro_batch": 4}),
    )
    two = load_file(tmp_path / "two")
    for name, whole in by_size[8, 0.0].items():
        for other in (by_size[4, 0.0][name], by_size[2, 0.0][name], two[f"0.0.{name}"]):
            torch.testing.assert_close(other, whole, rtol=1e-10, atol=1e-13)
        # With dropout the masks belong to the micro-batch: the same gradient for the same micro-batches, and no other.
        torch.testing.assert_close(two[f"0.1.{name}"], by_size[4, 0.1][name], rtol=1e-10, atol=1e-13)
    assert not torch.allclose(two["0.1.vocab_transform.weight"], two["0.0.vocab_transform.weight"], rtol=1e-3)
