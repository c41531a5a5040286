"""The process that executes one notebook through papermill; it lives no longer than the runner that started it.

The runner writes the job as a line of JSON to this process's standard input and keeps it open. When
the runner ends, in whatever way, the input ends too, and with it this process and all it has started.
"""

from __future__ import annotations

import json
import os
import sys
import threading

from ..machine import keep_to


def main() -> None:
    """Execute the job on standard input; the exit status is 0 only when papermill reached the last cell."""
    job = json.loads(sys.stdin.readline())
    threading.Thread(target=_end_with_the_runner, daemon=True).start()
    keep_to(job["cores"])
    import papermill

    papermill.execute_notebook(
        job["source"],
        job["output"],
        parameters=job["parameters"],
        cwd=job["folder"],
        kernel_name="python3",
        progress_bar=False,
        log_output=False,
        extra_arguments=["--IPKernelApp.log_level=50"],
    )


def _end_with_the_runner() -> None:
    sys.stdin.read()
    import psutil

    for process in psutil.Process().children(recursive=True):
        process.kill()
    os._exit(1)


if __name__ == "__main__":
    main()
