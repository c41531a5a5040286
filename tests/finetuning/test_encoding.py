import numpy as np
import pytest
from distilbook.finetuning.batches import LabelledExamples, batches_for_prediction, length_batches
from distilbook.finetuning.classifier import new_classifier
from distilbook.finetuning.heads import encode
from distilbook.models.loading import load_tokenizer
from distilbook.tasks import Examples
from hypothesis import given
from hypothesis import strategies as st

LENGTHS = st.lists(st.integers(1, 50), min_size=1, max_size=80)


@given(LENGTHS, st.integers(1, 9), st.integers(0, 5))
def test_an_epoch_has_every_example_once_and_no_batch_too_large(lengths, batch_size, seed):
    batches = list(length_batches(lengths, batch_size, seed, 0))
    assert sorted(np.concatenate(batches)) == list(range(len(lengths)))
    assert max(map(len, batches)) <= batch_size


@given(LENGTHS, st.integers(1, 9))
def test_every_example_is_predicted_in_one_batch(lengths, batch_size):
    batches = batches_for_prediction(lengths, batch_size)
    assert sorted(np.concatenate(batches)) == list(range(len(lengths)))


def test_epochs_and_seeds_have_orders_of_their_own():
    orders = [np.concatenate(list(length_batches([5] * 40, 4, *which))).tolist() for which in ((0, 0), (0, 1), (1, 0))]
    assert orders[0] != orders[1] != orders[2] != orders[0]


def test_sentences_of_similar_length_share_a_batch():
    lengths = np.random.default_rng(0).integers(3, 60, size=512)
    padding = lambda batches: sum(len(b) * lengths[b].max() for b in batches) / lengths.sum()
    assert padding(length_batches(lengths, 8, 0, 0)) < 1.15 < padding(np.array_split(np.arange(512), 64))


@pytest.fixture(params=["teacher_folder", "student_folder"])
def model(request, tasks):
    return new_classifier(request.getfixturevalue(request.param), tasks["MNLI"])


def test_a_pair_is_told_apart_by_a_separator_and_only_a_bert_gets_token_types(model, tasks, teacher_folder):
    tokenizer = load_tokenizer(teacher_folder)
    pair = Examples(["the river"], ["a train leaves"], np.array([0]), np.array([0]), ["0"])
    encoded = encode(pair, tokenizer, model, max_length=48)
    (ids,) = encoded.inputs["input_ids"]
    one, two = (tokenizer(text, add_special_tokens=False)["input_ids"] for text in ("the river", "a train leaves"))
    cls, sep = tokenizer.cls_token_id, tokenizer.sep_token_id
    assert ids == [cls, *one, sep, *two, sep] and encoded.truncated == 0
    if model.config.model_type == "bert":
        assert encoded.inputs["token_type_ids"] == [[0] * (len(one) + 2) + [1] * (len(two) + 1)]
    else:
        assert set(encoded.inputs) == {"input_ids"}


def test_the_share_of_texts_that_are_cut_is_counted(model, tasks, teacher_folder):
    tokenizer = load_tokenizer(teacher_folder)
    texts = ["the river crosses the valley in spring. " * 4, "a train", "a train leaves"]
    examples = Examples(texts, None, np.zeros(3, dtype=np.int64), np.arange(3), ["0", "1", "2"])
    encoded = encode(examples, tokenizer, model, max_length=8)
    long = [len(tokenizer(text)["input_ids"]) > 8 for text in texts]
    assert encoded.truncated == np.mean(long) > 0 and max(encoded.lengths) == 8


@pytest.mark.parametrize("processes", [1, 2, 3])
def test_ranks_share_out_the_examples_of_every_batch_and_one_without_any_has_a_dummy(
    model, tasks, teacher_folder, processes
):
    examples, tokenizer = tasks["MNLI"].train, load_tokenizer(teacher_folder)
    encoded = encode(examples, tokenizer, model, max_length=48)
    source = LabelledExamples(encoded, examples.labels, tokenizer, batch_size=2, epochs=1, seed=0)
    for step, whole in enumerate(source.batches):
        parts = [batch for process in range(processes) for batch in source.step(step, process, processes)]
        counted = [batch for batch in parts if batch.counted]
        assert len(parts) == processes and len(counted) == min(processes, len(whole))
        assert sorted(np.concatenate([batch.numbers for batch in counted])) == sorted(whole)
        assert sum(batch.counts["examples"] for batch in parts) == len(whole)
        for batch in counted:
            np.testing.assert_array_equal(batch.labels, examples.labels[batch.numbers])
