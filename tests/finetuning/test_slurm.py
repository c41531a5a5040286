"""Grid on SLURM, with stand-ins for SLURM's commands that run its jobs on this machine."""

import stat
import sys
import textwrap

import pytest
from distilbook.core.config import BookError
from distilbook.finetuning.grid import Model, grid, run_grid

#: Starts every task of a submitted file's array, each with the variables that SLURM gives it.
SBATCH = """
    import os, re, subprocess, sys
    from pathlib import Path
    script = sys.argv[-1]
    text = Path(script).read_text()
    Path(os.environ["FAKE_SLURM"], "submitted.sh").write_text(text)
    array = re.search(r"--array=(\\d+)-(\\d+)", text)
    for number in range(int(array[1]), int(array[2]) + 1) if array else [None]:
        own = {"SLURM_JOB_ID": "77", "SLURM_PROCID": "0", "SLURM_LOCALID": "0", "SLURM_NODEID": "0"}
        own |= {"SLURM_NTASKS": "1", "SLURM_JOB_NUM_NODES": "1", "SLURM_JOB_NODELIST": "here"}
        own |= {} if number is None else {"SLURM_ARRAY_JOB_ID": "77", "SLURM_ARRAY_TASK_ID": str(number)}
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "start_new_session": True}
        subprocess.Popen(["bash", script], env=os.environ | own, **quiet)
    print("Submitted batch job 77")
"""
SRUN = """
    import os, sys
    arguments = sys.argv[1:]
    while arguments[0].startswith("-"):
        arguments = arguments[2 if arguments[0] in ("--output", "--error") else 1 :]
    os.execvp(arguments[0], arguments)
"""
#: Jobs have ended when their results are there, which submitit sees by itself.
SACCT = 'print("JobID|State|NodeList")\nfor i in range(8): print(f"77_{i}|RUNNING|here")\nprint("77|RUNNING|here")'


@pytest.fixture
def slurm(tmp_path, monkeypatch):
    folder = tmp_path / "slurm"
    folder.mkdir()
    for name, source in (("sbatch", SBATCH), ("srun", SRUN), ("sacct", SACCT), ("scancel", "")):
        path = folder / name
        path.write_text(f"#!{sys.executable}\n{textwrap.dedent(source).strip()}\n")
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", str(folder), prepend=":")
    monkeypatch.setenv("FAKE_SLURM", str(folder))
    return folder


@pytest.fixture
def cells(config, tmp_path):
    tasks = tuple(task for task in config.tasks if task.name == "reviews")
    models = {name: [Model(name)] for name in ("majority", "tfidf")}
    return grid(config.model_copy(update={"tasks": tasks}), models, tmp_path / "runs")


def test_a_grid_is_finished_by_jobs_that_ask_for_what_the_reader_named(cells, slurm, tmp_path):
    run_grid(cells, tmp_path / "runs", workers=2, cluster="slurm", slurm_partition="gpu", timeout_min=30)
    assert all(cell.finished for cell in cells)
    asked = (slurm / "submitted.sh").read_text()
    assert "#SBATCH --partition=gpu" in asked and "#SBATCH --time=30" in asked and "#SBATCH --array=0-1" in asked


def test_without_slurm_the_reader_is_told(cells, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(BookError, match="SLURM is not available"):
        run_grid(cells, tmp_path / "runs", cluster="slurm")
