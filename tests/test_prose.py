"""Form of the pages: a first screen, a summary, short code cells, light imports, constants that are the library's."""

from __future__ import annotations

import ast
import math
import re
import subprocess
import sys
from pathlib import Path

import jupytext
import pytest
import yaml
from distilbook.claims import TABLE_1, TABLE_4
from distilbook.corpus.masking import SMOOTHING
from distilbook.training.schedule import Optimisation

PROJECT = Path(__file__).resolve().parents[1]
BOOK = PROJECT / "book"
CHAPTERS = sorted([*BOOK.glob("[0-9][0-9]_*.py"), *BOOK.glob("[0-9][0-9]_*/*.py")])
CODE_LINES = 20

ORIGINAL_LAYERS = yaml.safe_load((PROJECT / "parameters/paper/04_student.yaml").read_text())["layers"]
#: The paper edition fine-tunes on GLUE as the scripts of the original repository do.
RATE, POWER = map(
    float,
    f"{yaml.safe_load((PROJECT / 'parameters/paper/08_sentence_tasks.yaml').read_text())['learning_rate']:e}".split(
        "e"
    ),
)
#: Constants of the method that are typed in formulas.
FORMULAS = {
    "02_corpus": [rf"\mathrm{{count}}(v)^{{-{SMOOTHING}}}"],
    "06_pretraining": [
        rf"$\beta = {Optimisation().betas}$",
        rf"$\epsilon = 10^{{{round(math.log10(Optimisation().epsilon))}}}$",
    ],
    "08_sentence_tasks": [rf"a learning rate of ${RATE:g} \cdot 10^{{{POWER:g}}}$"],
}


def page_name(path: Path) -> str:
    return path.relative_to(BOOK).with_suffix("").as_posix()


def cells(path: Path, kind: str) -> list[str]:
    """Return the cells of a kind, without the parameters cell."""
    found = [cell for cell in jupytext.read(path, fmt="py:percent").cells if cell.cell_type == kind]
    return [cell.source for cell in found if "parameters" not in cell.metadata.get("tags", [])]


@pytest.mark.parametrize("path", CHAPTERS, ids=page_name)
def test_the_first_screen_says_what_to_expect_and_the_last_cell_sums_up(path):
    prose = cells(path, "markdown")
    assert all(words in prose[0] for words in ("**You will**", "**You will have learnt**", "**You need**"))
    assert "## Summary" in prose[-1] and "## Exercises" in prose[-1]


@pytest.mark.parametrize("path", CHAPTERS, ids=page_name)
def test_code_cells_are_short(path):
    long = [source for source in cells(path, "code") if len(source.splitlines()) > CODE_LINES]
    assert not long, f"more than {CODE_LINES} lines; move what is common into distilbook.views: {long[0]}"


@pytest.mark.parametrize("path", [*CHAPTERS, BOOK / "index.md"], ids=page_name)
def test_no_path_of_a_machine_stands_in_a_page(path):
    assert not re.findall(r"(?<![\w.])/(?:home|root|Users|tmp|work|mnt)/\S*", path.read_text())


@pytest.mark.parametrize("path", CHAPTERS, ids=page_name)
def test_a_displayed_sentence_has_no_number_typed_into_it(path):
    for source in cells(path, "code"):
        for call in ast.walk(ast.parse(source)):
            if isinstance(call, ast.Call) and getattr(call.func, "id", "") == "say":
                texts = [node.value for node in ast.walk(call) if isinstance(node, ast.Constant)]
                assert not [t for t in texts if isinstance(t, str) and re.search(r"\d", t)], ast.unparse(call)


@pytest.mark.parametrize("chapter", FORMULAS)
def test_constants_in_formulas_are_the_librarys(chapter):
    source = (BOOK / f"{chapter}.py").read_text()
    assert [formula for formula in FORMULAS[chapter] if formula not in source] == []


def test_the_original_layers_are_the_same_wherever_they_are_typed():
    paper = yaml.safe_load((PROJECT / "parameters/paper/06_pretraining.yaml").read_text())
    assert paper["layers"] == ORIGINAL_LAYERS
    assert f"layer_map({ORIGINAL_LAYERS}, 12)" in (BOOK / "04_student.py").read_text()


def test_the_hypotheses_have_the_papers_losses_in_their_order():
    """Largest, second largest, smallest; and the cosine loss's about half of the distillation loss's."""
    order = ["random_initialisation", "without_distillation", "without_cosine", "without_mlm"]
    assert sorted(TABLE_4, key=TABLE_4.get) == order
    assert TABLE_4["without_cosine"] / TABLE_4["without_distillation"] == pytest.approx(0.5, abs=0.02)


def test_the_scores_that_the_first_chapter_states_are_those_of_table_1():
    stated = f"{TABLE_1['DistilBERT']['Score']} / {TABLE_1['BERT-base']['Score']}"
    assert stated in (BOOK / "01_claims.py").read_text()


@pytest.mark.parametrize("chapter", ["01_claims", "07_ablations/summary", "13_verdict"])
def test_a_chapter_that_only_reads_imports_nothing_heavy(chapter):
    imports = [
        ast.unparse(node)
        for source in cells(BOOK / f"{chapter}.py", "code")
        for node in ast.parse(source).body
        if isinstance(node, ast.Import | ast.ImportFrom)
    ]
    assert imports
    check = "import sys; print([m for m in ('torch', 'transformers', 'sklearn') if m in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", "\n".join([*imports, check])], capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "[]"
