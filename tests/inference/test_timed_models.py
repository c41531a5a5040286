"""What is timed, as plain data: names, orders, and their way through JSON."""

import json

from distilbook.inference.lengths import PairLength
from distilbook.inference.models import Comparison, Input, Order, Timed, bert, distilbert, name_of, timed_folder


def test_an_order_comes_through_json_as_it_was():
    models = (bert(12, 768, 12, 3072), distilbert(6, 768, 12, 3072, attention="sdpa"))
    comparison = Comparison("x", models, (Input(1, 20, 108, (7, 8)), Input(4, 9)), repeats=3, noise_inputs=1)
    order = Order(2, (comparison, comparison), "cuda", warm_up=5, neighbours=1)
    assert Order.from_json(order.to_json()) == order
    assert order.inputs == 4


def test_published_names_are_for_published_dimensions_only():
    assert bert(12, 768, 12, 3072).name == "bert-base"
    assert distilbert(6, 768, 12, 3072).name == "distilbert"
    assert bert(6, 384, 12, 1536).name == "bert 6 x 384"
    assert distilbert(12, 576, 12, 2304).name == "distilbert 12 x 576"
    assert name_of({"model_type": "roberta", "num_hidden_layers": 12, "hidden_size": 768}) == "roberta 12 x 768"
    assert name_of({**bert(12, 768, 12, 3072).config, "vocab_size": 28_996}) == "bert 12 x 768"


def test_a_model_is_timed_by_its_folders_configuration(teacher_folder):
    values = json.loads((teacher_folder / "config.json").read_text())
    assert timed_folder(teacher_folder) == Timed("bert 4 x 32", values)


def test_padding_fills_up_and_cuts_nothing():
    assert Input.of(PairLength(28, 6, 17), padded_to=128) == Input(1, 28, 100, (6, 17))
    assert Input.of(PairLength(200, 90, 90), padded_to=128).padding == 0


def test_models_of_one_key_are_one_model_whatever_they_are_called():
    one = bert(2, 8, 2, 8)
    assert one.key == Timed("another name", one.config).key != Timed(one.name, one.config, "sdpa").key
