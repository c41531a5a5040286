"""Atomic files and folders, content hashes, lock files.

A file or folder appears whole or not at all, also after a power cut. A killed write leaves a hidden file, which is
never read.
"""

from __future__ import annotations

import contextlib
import glob
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

from .errors import BookError
from .inputs import look, open_file

#: Seconds to wait for a lock: longer than :func:`holder_of` holds one to see whether it is free.
PATIENCE = 0.5


def write_text(path: Path, text: str) -> None:
    """Write ``text`` to ``path`` atomically: a reader sees the old content or the new, never a part."""
    with new_file(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


@contextlib.contextmanager
def new_file(path: Path) -> Iterator[Path]:
    """Yield a temporary file that becomes ``path`` when the block ends well, and vanishes when it does not.

    Its name ends like that of ``path``, for writers that go by it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.stem}.", suffix=path.suffix)
    os.close(descriptor)
    temporary = Path(name)
    try:
        temporary.chmod(0o666 & ~_umask())
        yield temporary
        sync(temporary)
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    sync(path.parent)


def sync(path: Path) -> None:
    """Wait until the content of a file, or the names in a folder, are on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError:
        if not path.is_dir():  # some network file systems do not know this of folders
            raise
    finally:
        os.close(descriptor)


def _umask() -> int:
    """Return the process's umask, which temporary files ignore and what they become should not."""
    mask = os.umask(0)
    os.umask(mask)
    return mask


def write_json(path: Path, value: Any) -> None:
    """Write ``value`` to ``path`` as indented JSON, atomically."""
    write_text(path, json.dumps(value, indent=2, ensure_ascii=False) + "\n")


def read_json(path: Path) -> Any:
    """Return the value stored in the JSON file ``path``.

    Raises:
        BookError: when it is damaged. FileNotFoundError: when it is not there.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:  # no UTF-8, or no JSON
        do = "restore it, or remove it and start again"
        raise BookError(f"a file is damaged: {error}", where=path, expected="JSON", do=do) from None


@contextlib.contextmanager
def new_folder(path: Path) -> Iterator[Path]:
    """Yield a temporary folder that becomes ``path`` when the block ends well, and vanishes when it does not.

    An existing ``path`` is replaced. A kill between the two renamings leaves it under a hidden name; the next call
    for the same ``path`` restores it first.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    _take_back(path)
    temporary = Path(tempfile.mkdtemp(dir=path.parent, prefix=f".{path.name}."))
    try:
        temporary.chmod(0o777 & ~_umask())
        yield temporary
        for below in temporary.rglob("*"):
            if not below.is_symlink():
                sync(below)
        sync(temporary)
        _put(temporary, path)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise


def _put(temporary: Path, path: Path) -> None:
    """Rename ``temporary`` to ``path``; what is there, or comes there meanwhile, is moved away and removed."""
    old = temporary.with_name(f"{temporary.name}.old")
    while True:
        try:
            os.rename(temporary, path)
            break
        except OSError:
            if not path.exists():
                raise
        shutil.rmtree(old, ignore_errors=True)
        with contextlib.suppress(FileNotFoundError):  # somebody else has just moved it away
            os.rename(path, old)
    sync(path.parent)
    shutil.rmtree(old, ignore_errors=True)


def _take_back(path: Path) -> None:
    """Rename to ``path`` what a killed :func:`new_folder` had moved away from there."""
    if not path.exists():
        for old in path.parent.glob(f".{glob.escape(path.name)}.*.old"):
            with contextlib.suppress(OSError):  # another process was quicker
                os.rename(old, path)


def sha256(path: Path) -> str:
    """Return the SHA-256 of the file ``path`` in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def content_hash(path: Path, known: Path) -> str:
    """Return a hash of the content of a file, or of all files of a folder with their names.

    Links are followed, hidden and system files left out (:func:`distilbook.core.inputs.look`).

    Args:
        known: a JSON file in which the hash of a file is kept with its size and time of change, so that
            a large file is only read again when one of these is another.

    Raises:
        BookError: for a file that cannot be read.
    """
    files = look(path).files if path.is_dir() else [path]
    before: dict[str, list] = {}
    with contextlib.suppress(OSError, BookError, ValueError, TypeError):  # gone or broken: the files are read again
        before = dict(read_json(known))
    found = {str(file): _known_hash(file, before.get(str(file))) for file in files}
    if any(before.get(name) != entry for name, entry in found.items()):
        with contextlib.suppress(OSError):  # on a full or read-only disk the files are read again next time
            write_json(known, before | found)
    digest = hashlib.sha256()
    for file in files:
        digest.update(f"{file.relative_to(path).as_posix()}\0{found[str(file)][2]}\0".encode())
    return digest.hexdigest()[:16]


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
        do = "wait until it ends, or stop it"
        raise BookError(f"{what} is under way already", where=_named(path), do=do) from None
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
    except (FileNotFoundError, BookError):  # it has just come, is just leaving, or could not write its name
        return "another process"
    return f"process {who['process']} on {who['machine']}, since {who['since']}"
