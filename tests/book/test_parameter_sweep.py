"""Every parameter of every chapter, with every kind of value that it cannot have, is refused by its name."""

import types
from collections.abc import Iterator
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import pytest
from distilbook.book.contents import CHAPTERS
from distilbook.book.parameters import notebook_values
from distilbook.core.config import Config
from distilbook.core.errors import BookError

NAN, INFINITE = float("nan"), float("inf")
#: What no parameter of any kind takes.
NEVER = [NAN, INFINITE, -INFINITE, {"a": 1}, b"x", 1j, {1}, [[]], [None], [NAN], object()]
#: What a parameter takes only if it is of that kind.
KINDS = {int: [0.5, "3", "", "x", True, [3], 10**30, -1], float: ["3", "5e-4", "", True, [0.5], 1e30, 10**400, -1, -0.5],
         bool: [0, 1, "true", "yes", "", [True], 2.0], str: [3, 0.5, True, ["x"], "a\nb", "a\0"],
         tuple: ["[0, 3]", "0", 3, True, 0.5, {}, ""]}  # fmt: skip
#: Rows for the lists that the laptop edition leaves empty or gives no row with every field.
ROWS = {
    "tasks": {"name": "mine", "address": "mine.tsv"},
    "texts": {"name": "mine", "address": "mine.txt"},
}


def kinds(annotation: Any) -> set[type]:
    """Return the plain kinds that a field takes."""
    origin = get_origin(annotation)
    if origin is Annotated:
        return kinds(get_args(annotation)[0])
    if origin in (Union, types.UnionType):
        return set().union(*(kinds(part) for part in get_args(annotation)))
    if origin is Literal:
        return {type(value) for value in get_args(annotation)}
    return {origin or annotation}


def wrong_for(annotation: Any) -> Iterator[Any]:
    """Yield what a field with this annotation can take in no chapter."""
    taken = kinds(annotation)
    yield from NEVER
    for kind in taken & KINDS.keys():
        yield from (value for value in KINDS[kind] if type(value) not in taken - {kind})
    if types.NoneType not in taken:
        yield None


def rows(cls: type[Config]) -> Iterator[tuple[str, type[Config]]]:
    """Yield the fields that hold rows, and what the rows are."""
    for name, field in cls.model_fields.items():
        for part in get_args(field.annotation):
            if isinstance(part, type) and issubclass(part, Config):
                yield name, part


def parameters() -> Iterator[Any]:
    """Yield every chapter with the place of every parameter, those in rows among them, and what it is declared as."""
    for chapter, info in CHAPTERS.items():
        for name, field in info.config_class.model_fields.items():
            yield pytest.param(chapter, (name,), field.annotation, id=f"{chapter}-{name}")
        for name, row in rows(info.config_class):
            for own, field in row.model_fields.items():
                yield pytest.param(chapter, (name, own), field.annotation, id=f"{chapter}-{name}-{own}")


VALUES = {chapter: notebook_values(chapter) for chapter in CHAPTERS}


def refused(chapter: str, values: dict[str, Any]) -> str:
    """Return what the chapter's configuration says of ``values``."""
    with pytest.raises(BookError) as error:
        CHAPTERS[chapter].config_class.parse(VALUES[chapter] | values, where="a sweep")
    return str(error.value)


def values_with(place: tuple[str, ...], value: Any) -> dict[str, Any]:
    name, *inner = place
    return {name: [ROWS[name] | {inner[0]: value}] if inner else value}


@pytest.mark.parametrize("chapter, place, annotation", parameters())
def test_a_value_of_the_wrong_kind_or_beyond_all_sense_is_refused_by_name(chapter, place, annotation):
    written = f"{place[0]}[0].{place[1]}" if len(place) > 1 else place[0]
    for value in wrong_for(annotation):
        said = refused(chapter, values_with(place, value))
        assert f"parameter '{written}" in said and "\n  expected: " in said and "\n  do: " in said
        assert "pydantic" not in said and len(said) < 1000


