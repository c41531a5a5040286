"""What the chapters say stays true: typed numbers have a source; cells are short, and imports of readers light.

A number that depends on a run or an edition is never typed: it belongs into a sentence of
``distilbook.views.sentences``. What may be typed (the paper's figures, constants of the method, the
exercises' own values) stands in ``ACCOUNTED`` with its source, made from the constant where there is one.
"""

from __future__ import annotations

import ast
import math
import re
import subprocess
import sys
from pathlib import Path
from typing import get_args

import jupytext
import pytest
import yaml
from distilbook.claims import TABLE_1, TABLE_3, TABLE_4, Verdict, claim
from distilbook.claims.paper import GLUE
from distilbook.core.quantities import SHARE as PERCENT
from distilbook.core.quantities import figure
from distilbook.corpus.masking import SHARE, SMOOTHING, TREATMENT
from distilbook.distillation.recipe import Recipe, changes_of
from distilbook.inference.models import PUBLISHED
from distilbook.inference.timing import PERCENTILE
from distilbook.models.parameters import model_config
from distilbook.stats.comparison import WIDENED
from distilbook.training.schedule import Optimisation
from prose_numbers import NUMBER, numbers_in, unaccounted, without_code

PROJECT = Path(__file__).resolve().parents[1]
BOOK = PROJECT / "book"
PAGES = sorted([*BOOK.glob("[0-9][0-9]_*.py"), *BOOK.glob("[0-9][0-9]_*/*.py"), BOOK / "index.md"])
CODE_LINES = 20

#: Numbers in words; "one" and "two" are left out, being grammar as often as numbers.
WORDS = dict(enumerate(["three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"], start=3))
WORD = re.compile(rf"\b({'|'.join(WORDS.values())})\b", re.IGNORECASE)

SMALLER, RETAINED = (figure(claim(id).paper_value, PERCENT) for id in ("smaller", "retention"))
FASTER = f"{claim('faster').paper_value - 1:.0%}"
TEACHER, STUDENT = TABLE_3["BERT-base"], TABLE_3["DistilBERT"]
RATIO = f"{TEACHER['seconds'] / STUDENT['seconds']:.2f}"
ORIGINAL = yaml.safe_load((PROJECT / "parameters/paper/04_student.yaml").read_text())["layers"]
BERT_LAYERS = PUBLISHED["bert-base"]["num_hidden_layers"]
LAYERS = f"{', '.join(map(str, ORIGINAL[:-1]))} and {ORIGINAL[-1]}"
#: The paper edition fine-tunes on GLUE as the scripts of the original repository do.
SCRIPTS = yaml.safe_load((PROJECT / "parameters/paper/08_sentence_tasks.yaml").read_text())
RATE, POWER = map(float, f"{SCRIPTS['learning_rate']:e}".split("e"))
BERT = model_config("BertModel")


def typed(chapter: str, name: str):
    """Return the value of ``name`` in the parameters cell of ``chapter``, the laptop edition's."""
    for node in ast.walk(ast.parse((BOOK / f"{chapter}.py").read_text())):
        if isinstance(node, ast.AnnAssign) and node.target.id == name:
            return ast.literal_eval(node.value)
    raise KeyError(name)


NAMES = ("distillation_weight", "masked_lm_weight", "cosine_weight")
WEIGHTS = [typed("06_pretraining", name) for name in NAMES]
TERMS = WORDS[len(NAMES)]
FACTORS = WORDS[2 * 2]
FULL = Recipe(**{name: typed("06_pretraining", name) for name in Recipe.model_fields})

#: Where the tables of comparisons explain their intervals.
FROM_THREE_SEEDS = {"from three on": "claims.differences: an interval takes more than two"}

