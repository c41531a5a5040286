import pytest
import torch
from distilbook.core.config import BookError
from distilbook.distillation.recipe import ORIGINAL, Recipe
from distilbook.distillation.student import build_student, copied_weights, module_map
from transformers import BertConfig, BertForMaskedLM


def recipe(**changes) -> Recipe:
    return ORIGINAL.model_copy(update={"layers": (0, 2, 3)} | changes)


@pytest.fixture(scope="module")
def teacher() -> BertForMaskedLM:
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=97,
        hidden_size=16,
        num_hidden_layers=4,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=40,
    )
    model = BertForMaskedLM(config).eval()
    # Distinct numbers everywhere: biases and LayerNorms start alike and would hide a wrong copy.
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    return model


def test_every_copied_module_equals_the_teachers(teacher):
    student = build_student(teacher, recipe(), dropout=0.0, seed=0)
    for ours, theirs in module_map(teacher, (0, 2, 3)).items():
        for kind in ("weight", "bias"):
            if hasattr(student.get_submodule(ours), kind):
                assert torch.equal(
                    getattr(student.get_submodule(ours), kind), getattr(teacher.get_submodule(theirs), kind)
                ), ours


def test_copying_sets_every_parameter_of_the_student(teacher):
    student = build_student(teacher, recipe(), dropout=0.0, seed=0)
    assert copied_weights(teacher, (0, 2, 3)).keys() == student.state_dict().keys()


def test_a_student_with_all_layers_computes_what_its_teacher_does_without_token_types(teacher):
    with torch.no_grad():
        teacher.bert.embeddings.token_type_embeddings.weight.zero_()
    student = build_student(teacher, recipe(layers=(0, 1, 2, 3)), dropout=0.0, seed=0).eval()
    input_ids = torch.randint(0, 97, (3, 20))
    mask = torch.ones_like(input_ids)
    mask[1, 12:] = 0
    with torch.inference_mode():
        ours = student(input_ids=input_ids, attention_mask=mask).logits
        theirs = teacher(input_ids=input_ids, attention_mask=mask).logits
    torch.testing.assert_close(ours[mask.bool()], theirs[mask.bool()], rtol=1e-4, atol=1e-4)


def test_input_and_output_embeddings_are_one_tensor(teacher):
    student = build_student(teacher, recipe(), dropout=0.0, seed=0)
    assert student.vocab_projector.weight is student.get_input_embeddings().weight


def test_training_the_student_leaves_its_teacher_alone(teacher):
    before = teacher.bert.embeddings.word_embeddings.weight.clone()
    student = build_student(teacher, recipe(), dropout=0.0, seed=0)
    with torch.no_grad():
        student.get_input_embeddings().weight.add_(1.0)
    assert torch.equal(before, teacher.bert.embeddings.word_embeddings.weight)


def test_random_weights_depend_on_the_seed_and_on_nothing_else(teacher):
    torch.manual_seed(123)
    one = build_student(teacher, recipe(initialisation="random"), 0.0, seed=5)
    torch.manual_seed(456)
    same, other = (build_student(teacher, recipe(initialisation="random"), 0.0, seed=s) for s in (5, 6))
    word = lambda model: model.get_input_embeddings().weight
    assert torch.equal(word(one), word(same)) and not torch.equal(word(one), word(other))
    assert not torch.equal(word(one), teacher.get_input_embeddings().weight)


def test_a_layer_the_teacher_lacks_is_refused(teacher):
    with pytest.raises(BookError, match="the teacher has no layer 4"):
        build_student(teacher, recipe(layers=(0, 4)), 0.0, seed=0)
