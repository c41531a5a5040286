"""What the tests share."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def project() -> Path:
    """The project's root."""
    return Path(__file__).resolve().parents[1]


@pytest.fixture
def runs(tmp_path, monkeypatch) -> Path:
    """An empty folder that stands for runs/ during one test."""
    folder = tmp_path / "runs"
    monkeypatch.setenv("DISTILBOOK_RUNS", str(folder))
    return folder
