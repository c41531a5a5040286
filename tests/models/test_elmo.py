"""ELMo's architecture: its size by hand, its shapes, and that both directions read what they should."""

import pytest
import torch
from distilbook.models.elmo import WORD_LENGTH, Elmo, ElmoBaseline, ElmoSizes, elmo_parts

SMALL = ElmoSizes(cell=24, width=8, baseline=6, filters=((1, 4), (3, 8)))


def empty(kind) -> torch.nn.Module:
    with torch.device("meta"):
        return kind()


def test_the_published_size_by_hand():
    """From the published dimensions; PyTorch's recurrent layers have a second bias, which changes nothing."""
    filters = {1: 32, 2: 32, 3: 64, 4: 128, 5: 256, 6: 512, 7: 1024}
    convolutions = sum(16 * width * number + number for width, number in filters.items())
    highways = 2 * (2048 * 4096 + 4096)
    direction = 2 * (4 * 4096 * (512 + 512) + 2 * 4 * 4096 + 4096 * 512)
    expected = {
        "character embeddings": 262 * 16,
        "convolutions over characters": convolutions,
        "highway layers": highways,
        "projection of words": 2048 * 512 + 512,
        "recurrent layers, forward": direction,
        "recurrent layers, backward": direction,
        "weights of the layers": 3 + 1,
    }
    parts = elmo_parts(empty(Elmo))
    assert parts == expected
    assert sum(parts.values()) == 93_666_404
    assert round((sum(parts.values()) - 4 * 4 * 4096) / 1e6, 1) == 93.6  # with one bias, as published


def test_glues_baseline_brings_it_to_the_size_in_table_3():
    parts = elmo_parts(empty(ElmoBaseline))
    layers = 2 * (4 * 1500 * (1024 + 1500 + 2)) + 2 * (4 * 1500 * (3000 + 1500 + 2))
    assert parts["recurrent layers of GLUE's baseline"] == layers
    assert 175e6 < sum(parts.values()) < 185e6


def test_shapes_of_words_and_of_sentences():
    ids = torch.randint(262, (2, 5, WORD_LENGTH))
    assert Elmo(SMALL)(ids).shape == (2, 5, 16)
    assert ElmoBaseline(SMALL)(ids).shape == (2, 12)


@pytest.mark.parametrize(("changed", "seen"), [(4, "before"), (0, "after")])
def test_one_direction_knows_what_came_before_a_word_and_the_other_what_comes_after(changed, seen):
    torch.manual_seed(0)
    model = Elmo(SMALL)
    ids = torch.randint(1, 262, (1, 5, WORD_LENGTH))
    other = ids.clone()
    other[0, changed] = (other[0, changed] + 7) % 262
    with torch.inference_mode():
        difference = (model(ids) - model(other)).abs()[0, 2]
    ahead, back = difference.split(8)
    assert (ahead.max() > 0) == (seen == "after") and (back.max() > 0) == (seen == "before")