#: For each page the phrases with numbers that may be typed, and where the numbers come from.
ACCOUNTED: dict[str, dict[str, str]] = {
    "index": {
        "In 2019": "the year of the paper",
        f"corrected {TERMS} times": "the terms of Recipe",
        f"which of the {TERMS} corrections": "the terms of Recipe",
        "MiniLM, 6 layers": "the published MiniLM-L6, as its name has it",
        f"→ {len(typed('06_pretraining', 'layers'))} layers": "06_pretraining's parameter layers",
        f"BERT-base, {BERT_LAYERS} layers → {len(ORIGINAL)} layers": "comparisons.PUBLISHED, parameters/paper/04_student.yaml",
    },
    "01_claims": {
        f"it is {SMALLER} smaller": "the claim 'smaller'",
        f"keeps {RETAINED} of BERT's": "the claim 'retention'",
        f"is {FASTER} faster": "the claim 'faster'",
        "median of five seeds": "the paper, Table 1's caption",
        f"A verdict is one of {WORDS[len(get_args(Verdict))]}": "claims.Verdict",
        f"{TABLE_1['DistilBERT']['Score']} / {TABLE_1['BERT-base']['Score']} is printed as {RETAINED}": "Table 1",
        "With five seeds and a median": "the paper, Table 1's caption",
        f"a difference of {-TABLE_4['without_mlm']} points": "Table 4, without the masked-LM loss",
    },
    "02_corpus": {
        f"{SHARE:.0%} are drawn": "masking.SHARE",
        f"Of these {TREATMENT[0]:.0%} are replaced": "masking.TREATMENT",
        f"{TREATMENT[1]:.0%} by a random word piece": "masking.TREATMENT",
        f"and {TREATMENT[2]:.0%} stay": "masking.TREATMENT",
        f"draws {SHARE:.0%} of all the tokens": "masking.SHARE",
        f"gives {SHARE:.0%} of its own": "masking.SHARE",
        "Set the exponent to 0": "the exercise's own value",
        "to 64 and run": "the exercise's own value",
        "reach 100%": "all of them",
    },
    "03_teacher": {"is 0, the teacher is taken as it is": "the code: fitted_teacher"},
    "04_student": {
        f"where the {SMALLER} goes": "the claim 'smaller'",
        "why it is not 50%": "half",
        f"takes {LAYERS} of BERT's {WORDS[BERT_LAYERS]}": "parameters/paper/04_student.yaml, comparisons.PUBLISHED",
        f"The paper's {TEACHER['parameters']} million": "Table 3",
        f"its {STUDENT['parameters']} million": "Table 3",
    },
    "05_triple_loss": {
        f"into its {TERMS} terms": "the terms of Recipe",
        f"weights {WEIGHTS[0]:g}, {WEIGHTS[1]:g} and {WEIGHTS[2]:g} in the original": "06_pretraining's parameters",
        "seven positions, a vocabulary of eleven": "the toy batch: draw(7, 5) and draw(11, 5)",
        f"At {BERT.vocab_size:,} word pieces": "the published BERT's vocabulary",
        f"{TERMS.capitalize()} terms, {TERMS} normalisations": "the terms of Recipe",
        f"of the {TERMS} terms": "the terms of Recipe",
        "Put 0 masked positions": "the exercise's own value",
    },
    "06_pretraining": {
        f"weights of the {TERMS} terms": "the terms of Recipe",
        f"adds up the {TERMS} terms": "the terms of Recipe",
        f"at a norm of {Optimisation().max_gradient_norm:g}": "schedule.Optimisation",
        "to 1 and to 8": "the exercise's own values",
        f"of the {TERMS} curves": "the terms of Recipe",
    },
    **{
        f"07_ablations/{arm}": {f"has weight {next(iter(changes_of(arm, FULL).values())):g}": "recipe.ARMS"}
        for arm in ("without_distillation", "without_cosine")
    },
    "07_ablations/without_mlm": {
        f"has weight {changes_of('without_mlm', FULL)['masked_lm_weight']:g}": "recipe.ARMS",
        **FROM_THREE_SEEDS,
    },
    "07_ablations/without_teacher": {
        f"have weight {changes_of('without_teacher', FULL)['distillation_weight']:g}": "recipe.ARMS",
        **FROM_THREE_SEEDS,
    },
    "07_ablations/from_scratch": {
        f"{WORDS[len(changes_of('from_scratch', FULL))]} fields in the recipe": "recipe.ARMS",
        f"puts the {FACTORS} side by side": "two starts, two losses",
    },
    "07_ablations/choices": {f"Set all {TERMS} weights to one": "the terms of Recipe"},
    "07_ablations/summary": {
        **FROM_THREE_SEEDS,
        f"fewer than {WORDS[max(WIDENED) + 1]}": "answers.comparing.WIDENED",
        "one comparison of twenty": "held by simulation in tests/answers/test_comparing.py",
        "four times out of five": "the power in statistics.detectable_difference",
        f"make {FACTORS} recipes": "two starts, two losses",
        "Fewer than three seeds have no interval": "claims.differences: an interval takes more than two",
        "up to one in twenty": "held by simulation in tests/claims/test_differences.py",
        f"the paper's {WORDS[len(TABLE_4)]} differences": "Table 4",
    },
    "08_sentence_tasks": {
        f"{RETAINED} of the score": "the claim 'retention'",
        f"is {WORDS[len(GLUE)]} tasks": "claims.paper.GLUE",
        f"take {WORDS[SCRIPTS['epochs']]} epochs in batches of {SCRIPTS['batch_size']}": "parameters/paper",
    },
    "09_long_documents": {
        f'"only {-claim("imdb").paper_value:.1%} point behind"': "the claim 'imdb'",
        f"more than {BERT.max_position_embeddings} word pieces": "the published BERT's positions",
        "Give four lengths": "the exercise's own value",
    },
    "11_timing": {
        "is from 1 is the noise": "what a model's ratio to itself would be",
        "a ratio of 2. The paper": "half of the layers",
        f"{TEACHER['seconds']} / {STUDENT['seconds']} = {RATIO}": "Table 3",
        "those of 2019": "the paper's year",
        "by the one of 2019": "the paper's year",
        f"{PERCENTILE} of 100 passes": "times.PERCENTILE",
    },
}

