"""What a chapter's end is taken for; whole executions are in test_run.py."""

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import nbformat
import pytest
from distilbook.runner.execution import read_if_whole, unexecuted_cell
from distilbook.runner.notebook import SOCKET_PATH


def test_a_notebook_whose_later_cells_were_passed_over_is_no_success():
    cells = [nbformat.v4.new_markdown_cell("text"), *(nbformat.v4.new_code_cell(source) for source in ("a", "", "b"))]
    cells[1].execution_count = 1
    notebook = nbformat.v4.new_notebook(cells=cells)
    assert unexecuted_cell(notebook, 0) == "cell 4 was not executed: an earlier cell ended the kernel"
    cells[3].execution_count = 2
    assert unexecuted_cell(notebook, 0) == ""


def execution(folder, source, temporary=None) -> subprocess.Popen:
    """Start the execution of a notebook of one cell on the first core, with temporary files under ``temporary``."""
    metadata = {"kernelspec": {"name": "python3", "language": "python", "display_name": "Python 3"}}
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source)], metadata=metadata)
    nbformat.write(notebook, folder / "a.ipynb")
    job = {
        "source": str(folder / "a.ipynb"),
        "output": str(folder / "b.ipynb"),
        "parameters": {},
        "folder": str(folder),
        "cores": keepable_cores()[:1],
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "distilbook.runner.notebook"],
        stdin=subprocess.PIPE,
        text=True,
        stderr=subprocess.PIPE,
        env=os.environ | ({"TMPDIR": str(temporary)} if temporary else {}),
    )
    process.stdin.write(json.dumps(job) + "\n")
    process.stdin.flush()
    return process


def keepable_cores() -> list[int]:
    return sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else [0]


def printed(folder) -> str:
    return nbformat.read(folder / "b.ipynb", as_version=4).cells[-1].outputs[0].text


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="this system has no affinity")
def test_a_chapter_keeps_to_its_cores(tmp_path):
    source = "import os, torch; print(sorted(os.sched_getaffinity(0)), torch.get_num_threads())"
    process = execution(tmp_path, source)
    assert process.wait(timeout=300) == 0, process.stderr.read()
    assert printed(tmp_path) == f"[{keepable_cores()[0]}] 1\n"


CONNECTION = "from ipykernel.connect import get_connection_file; print(open(get_connection_file()).read())"


def short_folder(folder) -> Path:
    """Return a link to ``folder`` whose path a socket's has room for."""
    link = Path(tempfile.gettempdir()) / f"dbk{os.getpid()}"
    link.symlink_to(folder)
    return link


def test_a_chapter_speaks_with_its_kernel_where_no_other_can_be_mistaken_for_it(tmp_path):
    """Two kernels that start together may be given one port; a socket in a folder of its own is nobody else's."""
    (tmp_path / "t").mkdir()
    link = short_folder(tmp_path / "t")
    try:
        process = execution(tmp_path, CONNECTION, link)
        assert process.wait(timeout=300) == 0, process.stderr.read()
    finally:
        link.unlink()
    connection = json.loads(printed(tmp_path))
    assert connection["transport"] == "ipc" and connection["ip"].startswith(str(link))
    assert not list((tmp_path / "t").glob("distilbook-*")), "the folder of the sockets goes with the chapter"


def test_a_chapter_is_executed_where_paths_are_too_long_for_sockets(tmp_path):
    temporary = tmp_path / ("t" * SOCKET_PATH)
    temporary.mkdir()
    process = execution(tmp_path, CONNECTION, temporary)
    assert process.wait(timeout=300) == 0, process.stderr.read()
    assert json.loads(printed(tmp_path))["transport"] == "tcp"


def test_nothing_of_a_chapter_is_left_when_its_runner_ends(tmp_path):
    (tmp_path / "t").mkdir()
    link = short_folder(tmp_path / "t")
    try:
        process = execution(tmp_path, f"open({str(tmp_path / 'begun')!r}, 'w'); import time; time.sleep(600)", link)
        begun = time.monotonic()
        while not (tmp_path / "begun").exists() and time.monotonic() - begun < 300:
            assert process.poll() is None, process.stderr.read()
            time.sleep(0.1)
        assert len(list((tmp_path / "t").glob("distilbook-*/kernel-ipc-*"))) == 5
        process.stdin.close()
        assert process.wait(timeout=60) == 1
    finally:
        link.unlink()
    assert not list((tmp_path / "t").glob("distilbook-*"))


def test_a_notebook_that_a_full_disk_cut_off_is_no_notebook(tmp_path):
    (tmp_path / "a.ipynb").write_text("")
    assert read_if_whole(tmp_path / "a.ipynb") is None and read_if_whole(tmp_path / "b.ipynb") is None
    nbformat.write(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("1")]), tmp_path / "b.ipynb")
    assert read_if_whole(tmp_path / "b.ipynb").cells[0].source == "1"
