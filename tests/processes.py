"""Scripts run on several processes, as accelerate and torch's launcher start them."""

import subprocess
import sys
from pathlib import Path


def launch(processes: int, script: Path, *arguments) -> str:
    """Run ``script`` on a number of processes and return what it printed."""
    launcher = ["-m", "torch.distributed.run", "--standalone", "--nproc_per_node", str(processes)]
    command = [sys.executable, *launcher, script, *arguments]
    done = subprocess.run(list(map(str, command)), text=True, capture_output=True, timeout=300)
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout
