"""Run keys cover what decides the numbers, and nothing else."""

import ast
import hashlib
from pathlib import Path

import distilbook
import pytest
from distilbook.core import run_keys
from distilbook.core.run_keys import STAGES, code_hash, deciding_code
from distilbook.core.syntax import bare, text_of

LIBRARY = Path(distilbook.__file__).parent

#: What makes nothing train again, as statements at the beginning of every function.
WORDS = ast.parse(
    '''
"""A clearer docstring."""
if nothing is None:
    where = "here"
    raise BookError(f"a clearer message about {where}", do="this")
assert nothing, "a clearer message"
from somewhere import log_line
try:
    pass
except ValueError as error:
    raise BookError("a clearer message") from error
log_line(f"a new line of the log: {nothing}")
'''
).body
#: What makes nothing train again, at the end of every module.
FURTHER = '''

def new_statistic(scores: list[float]) -> float:
    """Return a new statistic."""
    return max(scores) - min(scores)


def new_plot(scores, title="a new plot"):
    figure = go.Figure()
    figure.add_scatter(y=[new_statistic(scores)], name=title)
    return figure
'''


def key(monkeypatch, changed=lambda module, source: source) -> dict[str, str]:
    """Return the hash of every stage with each module's source ``changed``."""
    with monkeypatch.context() as patch:
        read = run_keys._source
        patch.setattr(run_keys, "_source", lambda module: changed(module, read(module)))
        code_hash.cache_clear()
        found = {stage: code_hash(stage) for stage in STAGES}
    code_hash.cache_clear()
    return found


