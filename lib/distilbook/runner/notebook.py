"""Process that executes one notebook through papermill, and ends with the runner that started it.

The runner writes the job as a line of JSON to standard input and keeps it open. When the runner ends, in whatever
way, the input closes, and this process ends with all it has started.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
import threading
from pathlib import Path

import psutil

from ..core.machine import keep_to

#: Longest path of a socket on every system, with room for the suffix of zmq.
SOCKET_PATH = 90


def main() -> None:
    """Execute the job on standard input; the exit status is 0 only when papermill reached the last cell."""
    job = json.loads(sys.stdin.readline())
    sockets = Path(tempfile.mkdtemp(prefix="distilbook-"))
    threading.Thread(target=_end_with_the_runner, args=(sockets,), daemon=True).start()
    keep_to(job["cores"])
    import papermill
    from traitlets.config import Config

    try:
        papermill.execute_notebook(
            job["source"],
            job["output"],
            parameters=job["parameters"],
            cwd=job["folder"],
            kernel_name="python3",
            progress_bar=False,
            log_output=False,
            start_timeout=300,
            extra_arguments=["--IPKernelApp.log_level=50"],
            config=Config(KernelManager=_connection(sockets)),
        )
    finally:
        shutil.rmtree(sockets, ignore_errors=True)


def _connection(sockets: Path) -> dict[str, str]:
    """Return the kernel's connection: sockets in a folder of its own.

    Ports are chosen, released and bound by the kernel a second later, so two chapters that start together may collide.
    """
    file = sockets / "kernel.json"
    return {"transport": "ipc", "connection_file": str(file)} if len(str(file)) <= SOCKET_PATH else {}


def _end_with_the_runner(sockets: Path) -> None:
    sys.stdin.read()
    for process in psutil.Process().children(recursive=True):
        process.kill()
    shutil.rmtree(sockets, ignore_errors=True)
    os._exit(1)


if __name__ == "__main__":
    main()