#: Constants of the method that stand in formulas.
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


def prose_of(path: Path) -> list[str]:
    """Return the Markdown of a page, cell by cell, each on one line of single spaces."""
    if path.suffix == ".md":
        cells = [path.read_text()]
    else:
        cells = [c.source for c in jupytext.read(path, fmt="py:percent").cells if c.cell_type == "markdown"]
    return [plain(cell) for cell in cells]


def plain(markdown: str) -> str:
    """Return ``markdown`` without code, formulas, links' targets and the numbers that count chapters and exercises."""
    text = without_code(markdown)
    text = re.sub(r"(?m)^\s*\d+\. ", " ", text)
    text = re.sub(r"\b([Cc]hapters?|[Tt]able|[Ss]ection) \d+", r"\1", text)
    return " ".join(text.split())


def typed_numbers(text: str) -> list[tuple[str, int]]:
    """Return the numbers in ``text``, in digits and in words, with their places."""
    return [(n.text, n.start) for n in numbers_in(text)] + [(w.group(), w.start()) for w in WORD.finditer(text)]


def without_source(cells: list[str], phrases: list[str]) -> list[str]:
    """Return what is wrong: numbers outside every phrase, and phrases that stand nowhere."""
    wrong = []
    for text in cells:
        spans = [found.span() for phrase in phrases for found in re.finditer(re.escape(phrase), text)]
        for number, start in typed_numbers(text):
            if not any(low <= start < high for low, high in spans):
                wrong.append(f"the number {number!r} in “… {text[max(0, start - 60) : start + 40]} …” has no source")
    return wrong + [
        f"the phrase {phrase!r} stands nowhere" for phrase in phrases if not any(phrase in t for t in cells)
    ]


@pytest.mark.parametrize("path", PAGES, ids=page_name)
def test_every_typed_number_has_a_source(path):
    wrong = without_source(prose_of(path), list(ACCOUNTED.get(page_name(path), {})))
    assert not wrong, (
        f"{page_name(path)}: " + "; ".join(wrong) + ". A number that depends on a run or an edition belongs into a "
        "function of distilbook.views.sentences; for another one correct the prose, or give it a source in "
        "ACCOUNTED, made from the library's constant where there is one."
    )


def test_a_newly_typed_number_is_found_in_digits_and_in_words():
    cells = [plain("1. It is 40% smaller, see chapter 04 and {cite:p}`a2019b`, $x^2$, `7`.\n2. About nine times.")]
    wrong = without_source(cells, ["is 40% smaller"])
    assert len(wrong) == 1 and "'nine'" in wrong[0]


