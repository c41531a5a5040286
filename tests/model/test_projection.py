"""The projection taken apart against the model's own logits."""

import pytest
import torch
from transformers import AutoModelForMaskedLM

from distilbook.model.projection import transformed_states
from distilbook.model.student import build_student
from distilbook.model.teacher import load_teacher
from distilbook.recipe import Recipe


@pytest.mark.parametrize("who", ["teacher", "student"])
def test_logits_put_off_are_the_models_own(teacher_folder, pretrain_values, who):
    model: AutoModelForMaskedLM = load_teacher(teacher_folder, new_head=False).eval()
    if who == "student":
        recipe = Recipe(**{name: pretrain_values[name] for name in Recipe.model_fields})
        model = build_student(model, recipe, dropout=0.0, seed=0).eval()
    input_ids = torch.randint(5, 200, (3, 16), generator=torch.Generator().manual_seed(0))
    positions = torch.rand(3, 16, generator=torch.Generator().manual_seed(1)) < 0.4
    with torch.no_grad():
        projection, hidden = transformed_states(model, input_ids, positions)
        whole = model(input_ids=input_ids).logits
    torch.testing.assert_close(projection.logits(), whole[positions])
    torch.testing.assert_close(projection.at(slice(2, 5)).logits(), whole[positions][2:5])
    assert hidden.shape == (3, 16, model.config.hidden_size)
