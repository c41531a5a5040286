"""Hidden states and projections taken apart, against the models' own forward passes."""

import pytest
import torch
from distilbook.distillation.recipe import Recipe
from distilbook.distillation.student import build_student
from distilbook.models.encoder import hidden_states
from distilbook.models.lm_head import Projection
from distilbook.models.loading import load_teacher
from transformers import AutoModelForMaskedLM


@pytest.fixture(params=["teacher", "student"])
def model(request, teacher_folder, pretrain_values) -> AutoModelForMaskedLM:
    teacher = load_teacher(teacher_folder, new_head=False)
    if request.param == "teacher":
        return teacher
    recipe = Recipe(**{name: pretrain_values[name] for name in Recipe.model_fields})
    return build_student(teacher, recipe, dropout=0.0, seed=0).eval()


@pytest.fixture
def input_ids() -> torch.Tensor:
    return torch.randint(5, 200, (3, 16), generator=torch.Generator().manual_seed(0))


def test_logits_put_off_are_the_models_own(model, input_ids):
    positions = (torch.rand(3, 16, generator=torch.Generator().manual_seed(1)) < 0.4).flatten()
    with torch.no_grad():
        hidden = hidden_states(model, input_ids)
        projection = Projection.of(model, hidden[positions])
        whole = model(input_ids=input_ids).logits.flatten(0, 1)
    assert hidden.shape == (48, model.config.hidden_size)
    torch.testing.assert_close(projection.logits(), whole[positions])
    torch.testing.assert_close(projection.at(slice(2, 5)).logits(), whole[positions][2:5])


@pytest.mark.parametrize("lengths", [(16, 16, 16), (16, 3, 9), (1, 16, 2)])
def test_without_padding_the_states_and_gradients_are_those_with_it(model, input_ids, lengths):
    model.double()
    attention_mask = torch.arange(16) < torch.tensor(lengths)[:, None]
    padded = model.base_model(input_ids=input_ids, attention_mask=attention_mask.long()).last_hidden_state
    direction = torch.randn(sum(lengths), model.config.hidden_size, dtype=torch.float64)
    expected = padded[attention_mask]
    (expected * direction).sum().backward()
    gradients = {name: p.grad.clone() for name, p in model.named_parameters() if p.grad is not None}
    model.zero_grad()
    ours = hidden_states(model, input_ids, attention_mask)
    (ours * direction).sum().backward()
    torch.testing.assert_close(ours, expected, rtol=1e-9, atol=1e-11)
    for name, parameter in model.named_parameters():
        if name in gradients:
            torch.testing.assert_close(parameter.grad, gradients[name], rtol=1e-8, atol=1e-10)
    torch.testing.assert_close(hidden_states(model, input_ids), model.base_model(input_ids=input_ids)[0].flatten(0, 1))


def test_afterwards_the_model_still_minds_the_mask_of_an_ordinary_call(model, input_ids):
    attention_mask = torch.arange(16) < torch.tensor([16, 3, 9])[:, None]
    ordinary = lambda: model.base_model(input_ids=input_ids, attention_mask=attention_mask.long())[0][attention_mask]
    with torch.no_grad():
        before = ordinary()
        hidden_states(model, input_ids, attention_mask)
        torch.testing.assert_close(ordinary(), before, rtol=0, atol=0)
