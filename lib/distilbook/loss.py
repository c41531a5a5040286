r"""The triple loss (Sanh et al. 2019, section 3), without a tokens x vocabulary tensor.

.. math::
    L = \alpha_{ce} L_{ce} + \alpha_{mlm} L_{mlm} + \alpha_{cos} L_{cos}

With student logits :math:`z`, teacher logits :math:`t` and temperature :math:`T`:

* :math:`L_{ce} = T^2 \, \mathrm{mean}_i \sum_v p_{iv} (\log p_{iv} - \log q_{iv})` with
  :math:`p = \mathrm{softmax}(t / T)`, :math:`q = \mathrm{softmax}(z / T)`: a Kullback-Leibler divergence,
  mean over all tokens that are no padding (or over the masked ones);
* :math:`L_{mlm} = \mathrm{mean}_i -\log \mathrm{softmax}(z_i)_{y_i}`, mean over masked tokens;
* :math:`L_{cos} = \mathrm{mean}_i \; 1 - \cos(h_i, g_i)` of the last hidden states of student and teacher,
  mean over all tokens that are no padding.

The first two need the vocabulary projection, which at 30,522 word pieces is far the largest tensor of
a step. They are therefore taken from the states before that projection, a chunk of positions at a
time: for each chunk the logits are made, the two terms and their gradient computed in closed form,
and the logits forgotten. Sums are divided by counts that the caller gives, so that accumulation and
several processes normalise by the true number of tokens of the whole step.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor

from .config import ChapterConfig, Seed
from .data.masking import IGNORED
from .model.projection import Projection

#: Positions whose logits exist at one time: 256 x 30,522 float32 are 31 MB, a few of them fit in a cache.
CHUNK = 256


class LossConfig(ChapterConfig):
    """What chapter 05 tries the loss with."""

    temperature: float = Field(gt=0)
    seed: Seed


def cosine_loss(student_hidden: Tensor, teacher_hidden: Tensor) -> Tensor:
    """Return ``sum_i 1 - cos(student_i, teacher_i)`` in float32 or wider; both (positions, width)."""
    wide = torch.promote_types(student_hidden.dtype, torch.float32)
    return (1 - F.cosine_similarity(student_hidden.to(wide), teacher_hidden.to(wide), dim=-1)).sum()


def vocabulary_loss(
    student: Projection,
    teacher: Projection | None,
    labels: Tensor,
    temperature: float,
    distillation_scale: float,
    masked_lm_scale: float,
    chunk: int = CHUNK,
) -> tuple[Tensor, Tensor, Tensor]:
    """Return the distillation and masked-LM terms of the loss.

    Args:
        labels: (positions,), the original word piece where one was masked, -100 elsewhere.
        teacher: the teacher's projection at the same positions; None where nothing is distilled.
        distillation_scale: what multiplies the sum of ``T^2 KL`` over positions: weight / count.
        masked_lm_scale: what multiplies the sum of cross-entropies over masked positions.

    Returns:
        The scaled sum of both (with a gradient for the student's states, weight and bias), the sum of
        ``T^2 KL`` and the sum of cross-entropies (both without gradient), three scalars.
    """
    if teacher is None:
        masked = labels != IGNORED
        student, labels = student.at(masked), labels[masked]
    return _VocabularyLoss.apply(
        student.states,
        student.weight,
        student.bias,
        teacher,
        labels,
        temperature,
        distillation_scale,
        masked_lm_scale,
        chunk,
    )


class _VocabularyLoss(torch.autograd.Function):
    """The two terms and, in the same pass, their gradient: no logits outlive their chunk."""

    @staticmethod
    def forward(ctx, states, weight, bias, teacher, labels, temperature, distillation_scale, masked_lm_scale, chunk):
        needs_gradient = any(ctx.needs_input_grad[:3])
        student = Projection(states, weight, bias)
        grads = [torch.zeros_like(tensor) for tensor in (states, weight, bias)] if needs_gradient else None
        kl_sum = cross_entropy_sum = states.new_zeros((), dtype=torch.promote_types(states.dtype, torch.float32))
        for start in range(0, len(states), chunk):
            rows = slice(start, start + chunk)
            here = student.at(rows)
            kl, cross_entropy, d_logits = _chunk_terms(
                here, teacher and teacher.at(rows), labels[rows], temperature, distillation_scale, masked_lm_scale
            )
            kl_sum, cross_entropy_sum = kl_sum + kl, cross_entropy_sum + cross_entropy
            if needs_gradient:
                _project_back(d_logits.to(states.dtype), here, grads, rows)
        ctx.grads = grads
        total = distillation_scale * kl_sum + masked_lm_scale * cross_entropy_sum
        ctx.mark_non_differentiable(kl_sum, cross_entropy_sum)
        return total, kl_sum, cross_entropy_sum

    @staticmethod
    def backward(ctx, d_total, _kl, _cross_entropy):
        return *(d_total * grad for grad in ctx.grads), *(None,) * 6


def _project_back(d_logits: Tensor, here: Projection, grads: list[Tensor], rows: slice) -> None:
    """Add one chunk's share to the gradients of states, weight and bias."""
    grads[0][rows] = d_logits @ here.weight
    grads[1].addmm_(d_logits.T, here.states)
    grads[2] += d_logits.sum(0)


def _logits(projection: Projection, temperature: float) -> Tensor:
    """Return the logits of a chunk divided by ``temperature``, (rows, vocabulary), in float32 or wider."""
    scaled = torch.addmm(projection.bias / temperature, projection.states / temperature, projection.weight.T)
    return scaled.to(torch.promote_types(scaled.dtype, torch.float32))


def _log_normaliser(logits: Tensor, probabilities: Tensor) -> Tensor:
    """Return ``logsumexp(logits)`` of each row from its softmax, without another pass of exponentials."""
    top, place = logits.max(dim=-1, keepdim=True)
    return (top - probabilities.gather(-1, place).log()).squeeze(-1)


def _chunk_terms(student, teacher, labels, temperature, distillation_scale, masked_lm_scale):
    """Return a chunk's sum of ``T^2 KL``, its sum of cross-entropies, and the gradient of the logits.

    With ``u = z / T``: ``d(T^2 KL) / dz = T (q - p)`` and ``d CE / dz = softmax(z) - onehot(y)``.
    """
    if teacher is None:
        cross_entropy, d_logits = _cross_entropy(_logits(student, 1.0), labels)
        return torch.zeros_like(cross_entropy), cross_entropy, d_logits.mul_(masked_lm_scale)
    scaled = _logits(student, temperature)
    masked = (labels != IGNORED).nonzero().squeeze(-1)
    cross_entropy, d_masked = _cross_entropy(scaled[masked] * temperature, labels[masked])
    kl, d_logits = _divergence(scaled, _logits(teacher, temperature))
    d_logits.mul_(distillation_scale * temperature)
    d_logits.index_add_(0, masked, d_masked, alpha=masked_lm_scale)
    return temperature**2 * kl, cross_entropy, d_logits


def _divergence(scaled: Tensor, teacher_scaled: Tensor) -> tuple[Tensor, Tensor]:
    """Return ``sum_i KL(p_i || q_i)`` and ``q - p``, from logits already divided by the temperature."""
    p, q = teacher_scaled.softmax(-1), scaled.softmax(-1)
    normalisers = _log_normaliser(scaled, q) - _log_normaliser(teacher_scaled, p)
    kl = torch.linalg.vecdot(p, teacher_scaled.sub_(scaled)) + normalisers
    return kl.sum(), q.sub_(p)


def _cross_entropy(logits: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    """Return ``sum_i -log softmax(z_i)[y_i]`` and its gradient ``softmax(z) - onehot(y)``."""
    log_probabilities = logits.log_softmax(-1)
    total = -log_probabilities.gather(-1, labels[:, None]).sum()
    gradient = log_probabilities.exp_()
    gradient[torch.arange(len(labels)), labels] -= 1
    return total, gradient
