import pytest

from distilbook.config import BookError, ChapterConfig, short_hash
from distilbook.training.schedule import LoopConfig

LOOP = {
    "steps": 10,
    "blocks_per_step": 4,
    "micro_batch": 2,
    "learning_rate": 5e-4,
    "warmup_share": 0.1,
    "checkpoint_every": 5,
    "precision": "float32",
    "compile": False,
    "trackers": (),
}


def test_an_unknown_parameter_is_refused_with_the_nearest_name():
    with pytest.raises(BookError) as error:
        LoopConfig.parse(LOOP | {"learning_rte": 1e-3}, where="06.yaml")
    assert str(error.value) == (
        "unknown parameter 'learning_rte'.\n  where: 06.yaml\n  do: did you mean 'learning_rate'?"
    )


def test_a_number_that_yaml_reads_as_text_is_a_number_all_the_same():
    assert LoopConfig.parse(LOOP | {"learning_rate": "5e-4"}, where="x").learning_rate == 5e-4


def test_an_impossible_value_is_refused_by_name():
    with pytest.raises(BookError) as error:
        LoopConfig.parse(LOOP | {"steps": 0}, where="06.yaml")
    assert "parameter 'steps' cannot be used" in str(error.value)
    assert "greater than or equal to 1, got 0" in str(error.value)


def test_a_missing_parameter_is_named():
    with pytest.raises(BookError, match="parameter 'steps' cannot be used"):
        LoopConfig.parse({name: value for name, value in LOOP.items() if name != "steps"}, where="x")


def test_a_fingerprint_leaves_out_circumstances_only():
    one = LoopConfig(**LOOP)
    assert one.fingerprint() == LoopConfig(**LOOP | {"checkpoint_every": 7}).fingerprint()
    assert one.fingerprint() != LoopConfig(**LOOP | {"steps": 11}).fingerprint()
    assert ChapterConfig(edition="a").fingerprint() == ChapterConfig(edition="b").fingerprint()


def test_a_hash_does_not_depend_on_the_order_of_names():
    assert short_hash({"a": 1, "b": 2}) == short_hash({"b": 2, "a": 1}) != short_hash({"a": 2, "b": 1})
