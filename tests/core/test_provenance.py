import hashlib
from types import SimpleNamespace

from distilbook.core import provenance


def test_the_code_of_a_result_is_what_it_imports_and_nothing_else(tmp_path, monkeypatch):
    """A change in a figure leaves the loss's hash, a change in masking changes it."""
    import importlib.util

    find_spec = importlib.util.find_spec

    def hash_after_changing(module, change=b"\nCHANGED = 1\n"):
        source = find_spec(module).origin
        changed = tmp_path / "changed.py"
        changed.write_bytes(open(source, "rb").read() + change)

        def spec(name):
            return SimpleNamespace(origin=str(changed)) if name == module else find_spec(name)

        monkeypatch.setattr(importlib.util, "find_spec", spec)
        provenance.code_hash.cache_clear()
        made = provenance.code_hash("distilbook.pretraining.pretrain")
        monkeypatch.setattr(importlib.util, "find_spec", find_spec)
        provenance.code_hash.cache_clear()
        return made

    before = provenance.code_hash("distilbook.pretraining.pretrain")
    assert before == hash_after_changing("distilbook.views") == hash_after_changing("distilbook.core.records")
    assert before != hash_after_changing("distilbook.corpus.masking") and before != hash_after_changing(
        "distilbook.distillation.losses"
    )
    assert before == hash_after_changing("distilbook.distillation.losses", b"\n\n# a remark\n")


def test_a_record_names_processor_cores_and_versions():
    facts = provenance.hardware()
    assert facts["processor"] and facts["cores"] >= 1 and isinstance(facts["accelerator"], str)
    assert provenance.versions()["torch"]


def test_words_about_the_code_do_not_change_what_it_does():
    one = 'def f(x):\n    """Return x."""\n    return x  # as it is\n'
    other = '"""A module."""\n\ndef f(x):\n    return (x)\n'
    assert provenance._meaning(one) == provenance._meaning(other)
    assert provenance._meaning(one) != provenance._meaning("def f(x):\n    return -x\n")


#: What the syntax trees of Python 3.11, 3.12 and 3.13 show in different ways, beside what they show alike.
SOURCE = """
def f(a, /, b=1, *c, d: int = 2, **e) -> "x":
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
    found = hashlib.sha256(provenance._meaning(SOURCE).encode()).hexdigest()[:16]
    assert found == "030c543c6ecab5a2"


def test_every_part_of_the_code_counts():
    for before, after in (
        ("b=1", "b=2"),
        ("0, None", "0, ()"),
        ("False", "0"),
        ("/, ", ""),
        ("!r", "!s"),
        ("*c", "*g"),
    ):
        assert provenance._meaning(SOURCE) != provenance._meaning(SOURCE.replace(before, after)), before


def test_a_chapter_that_shows_source_sees_every_byte_of_what_it_imports():
    shown = provenance.module_hashes("distilbook.claims")
    assert "distilbook.claims.verdict" in shown and "distilbook.core.records" in shown
    assert "distilbook.distillation.losses" not in shown and "distilbook.views" not in shown


def test_the_teacher_and_the_task_do_not_depend_on_the_loss_of_the_student():
    """So a changed loss fits no teacher again, and measures no baseline again."""
    for module in (
        "distilbook.pretraining.teacher_head",
        "distilbook.finetuning.run",
        "distilbook.finetuning.baselines",
        "distilbook.pretraining.records",
    ):
        assert "distilbook.distillation.losses" not in provenance.module_hashes(module), module
    assert "distilbook.distillation.losses" in provenance.module_hashes("distilbook.pretraining.pretrain")