def with_words(module: str, source: str) -> str:
    """Return ``source`` with messages, docstrings, log lines and type hints in every function, and new functions."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            node.body[:0] = WORDS
            node.returns = ast.Name("object")
            for call in (part for part in ast.walk(node) if isinstance(part, ast.Call)):
                if getattr(call.func, "id", "") == "BookError":
                    call.args[:1] = [ast.Constant("another wording")]
            for argument in node.args.args:
                argument.annotation = ast.Name("object")
    return "# A remark.\n" + ast.unparse(tree) + FURTHER


def test_messages_docstrings_log_lines_type_hints_statistics_and_plots_change_no_key(monkeypatch):
    assert key(monkeypatch, with_words) == key(monkeypatch)


@pytest.mark.parametrize("stage", sorted(STAGES.keys() - {"sizes"}))
def test_every_constant_and_every_operator_of_the_deciding_code_changes_its_key(stage):
    """Checked on the text that is hashed: a number or a sign that is replaced in the source is replaced there."""
    sources = [run_keys._source(module) for module in STAGES[stage].modules]
    before = run_keys.reachable(STAGES[stage].entries, sources)
    changed = 0
    for number, source in enumerate(sources):
        tree = ast.parse(source)
        for node in [part for part in ast.walk(tree) if hasattr(part, "name") and part.name in before]:
            numbers = [part for part in ast.walk(bare(ast.unparse(node))) if _is_number(part)]
            if not numbers:
                continue
            for part in ast.walk(node):
                if _is_number(part):
                    part.value += 1
            after = run_keys.reachable(
                STAGES[stage].entries, [*sources[:number], ast.unparse(tree), *sources[number + 1 :]]
            )
            assert after[node.name] != before[node.name], node.name
            changed += 1
            break
    assert changed


def _is_number(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and type(node.value) in (int, float)


@pytest.mark.parametrize(
    ("module", "before", "after", "stages"),
    [
        ("distillation.losses", "1 - F.cosine_similarity", "1.5 - F.cosine_similarity", {"pretraining"}),
        ("distillation.losses", "temperature**2", "temperature", {"pretraining"}),
        ("corpus.masking", "SMOOTHING = 0.7", "SMOOTHING = 0.75", {"pretraining", "teacher_head"}),
        ("training.schedule", "warmup", "warm", {"pretraining", "teacher_head", "finetuning"}),
        ("training.batches", "epoch", "round", {"pretraining", "teacher_head"}),
        ("training.schedule", "0.98", "0.999", {"pretraining", "teacher_head", "finetuning"}),
        ("pretraining.teacher_head", "HEAD_GAIN = ", "HEAD_GAIN = 2 * ", {"teacher_head"}),
        ("finetuning.batches", "[seed, epoch]", "[epoch, seed]", {"finetuning"}),
        ("finetuning.config", "0.999", "0.99", {"finetuning"}),
        ("tasks.task", "default_rng(", "default_rng(1 + ", {"finetuning"}),
        ("models.loading", '"sdpa"', '"eager"', {"pretraining", "teacher_head", "finetuning"}),
        ("corpus.packing", "sep_id", "cls_id", {"corpus"}),
    ],
)
def test_loss_masks_schedule_and_order_change_the_keys_of_the_stages_they_decide(
    monkeypatch, module, before, after, stages
):
    read = run_keys._source(module)
    assert before in read
    found = key(monkeypatch, lambda name, source: source.replace(before, after) if name == module else source)
    now = key(monkeypatch)
    assert {
        stage for stage in ("corpus", "teacher_head", "pretraining", "finetuning") if found[stage] != now[stage]
    } == stages


def test_modules_that_decide_nothing_are_in_no_stage():
    listed = {module for stage in STAGES.values() for module in stage.modules}
    assert not [
        module for module in listed if module.split(".")[0] in ("views", "claims", "stats", "runner", "site", "book")
    ]
    assert "distilbook.core.config" not in listed


def test_every_listed_module_is_there_and_has_something_that_decides():
    for stage, found in STAGES.items():
        names = deciding_code(stage)
        for module in found.modules:
            defined = {name for node in bare(run_keys._source(module)).body for name in run_keys._defined(node)}
            assert defined & names.keys(), f"{module} decides nothing of {stage}"


@pytest.mark.parametrize("stage", ["teacher_head", "pretraining", "held_out", "finetuning"])
def test_no_sentence_for_a_reader_stands_in_the_deciding_code_of_a_training(stage):
    """Its wording would be part of the key."""
    names = deciding_code(stage).keys()
    said = [
        (module, part.value)
        for module in STAGES[stage].modules
        for node in bare(run_keys._source(module)).body
        if set(run_keys._defined(node)) & names
        for part in ast.walk(node)
        if isinstance(part, ast.Constant) and isinstance(part.value, str) and part.value.count(" ") >= 3
    ]
    assert said == []


def test_an_entry_that_is_not_defined_is_an_error():
    with pytest.raises(LookupError, match="no listed module defines nothing"):
        run_keys.reachable(["nothing"], ["x = 1"])


def test_what_an_entry_does_not_use_does_not_count():
    source = "from torch import relu as f\nA = 1\nB = 2\ndef used(): return f(A)\ndef other(): return B\n"
    assert run_keys.reachable(["used"], [source]).keys() == {"used", "A"}
    assert run_keys.reachable(["used"], [source]) != run_keys.reachable(["used"], [source.replace("relu", "gelu")])


#: What the syntax trees of Python 3.11, 3.12 and 3.13 show in different ways, beside what they show alike.
SOURCE = """
def f(a, /, b=1, *c, d=2, **e):
    async with a as b, c:
        pass
    return f"a{b!r:>{c}}" "z" f'{d=}' u"x" f"" f"{x:%Y}{{" "q" f"{1:{2}}}}", 0, None, False, ""

class A(B, metaclass=C):
    x: int = 1e400

try:
    pass
except* E as e:
    pass
"""


def test_a_hash_of_code_is_the_same_from_every_version_of_python():
    """The text was made with each of them."""
    assert hashlib.sha256(text_of(bare(SOURCE)).encode()).hexdigest()[:16] == "9432970bc306e17c"


def test_every_part_of_the_code_counts():
    for before, after in (
        ("b=1", "b=2"),
        ("0, None", "0, ()"),
        ("False", "0"),
        ("/, ", ""),
        ("!r", "!s"),
        ("*c", "*g"),
    ):
        assert text_of(bare(SOURCE)) != text_of(bare(SOURCE.replace(before, after))), before
