import pytest
from distilbook.core.config import ChapterConfig, short_hash
from distilbook.core.errors import BookError
from distilbook.training.schedule import BlocksConfig

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
        BlocksConfig.parse(LOOP | {"learning_rte": 1e-3}, where="06.yaml")
    assert str(error.value) == (
        "unknown parameter 'learning_rte'.\n  where: 06.yaml\n  do: did you mean 'learning_rate'?"
    )


@pytest.mark.parametrize("value", ["5e-4", True, None, [5e-4], float("nan"), 10**400])
def test_only_a_number_is_a_number(value):
    with pytest.raises(BookError, match="parameter 'learning_rate' cannot be used"):
        BlocksConfig.parse(LOOP | {"learning_rate": value}, where="x")


def test_a_whole_number_stands_for_a_real_one_and_a_list_for_a_tuple():
    config = BlocksConfig.parse(LOOP | {"warmup_share": 1, "trackers": ["tensorboard"]}, where="x")
    assert config.warmup_share == 1.0 and config.trackers == ("tensorboard",)


def test_every_mistake_is_named():
    with pytest.raises(BookError, match=r"parameter 'steps' cannot be used \(nor can 'compile', 'micro_batch'\)"):
        BlocksConfig.parse(LOOP | {"steps": 0, "micro_batch": "x", "compile": 1}, where="x")


def test_an_impossible_value_is_refused_by_name():
    with pytest.raises(BookError) as error:
        BlocksConfig.parse(LOOP | {"steps": 0}, where="06.yaml")
    assert "parameter 'steps' cannot be used" in str(error.value)
    assert "greater than or equal to 1, got 0" in str(error.value)


def test_a_missing_parameter_is_named():
    with pytest.raises(BookError, match="parameter 'steps' cannot be used"):
        BlocksConfig.parse({name: value for name, value in LOOP.items() if name != "steps"}, where="x")


def test_a_fingerprint_leaves_out_circumstances_only():
    one = BlocksConfig(**LOOP)
    assert one.fingerprint() == BlocksConfig(**LOOP | {"checkpoint_every": 7}).fingerprint()
    assert one.fingerprint() != BlocksConfig(**LOOP | {"steps": 11}).fingerprint()
    assert ChapterConfig(edition="a").fingerprint() == ChapterConfig(edition="b").fingerprint()


def test_a_hash_does_not_depend_on_the_order_of_names():
    assert short_hash({"a": 1, "b": 2}) == short_hash({"b": 2, "a": 1}) != short_hash({"a": 2, "b": 1})
