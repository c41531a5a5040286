import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from distilbook.files import read_json


@pytest.fixture
def run_on(corpus, teacher_folder, pretrain_values, tmp_path):
    """A function that trains one student, with dropout, on a number of processes and returns its folder."""

    def run(processes: int) -> Path:
        output = tmp_path / str(processes)
        script = Path(__file__).with_name("one_run.py")
        launcher = ["-m", "torch.distributed.run", "--standalone", "--nproc_per_node", str(processes)]
        values = json.dumps(pretrain_values | {"blocks_per_step": 8})
        command = [sys.executable, *launcher, script, corpus.folder, teacher_folder, output, values]
        done = subprocess.run(list(map(str, command)), text=True, capture_output=True, timeout=300)
        assert done.returncode == 0, done.stderr[-3000:]
        assert done.stdout.count(f"{processes} processes") == processes
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
