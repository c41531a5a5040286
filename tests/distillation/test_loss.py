"""Parity of the losses with the plain formula in float64, in value and in gradient."""

import pytest
import torch
import torch.nn.functional as F
from distilbook.distillation.losses import cosine_loss, vocabulary_loss
from distilbook.models.lm_head import Projection
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.utils._python_dispatch import TorchDispatchMode


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


def gradient_by_formula(student, teacher, labels, *how):
    """The float64 gradient of the formula at the values the narrow tensors hold."""
    wide = [tensor.detach().double().requires_grad_() for tensor in student]
    teacher = Projection(*(tensor.double() for tensor in (teacher.states, teacher.weight, teacher.bias)))
    return torch.autograd.grad(by_formula(wide, teacher, labels, *how), wide)


def relative_error(ours: torch.Tensor, exact: torch.Tensor) -> float:
    return float((ours.double() - exact).norm() / exact.norm())


def test_bfloat16_gradients_do_not_lose_digits_with_the_number_of_chunks():
    """The gradient of the weights is a sum over chunks: in bfloat16 it would stop growing after some hundred."""
    student, teacher, labels = batch(positions=1200, vocabulary=40, width=8, dtype=torch.bfloat16)
    how = (2.0, 5 / 1200, 2 / 480)
    total, _, _ = vocabulary_loss(Projection(*student), teacher, labels, *how, chunk=2)
    for ours, exact in zip(
        torch.autograd.grad(total, student), gradient_by_formula(student, teacher, labels, *how), strict=True
    ):
        assert ours.dtype == torch.bfloat16 and relative_error(ours, exact) < 0.01


def test_under_autocast_the_gradients_are_float32_and_near_the_formula():
    student, teacher, labels = batch(positions=200, vocabulary=60, width=16, dtype=torch.float32)
    how = (2.0, 5 / 200, 2 / 80)
    with torch.autocast("cpu", torch.bfloat16):
        total, _, _ = vocabulary_loss(Projection(*student), teacher, labels, *how)
    exact = gradient_by_formula(student, teacher, labels, *how)
    for ours, wanted in zip(torch.autograd.grad(total, student), exact, strict=True):
        assert ours.dtype == torch.float32 and 1e-6 < relative_error(ours, wanted) < 0.02


def test_float16_gradients_survive_the_small_weight_of_one_token_among_millions():
    """What multiplies a token's term is far below float16's smallest number; the scaled loss brings it back."""
    student, teacher, labels = batch(positions=30, dtype=torch.float16)
    how = (2.0, 5 / 5e7, 2 / 7.5e6)
    total, _, _ = vocabulary_loss(Projection(*student), teacher, labels, *how)
    scaled = torch.autograd.grad(total * 2.0**16, student)
    for ours, exact in zip(scaled, gradient_by_formula(student, teacher, labels, *how), strict=True):
        assert relative_error(ours, exact * 2**16) < 0.02


@pytest.mark.parametrize("positions", [256, 2048])
def test_no_tensor_of_positions_x_vocabulary_is_ever_made(positions):
    """Forward and backward, by the largest tensor that any operation gives."""
    vocabulary, chunk, largest = 2000, 64, [0]

    class Watch(TorchDispatchMode):
        def __torch_dispatch__(self, function, types, arguments=(), keywords=None):
            made = function(*arguments, **(keywords or {}))
            sizes = [t.numel() for t in (made if isinstance(made, tuple | list) else [made]) if torch.is_tensor(t)]
            largest[0] = max([largest[0], *sizes])
            return made

    student, teacher, labels = batch(positions, width=8, vocabulary=vocabulary)
    with Watch():
        vocabulary_loss(Projection(*student), teacher, labels, 2.0, 1.0, 1.0, chunk=chunk)[0].backward()
    assert largest[0] == chunk * vocabulary


def test_the_cosine_loss_is_a_sum_of_one_minus_cosine():
    a, b = torch.randn(9, 5), torch.randn(9, 5)
    expected = sum(1 - (x @ y) / (x.norm() * y.norm()) for x, y in zip(a, b, strict=True))
    torch.testing.assert_close(cosine_loss(a, b), expected)
    assert cosine_loss(a, 3 * a) < 1e-5 and abs(cosine_loss(a, -a) - 18) < 1e-4


def test_a_vocabulary_wider_than_one_product_gives_the_formula_too():
    student, teacher, labels = batch(positions=9, vocabulary=5000)
    how = (2.0, 0.5, 0.25)
    total, _, _ = vocabulary_loss(Projection(*student), teacher, labels, *how)
    expected = by_formula(student, teacher, labels, *how)
    torch.testing.assert_close(total, expected, rtol=1e-12, atol=0)
    for ours, theirs in zip(torch.autograd.grad(total, student), torch.autograd.grad(expected, student), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("chunk", [1, 7, 1000])
def test_the_chunk_changes_nothing(chunk):
    student, teacher, labels = batch(positions=31)
    values = [vocabulary_loss(Projection(*student), teacher, labels, 2.0, 1.0, 1.0, chunk=c)[0] for c in (chunk, 256)]
    torch.testing.assert_close(*values, rtol=1e-12, atol=1e-12)
