"""Shards of blocks behave as the one array they are parts of."""

import numpy as np
import pytest
from distilbook.corpus import corpus as module
from distilbook.corpus.corpus import BlockShards, write_blocks
from hypothesis import given
from hypothesis import strategies as st

LENGTH = 5


def shards_of(folder, sizes):
    """Return shards of these numbers of blocks, and the same as an array."""
    whole = np.arange(sum(sizes) * LENGTH, dtype="uint16").reshape(-1, LENGTH)
    paths, start = [], 0
    for number, size in enumerate(sizes):
        paths.append(folder / f"train-{number:05}.bin")
        write_blocks(paths[-1], [whole[start : start + size // 2], whole[start + size // 2 : start + size]])
        start += size
    return BlockShards(paths, "uint16", LENGTH), whole


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("shards")


@given(st.lists(st.integers(1, 6), min_size=1, max_size=5), st.data())
def test_shards_are_indexed_like_the_array(folder, sizes, data):
    shards, whole = shards_of(folder, sizes)
    assert (len(shards), shards.shape, shards.size, shards.dtype) == (len(whole), whole.shape, whole.size, whole.dtype)
    numbers = st.integers(-len(whole), len(whole) - 1)
    bounds = st.none() | st.integers(-30, 30)
    which = data.draw(
        numbers
        | st.lists(numbers, max_size=9).map(lambda rows: np.array(rows, dtype=int))
        | st.builds(slice, bounds, bounds, bounds.filter(lambda step: step != 0))
    )
    found = shards[which]
    assert isinstance(found, np.ndarray) and not isinstance(found, np.memmap)
    assert found.dtype == whole.dtype and found.tolist() == whole[which].tolist()
    assert shards[which, 1:3].tolist() == whole[which, 1:3].tolist()


def test_changes_to_a_copy_do_not_change_the_shards(folder):
    shards, whole = shards_of(folder, [3, 2])
    shards[0:2][:] = 0
    assert shards[0:2].tolist() == whole[0:2].tolist()


def test_a_block_that_is_not_there_is_an_index_error_and_iteration_ends(folder):
    shards, whole = shards_of(folder, [3, 2])
    for which in (5, -6, np.array([0, 5])):
        with pytest.raises(IndexError):
            shards[which]
    assert [block.tolist() for block in shards] == whole.tolist()


@pytest.mark.parametrize("at_once", [1, LENGTH * 2, 10**6])
def test_portions_are_the_whole(folder, monkeypatch, at_once):
    monkeypatch.setattr(module, "TOKENS_AT_ONCE", at_once)
    shards, whole = shards_of(folder, [3, 4])
    assert np.concatenate(list(shards.portions())).tolist() == whole.tolist()


def test_no_shards_are_no_blocks():
    shards = BlockShards([], "uint16", LENGTH)
    assert shards.shape == (0, LENGTH) and list(shards.portions()) == [] and shards[0:3].shape == (0, LENGTH)
