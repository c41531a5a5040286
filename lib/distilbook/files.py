"""Writing without loss: every file appears whole or not at all."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import socket
import tempfile
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from .config import BookError
from .inputs import look, open_file

#: Seconds for which a lock is waited for: longer than :func:`holder_of` holds one to see whether it is free.
PATIENCE = 0.5


def write_text(path: Path, text: str) -> None:
    """Write ``text`` to ``path`` atomically: a reader sees the old content or the new, never a part."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            os.chmod(temporary, 0o666 & ~_umask())
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise


def _umask() -> int:
    """Return the process's umask, which temporary files ignore and what they become should not."""
    mask = os.umask(0)
    os.umask(mask)
    return mask


def write_json(path: Path, value: Any) -> None:
    """Write ``value`` to ``path`` as indented JSON, atomically."""
    write_text(path, json.dumps(value, indent=2, ensure_ascii=False) + "\n")


def read_json(path: Path) -> Any:
    """Return the value stored in the JSON file ``path``."""
    return json.loads(path.read_text(encoding="utf-8"))


@contextlib.contextmanager
def new_folder(path: Path) -> Iterator[Path]:
    """Yield a temporary folder that becomes ``path`` when the block ends well, and vanishes when it does not."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(dir=path.parent, prefix=f".{path.name}."))
    try:
        os.chmod(temporary, 0o777 & ~_umask())
        yield temporary
        old = None
        if path.exists():
            old = temporary.with_name(temporary.name + ".old")
            os.replace(path, old)
        os.replace(temporary, path)
        if old is not None:
            shutil.rmtree(old)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise


def sha256(path: Path) -> str:
    """Return the SHA-256 of the file ``path`` in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def content_hash(path: Path, known: Path) -> str:
    """Return a hash of the content of a file, or of all files of a folder with their names.

    Links are followed, hidden and system files left out (:func:`distilbook.inputs.look`).

    Args:
        known: a JSON file in which the hash of a file is kept with its size and time of change, so that
            a large file is only read again when one of these is another.

    Raises:
        BookError: for a file that cannot be read.
    """
    files = look(path).files if path.is_dir() else [path]
    before: dict[str, list] = _known_hashes(known)
    found = {str(file): _known_hash(file, before.get(str(file))) for file in files}
    if any(before.get(name) != entry for name, entry in found.items()):
        with contextlib.suppress(OSError):  # on a full or read-only disk the files are read again next time
            write_json(known, before | found)
    digest = hashlib.sha256()
    for file in files:
        digest.update(f"{file.relative_to(path).as_posix()}\0{found[str(file)][2]}\0".encode())
    return digest.hexdigest()[:16]


def _known_hashes(known: Path) -> dict[str, list]:
    """Return what ``known`` holds; nothing where it is not there or broken, and the files are read again."""
    try:
        return dict(read_json(known))
    except (OSError, ValueError, TypeError):
        return {}


def _known_hash(file: Path, before: list | None) -> list:
    """Return size, time of change and SHA-256 of ``file``; the last as it was where the first two are."""
    with open_file(file) as content:
        stat = os.fstat(content.fileno())
    if isinstance(before, list) and before[:2] == [stat.st_size, stat.st_mtime_ns]:
        return before
    return [stat.st_size, stat.st_mtime_ns, sha256(file)]


def size_of(path: Path) -> int:
    """Return the bytes of a file, or of all files below a folder."""
    if not path.is_dir():
        return path.stat().st_size if path.exists() else 0
    return sum(file.stat().st_size for file in path.rglob("*") if file.is_file())


@contextlib.contextmanager
def sole(path: Path, what: str) -> Iterator[None]:
    """Hold the lock file ``path`` during the block; a process that is killed gives it up.

    Args:
        what: what must not happen twice at once, to begin an error with: "a run of edition 'laptop'".

    Raises:
        BookError: within a second, when another process holds it, naming that process.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    lock, holder = FileLock(path), _holder(path)
    try:
        lock.acquire(timeout=PATIENCE)
    except Timeout:
        raise BookError(
            f"{what} is under way already", where=_named(path), do="wait until it ends, or stop it"
        ) from None
    try:
        now = datetime.now().astimezone().isoformat(sep=" ", timespec="seconds")
        write_json(holder, {"process": os.getpid(), "machine": socket.gethostname(), "since": now})
        yield
    finally:
        holder.unlink(missing_ok=True)
        lock.release()


def holder_of(path: Path) -> str | None:
    """Return in words which process holds the lock file ``path``; None where none does."""
    if not path.exists():
        return None
    lock = FileLock(path)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        return _named(path)
    lock.release()
    return None


def _holder(path: Path) -> Path:
    return path.with_name(f"{path.name}.json")


def _named(path: Path) -> str:
    try:
        who = read_json(_holder(path))
    except FileNotFoundError:  # it has just come, or is just leaving
        return "another process"
    return f"process {who['process']} on {who['machine']}, since {who['since']}"
