"""What a chapter's end is taken for; whole executions are in test_run.py."""

import json
import os
import subprocess
import sys

import nbformat
import pytest

from distilbook.runner.execution import read_if_whole, unexecuted_cell


def test_a_notebook_whose_later_cells_were_passed_over_is_no_success():
    cells = [nbformat.v4.new_markdown_cell("text"), *(nbformat.v4.new_code_cell(source) for source in ("a", "", "b"))]
    cells[1].execution_count = 1
    notebook = nbformat.v4.new_notebook(cells=cells)
    assert unexecuted_cell(notebook, 0) == "cell 4 was not executed: an earlier cell ended the kernel"
    cells[3].execution_count = 2
    assert unexecuted_cell(notebook, 0) == ""


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="this system has no affinity")
def test_a_chapter_keeps_to_its_cores(tmp_path):
    core = min(os.sched_getaffinity(0))
    cell = nbformat.v4.new_code_cell(
        "import os, torch; print(sorted(os.sched_getaffinity(0)), torch.get_num_threads())"
    )
    metadata = {"kernelspec": {"name": "python3", "language": "python", "display_name": "Python 3"}}
    source, output = tmp_path / "a.ipynb", tmp_path / "b.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=[cell], metadata=metadata), source)
    job = {"source": str(source), "output": str(output), "parameters": {}, "folder": str(tmp_path), "cores": [core]}
    process = subprocess.Popen(
        [sys.executable, "-m", "distilbook.runner.notebook"], stdin=subprocess.PIPE, text=True, stderr=subprocess.PIPE
    )
    process.stdin.write(json.dumps(job) + "\n")
    process.stdin.flush()
    assert process.wait(timeout=60) == 0, process.stderr.read()
    printed = nbformat.read(output, as_version=4).cells[-1].outputs[0].text
    assert printed == f"[{core}] 1\n"


def test_a_notebook_that_a_full_disk_cut_off_is_no_notebook(tmp_path):
    (tmp_path / "a.ipynb").write_text("")
    assert read_if_whole(tmp_path / "a.ipynb") is None and read_if_whole(tmp_path / "b.ipynb") is None
    nbformat.write(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("1")]), tmp_path / "b.ipynb")
    assert read_if_whole(tmp_path / "b.ipynb").cells[0].source == "1"
