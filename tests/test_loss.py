"""Parity of the losses with the plain formula in float64, in value and in gradient."""

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from distilbook.loss import cosine_loss, vocabulary_loss
from distilbook.model.projection import Projection


def batch(positions=13, width=6, vocabulary=17, masked=0.4, seed=0, dtype=torch.float64):
    draw = torch.Generator().manual_seed(seed)
    make = lambda *shape: torch.randn(*shape, generator=draw, dtype=torch.float64).to(dtype)
    student = [
        make(positions, width).requires_grad_(),
        make(vocabulary, width).requires_grad_(),
        make(vocabulary).requires_grad_(),
    ]
    teacher = Projection(make(positions, 4), make(vocabulary, 4), make(vocabulary))
    chosen = torch.rand(positions, generator=draw) < masked
    labels = torch.where(chosen, torch.randint(0, vocabulary, (positions,), generator=draw), -100)
    return student, teacher, labels


def by_formula(student, teacher, labels, temperature, distillation_scale, masked_lm_scale):
    """The textbook computation, with every logit held at once."""
    states, weight, bias = student
    logits = states @ weight.T + bias
    total = masked_lm_scale * F.cross_entropy(logits, labels, ignore_index=-100, reduction="sum")
    if teacher is not None:
        target = ((teacher.states @ teacher.weight.T + teacher.bias) / temperature).softmax(-1)
        log_q = (logits / temperature).log_softmax(-1)
        total = total + distillation_scale * temperature**2 * (target * (target.log() - log_q)).sum()
    return total


@settings(max_examples=60, deadline=None)
@given(
    positions=st.integers(1, 20),
    masked=st.sampled_from([0.0, 0.3, 1.0]),
    temperature=st.floats(0.5, 10),
    distillation=st.sampled_from([0.0, 0.7]),
    mlm=st.sampled_from([0.0, 1.3]),
    chunk=st.integers(1, 25),
    with_teacher=st.booleans(),
    seed=st.integers(0, 10_000),
)
def test_value_and_gradient_equal_the_formula(
    positions, masked, temperature, distillation, mlm, chunk, with_teacher, seed
):
    student, teacher, labels = batch(positions, masked=masked, seed=seed)
    teacher = teacher if with_teacher else None
    expected = by_formula(student, teacher, labels, temperature, distillation, mlm)
    wanted = torch.autograd.grad(expected, student)
    total, _, _ = vocabulary_loss(Projection(*student), teacher, labels, temperature, distillation, mlm, chunk=chunk)
    got = torch.autograd.grad(total, student)
    torch.testing.assert_close(total, expected, rtol=1e-10, atol=1e-10)
    for ours, theirs in zip(got, wanted, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-9, atol=1e-10)


def test_finite_differences_agree_with_the_gradient():
    student, teacher, labels = batch(positions=5, vocabulary=7, width=3)
    loss = lambda *tensors: vocabulary_loss(Projection(*tensors), teacher, labels, 2.0, 0.5, 0.25, chunk=2)[0]
    assert torch.autograd.gradcheck(loss, student)


def test_the_two_sums_are_what_the_total_is_made_of():
    student, teacher, labels = batch()
    total, divergence, cross_entropy = vocabulary_loss(Projection(*student), teacher, labels, 2.0, 0.3, 0.7)
    torch.testing.assert_close(total, 0.3 * divergence + 0.7 * cross_entropy)
    expected = F.cross_entropy(student[0] @ student[1].T + student[2], labels, ignore_index=-100, reduction="sum")
    torch.testing.assert_close(cross_entropy, expected)


def test_a_student_that_equals_its_teacher_has_no_divergence_and_no_gradient():
    student, _, labels = batch(masked=0.0)
    same = Projection(*(tensor.detach().clone() for tensor in student))
    total, divergence, _ = vocabulary_loss(Projection(*student), same, labels, 3.0, 1.0, 1.0)
    assert abs(divergence) < 1e-12
    assert all(grad.abs().max() < 1e-12 for grad in torch.autograd.grad(total, student))


def test_a_batch_with_nothing_masked_gives_no_masked_lm_loss_and_no_nan():
    student, _, labels = batch(masked=0.0)
    total, _, cross_entropy = vocabulary_loss(Projection(*student), None, labels, 2.0, 0.0, 1.0)
    assert total == 0 and cross_entropy == 0
    assert all((grad == 0).all() for grad in torch.autograd.grad(total, student))


def test_the_square_of_the_temperature_is_in_the_divergence():
    student, teacher, labels = batch(masked=0.0)
    logits = [s.states @ s.weight.T + s.bias for s in (Projection(*student), teacher)]
    plain = F.kl_div((logits[0] / 4).log_softmax(-1), (logits[1] / 4).log_softmax(-1), log_target=True, reduction="sum")
    torch.testing.assert_close(
        vocabulary_loss(Projection(*student), teacher, labels, 4.0, 1.0, 0.0)[1], 16 * plain.detach()
    )


def test_bfloat16_states_are_reduced_in_float32():
    student, teacher, labels = batch(positions=40, dtype=torch.bfloat16)
    total, divergence, _ = vocabulary_loss(Projection(*student), teacher, labels, 2.0, 1.0, 1.0)
    assert divergence.dtype == torch.float32
    wide = [tensor.detach().double() for tensor in student]
    teacher = Projection(*(tensor.double() for tensor in (teacher.states, teacher.weight, teacher.bias)))
    torch.testing.assert_close(total.double(), by_formula(wide, teacher, labels, 2.0, 1.0, 1.0), rtol=2e-2, atol=1e-1)


def test_the_cosine_loss_is_a_sum_of_one_minus_cosine():
    a, b = torch.randn(9, 5), torch.randn(9, 5)
    expected = sum(1 - (x @ y) / (x.norm() * y.norm()) for x, y in zip(a, b, strict=True))
    torch.testing.assert_close(cosine_loss(a, b), expected)
    assert cosine_loss(a, 3 * a) < 1e-5 and abs(cosine_loss(a, -a) - 18) < 1e-4


@pytest.mark.parametrize("chunk", [1, 7, 1000])
def test_the_chunk_changes_nothing(chunk):
    student, teacher, labels = batch(positions=31)
    values = [vocabulary_loss(Projection(*student), teacher, labels, 2.0, 1.0, 1.0, chunk=c)[0] for c in (chunk, 256)]
    torch.testing.assert_close(*values, rtol=1e-12, atol=1e-12)