def impossible() -> Iterator[Any]:
    """Yield values of the right kind that could only fail later, chapter by chapter."""
    training = {"steps": [-1, 10**10], "blocks_per_step": [0], "micro_batch": [0], "learning_rate": [0, 0.5, 9],
                "warmup_share": [-0.1, 1.1], "checkpoint_every": [0], "precision": ["half", "", "Float32"],
                "trackers": [["tensorbord"], ["tensorboard", "tensorboard"], [""]], "evaluated_blocks": [0]}  # fmt: skip
    recipe = {"temperature": [0, 1e-9, 1e6], "distillation_weight": [1e9], "layers": [[], [0, 0], [2, 0], [-1], [0.0]],
              "distilled_positions": ["al", "masks", ""], "initialisation": ["copy"]}  # fmt: skip
    tasks = {"train_examples": [0, 1, -5, "All", "none"], "epochs": [-1, 10**4], "batch_size": [0], "dropout": [1, 1.5],
             "learning_rate": [0, 9], "warmup_share": [1], "max_length": [0, 4, 513],
             "weight_decay": [-0.1, 1.5], "checkpoint_every": [0], "trackers": [["tensorbord"]], "seeds": [[], [0, 0], [-1], [2**32], [True]]}  # fmt: skip
    mine, other = ROWS["tasks"], {"name": "other", "address": "other.tsv"}
    own = {"tasks": [[mine, mine], [mine, other | {"name": "MINE"}], [mine | {"name": "a/b"}], [mine | {"name": ".."}],
                     [mine | {"epochs": -1}], [mine | {"batch_size": 0}], [mine | {"learning_rate": 9}],
                     [mine | {"max_length": 4}], [mine | {"train_examples": 1}], [{"name": "x"}], [{}]]}  # fmt: skip
    students = {"students": [[], ["full", "full"], ["ful"], ["teacher"], "full"]}
    text = ROWS["texts"]
    yield from (
        ("02_corpus", {"block_length": [0, 7, 513], "held_out_share": [0, 0.5, 1], "held_out_blocks": [0],
                       "packing": ["full"], "processes": [0, -1, 10**6], "tokenizer": [""],
                       "texts": [[], [text, text], [text, text | {"name": "b"}], [text | {"limit": 0}],
                                 [text | {"address": "wheel:wiki"}], [text | {"revision": "v1"}]]}),
        ("03_teacher", training | {"mask_share": [0, 1], "seed": [-1, 2**32], "teacher": [""]}),
        ("04_student", {"layers": recipe["layers"]}),
        ("05_triple_loss", {"temperature": recipe["temperature"], "seed": [-1]}),
        ("06_pretraining", training | recipe | {"steps": [0], "seeds": tasks["seeds"], "dropout": [1], "evaluations": [0]}),
        ("07_ablations/choices", {"seeds": tasks["seeds"], "choices": [[], [{}], [{"temperature": 3}] * 2,
                                  [{"layers": "[0]"}], [{"temperature": True}], [{"layers": [0, 0]}]]}),
        ("08_sentence_tasks", tasks | own | students),
        ("09_long_documents", tasks | own | students | {"shorter": [[7], [64, 64], [128], [256]]}),
        ("11_timing", {"pairs": [1, 1501], "noise_pairs": [1, 13], "repeats": [0], "starts": [0], "threads": [[], [0], [1, 1]],
                       "warm_up": [-1], "attention": ["flash"], "layers": [0, 6, 100], "width": [0, 769], "heads": [0, 5],
                       "batch_sizes": [[], [0], [1, 1]], "lengths": [[], [513], [16, 16]], "elmo_shrunk": [0, 513],
                       "inputs": [1], "accelerator_precisions": [[], ["float16"], ["float32", "float32"]]}),
        ("13_verdict", tasks | {"teacher": ["a-model"], "student": ["a-model"]}),
    )  # fmt: skip


@pytest.mark.parametrize("chapter, fields", impossible(), ids=lambda value: value if isinstance(value, str) else "")
def test_a_value_that_would_fail_later_is_refused_by_name(chapter, fields):
    for name, values in fields.items():
        beside = {"heads": "width", "teacher": "student", "student": "teacher"}.get(name, name)
        for value in values:
            said = refused(chapter, {name: value})
            assert f"parameter '{name}" in said or f"parameter '{beside}" in said


@pytest.mark.parametrize("chapter, place, annotation", parameters())
def test_a_misspelt_name_is_refused_with_the_nearest(chapter, place, annotation):
    *outer, name = place
    for wrong in (name[:-1], name + "s", name.replace("_", "-")):
        if wrong in (name, *VALUES[chapter]):
            continue
        said = refused(chapter, {outer[0]: [ROWS[outer[0]] | {wrong: 1}]} if outer else {wrong: 1})
        assert f"unknown parameter '{outer[0]}[0].{wrong}'" in said if outer else f"unknown parameter '{wrong}'" in said
        assert "did you mean '" in said


@pytest.mark.parametrize(
    "wrong, near", [("temprature", "temperature"), ("layer", "layers"), ("initialization", "initialisation")]
)
def test_a_misspelt_field_of_a_choice_is_refused_with_the_nearest(wrong, near):
    said = refused("07_ablations/choices", {"choices": [{"temperature": 3.0}, {wrong: 1}]})
    assert f"unknown parameter 'choices[1].{wrong}'" in said and f"did you mean {near!r}?" in said


def test_the_sweep_is_of_every_parameter_and_of_several_hundred_cases():
    swept = [case.values for case in parameters()]
    assert {(chapter, place[0]) for chapter, place, _ in swept} == {(c, name) for c in CHAPTERS for name in VALUES[c]}
    assert sum(len(list(wrong_for(annotation))) for _, _, annotation in swept) > 500


def test_how_to_give_a_list_is_said_where_a_text_was_given():
    assert "give a list: with papermill's -y 'layers: [...]'" in refused("06_pretraining", {"layers": "[0,3]"})
