"""The one pinned list against what is installed, declared and explained."""

import importlib.metadata
import re
import tomllib

import pytest
import yaml


@pytest.fixture(scope="module")
def pins(project) -> dict[str, str]:
    parts = yaml.safe_load((project / "environment.yml").read_text())["dependencies"]
    lines = next(part["pip"] for part in parts if isinstance(part, dict))
    return dict(line.split("==") for line in lines if not line.startswith("-e"))


def test_what_is_installed_is_what_is_pinned(pins):
    installed = {name: importlib.metadata.version(name).partition("+")[0] for name in pins}
    assert installed == pins


def test_the_makefile_reads_the_same_list(project, pins):
    """The Makefile's sed expression, applied here."""
    text = (project / "environment.yml").read_text().split("- pip:\n", 1)[1]
    assert re.findall(r"^ *- (.*)$", text, flags=re.MULTILINE) == [*(f"{n}=={v}" for n, v in pins.items()), "-e ."]


def test_every_declared_dependency_is_pinned_within_its_bound(project, pins):
    from packaging.requirements import Requirement

    declared = tomllib.loads((project / "pyproject.toml").read_text())["project"]["dependencies"]
    for requirement in map(Requirement, declared):
        assert requirement.specifier.contains(pins[requirement.name]), requirement


def test_the_readme_says_why_each_package_is_there(project, pins):
    reasons = (project / "README.md").read_text().split("## Dependencies")[1]
    assert [name for name in pins if not re.search(rf"\b{re.escape(name)}\b", reasons)] == []