def test_a_phrase_that_no_longer_stands_in_its_chapter_is_reported():
    assert without_source(["15% are drawn"], ["16% are drawn"])[-1] == "the phrase '16% are drawn' stands nowhere"


@pytest.mark.parametrize("chapter", FORMULAS)
def test_constants_in_formulas_are_the_librarys(chapter):
    source = (BOOK / f"{chapter}.py").read_text()
    assert [formula for formula in FORMULAS[chapter] if formula not in source] == []


def test_the_original_layers_are_the_same_wherever_they_are_typed():
    paper = yaml.safe_load((PROJECT / "parameters/paper/06_pretraining.yaml").read_text())
    assert paper["layers"] == ORIGINAL
    assert f"layer_map({ORIGINAL}, {BERT_LAYERS})" in (BOOK / "04_student.py").read_text()


def test_the_hypotheses_have_the_papers_losses_in_their_order():
    """Largest, second largest, smallest; and the cosine loss's about half of the distillation loss's."""
    order = ["random_initialisation", "without_distillation", "without_cosine", "without_mlm"]
    assert sorted(TABLE_4, key=TABLE_4.get) == order
    assert TABLE_4["without_cosine"] / TABLE_4["without_distillation"] == pytest.approx(0.5, abs=0.02)


def test_the_loss_chapter_computes_with_the_weights_it_states():
    assert f"a_ce, a_mlm = {WEIGHTS[0]:g}, {WEIGHTS[1]:g}\n" in (BOOK / "05_triple_loss.py").read_text()


def code_cells(path: Path) -> list[str]:
    cells = jupytext.read(path, fmt="py:percent").cells
    return [c.source for c in cells if c.cell_type == "code" and "parameters" not in c.metadata.get("tags", [])]


CHAPTERS = [path for path in PAGES if path.suffix == ".py"]


@pytest.mark.parametrize("path", CHAPTERS, ids=page_name)
def test_a_displayed_sentence_has_no_number_typed_into_it(path):
    for source in code_cells(path):
        for call in ast.walk(ast.parse(source)):
            if isinstance(call, ast.Call) and getattr(call.func, "id", "") == "say":
                texts = [node.value for node in ast.walk(call) if isinstance(node, ast.Constant)]
                assert not [t for t in texts if isinstance(t, str) and NUMBER.search(t)], ast.unparse(call)


@pytest.mark.parametrize("path", CHAPTERS, ids=page_name)
def test_code_cells_are_short(path):
    long = [source for source in code_cells(path) if len(source.splitlines()) > CODE_LINES]
    assert not long, f"more than {CODE_LINES} lines; move what is common into distilbook.display: {long[0]}"


@pytest.mark.parametrize("chapter", ["01_claims", "07_ablations/summary", "13_verdict"])
def test_a_chapter_that_only_reads_imports_nothing_heavy(chapter):
    imports = [
        ast.unparse(node)
        for source in code_cells(BOOK / f"{chapter}.py")
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


def test_roundings_are_accounted_for():
    said = "16.7% [6.2% to 27.1%], n = 1,024; 3.69 points; 1.2 [-0.8 to 3.1] points; 38.6; 0.000379; 259; 1e-09"
    values = [0.16667, 0.0625, 0.2708, 1024, 0.0369, 0.0121, -0.0079, 0.031, 38.62, 0.00037916, 259.4, 1e-9]
    assert unaccounted(said, values) == []


@pytest.mark.parametrize(
    ("said", "number"),
    [("16.8% of it", "16.8"), ("3 seeds", "3"), ("n = 1,025", "1,025"), ("-1.2 points", "-1.2"), ("2.1 times", "2.1")],
)
def test_a_changed_number_is_not_accounted_for(said, number):
    assert unaccounted(said, [0.16667, 2, 2.4, 2.04, 1024, 0.012]) == [number]


def test_names_code_and_formulas_hold_no_numbers():
    assert unaccounted("SST-2, `7`, $T^2$, [more](08_x.ipynb), MiniLM-L6, 07_ablations/x, {cite:p}`a2019`", []) == []
