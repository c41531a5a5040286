"""Damage to files at random: what a failing disk, a killed copy or a stray command leaves."""

from __future__ import annotations

from pathlib import Path
from random import Random


def flip(path: Path, draw: Random) -> None:
    content = bytearray(path.read_bytes())
    if content:
        content[draw.randrange(len(content))] ^= 1 << draw.randrange(8)
    path.write_bytes(content)


def truncate(path: Path, draw: Random) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: draw.randrange(len(content) + 1)])


def delete(path: Path, draw: Random) -> None:
    path.unlink()


def empty(path: Path, draw: Random) -> None:
    path.write_bytes(b"")


def overwrite(path: Path, draw: Random) -> None:
    content = bytearray(path.read_bytes())
    start = draw.randrange(len(content) + 1)
    content[start : start + 64] = draw.randbytes(len(content[start : start + 64]))
    path.write_bytes(content)


KINDS = (flip, truncate, delete, empty, overwrite)


def damage(folder: Path, draw: Random) -> str:
    """Damage one to three of the files below ``folder`` and say how."""
    done = []
    for _ in range(draw.choice((1, 1, 2, 3))):
        files = sorted(path for path in folder.rglob("*") if path.is_file() and path.name not in ("lock", "lock.json"))
        if files:
            path, kind = draw.choice(files), draw.choice(KINDS)
            kind(path, draw)
            done.append(f"{kind.__name__} {path.relative_to(folder)}")
    return ", ".join(done)
