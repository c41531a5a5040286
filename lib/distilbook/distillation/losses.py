r"""The triple loss (Sanh et al. 2019, section 3), without a tokens x vocabulary tensor.

.. math::
    L = \alpha_{ce} L_{ce} + \alpha_{mlm} L_{mlm} + \alpha_{cos} L_{cos}

With student logits :math:`z`, teacher logits :math:`t` and temperature :math:`T`:

* :math:`L_{ce} = T^2 \, \mathrm{mean}_i \sum_v p_{iv} (\log p_{iv} - \log q_{iv})` with
  :math:`p = \mathrm{softmax}(t / T)`, :math:`q = \mathrm{softmax}(z / T)`: a Kullback-Leibler divergence,
  mean over all tokens but padding (or over the masked ones);
* :math:`L_{mlm} = \mathrm{mean}_i -\log \mathrm{softmax}(z_i)_{y_i}`, mean over masked tokens;
* :math:`L_{cos} = \mathrm{mean}_i \; 1 - \cos(h_i, g_i)` of the last hidden states of student and teacher,
  mean over all tokens but padding.

The logits of the first two are the largest tensor of a step, at a vocabulary of 30,522 tokens. They are computed in
chunks of positions, with both terms and their gradient in closed form. With :math:`s` the states before the vocabulary
projection, n x width, and :math:`W` the word embeddings, V x width:

.. math::
    z = s W^\top + b \quad (n \times V), \qquad
    \frac{\partial L_{ce}}{\partial z_i} = \frac{T}{n} (q_i - p_i), \qquad
    \frac{\partial L_{mlm}}{\partial z_i} = \frac{1}{|M|} (\mathrm{softmax}(z_i) - e_{y_i}), \qquad
    \frac{\partial L}{\partial s} = \frac{\partial L}{\partial z} W, \qquad
    \frac{\partial L}{\partial W} = \left(\frac{\partial L}{\partial z}\right)^\top s .

Both models' logits and these two gradients are four products of 2 n V width operations each. The caller gives the
counts by which sums are divided: those of the whole step, over micro-batches and processes. Under autocast the products
are in its narrow type; softmax, logarithms, sums over the vocabulary and the gradient of the weights are in float32.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from ..core.config import ChapterConfig, Seed
from ..corpus.masking import IGNORED
from ..models.lm_head import Projection
from .recipe import Temperature

#: Positions per chunk by kind of device: on a CPU few enough for caches (256 x 30,522 float32 are 31 MB), on an
#: accelerator enough to keep it busy (4,096 are 500 MB).
CHUNKS = {"cpu": 256}
CHUNK_ELSEWHERE = 4096
#: Vocabulary tokens per product; CPU libraries are a third slower at a product as wide as a vocabulary.
WORDS = {"cpu": 2048}


class LossConfig(ChapterConfig):
    """Parameters of the chapter on the loss."""

    temperature: Temperature
    seed: Seed


def cosine_loss(student_hidden: Tensor, teacher_hidden: Tensor) -> Tensor:
    """Return ``sum_i 1 - cos(student_i, teacher_i)`` in float32 or wider; both (positions, width)."""
    return (1 - F.cosine_similarity(_wide(student_hidden), _wide(teacher_hidden), dim=-1)).sum()


def vocabulary_loss(
    student: Projection,
    teacher: Projection | None,
    labels: Tensor,
    temperature: float,
    distillation_scale: float,
    masked_lm_scale: float,
    chunk: int | None = None,
) -> tuple[Tensor, Tensor, Tensor]:
    """Return the distillation and masked-LM terms of the loss.

    Args:
        labels: (positions,), the original token where it was masked, -100 elsewhere.
        teacher: the teacher's projection at the same positions; None where nothing is distilled.
        distillation_scale: factor of the sum of ``T^2 KL`` over positions: weight / count.
        masked_lm_scale: factor of the sum of cross-entropies over masked positions.
        chunk: positions per chunk.

    Returns:
        The scaled sum of both (with a gradient for the student's states, weight and bias), the sum of
        ``T^2 KL`` and the sum of cross-entropies (both without gradient), three scalars.
    """
    if teacher is None:
        masked = labels != IGNORED
        student, labels = student.at(masked), labels[masked]
    scales = (distillation_scale, masked_lm_scale)
    chunk = chunk or CHUNKS.get(labels.device.type, CHUNK_ELSEWHERE)
    return _VocabularyLoss.apply(
        student.states, student.weight, student.bias, teacher, labels, temperature, scales, chunk
    )


class _VocabularyLoss(torch.autograd.Function):
    """The two terms and, in the same pass, their gradient: no logits outlive their chunk."""

    @staticmethod
    def forward(ctx, states, weight, bias, teacher, labels, temperature, scales, chunk):
        student = _for_products(Projection(states, weight, bias))
        teacher = teacher and _for_products(teacher)
        wide = torch.promote_types(states.dtype, torch.float32)
        types = (states.dtype, wide, wide)  # each chunk sets its rows of the states', and adds to the other two
        inputs = (states, weight, bias)
        grads = [torch.zeros_like(tensor, dtype=dtype) for tensor, dtype in zip(inputs, types, strict=True)]
        sums = torch.zeros(2, dtype=wide, device=states.device)
        # The gradient is kept for the larger scale at 1, where float16 can hold it, and scaled when it is asked for.
        largest = max(*scales) or 1.0
        relative = [scale / largest for scale in scales]
        with torch.autocast(states.device.type, enabled=False):
            for start in range(0, len(states), chunk):
                rows = slice(start, start + chunk)
                here = student.at(rows)
                terms, d_logits = _chunk_terms(here, teacher and teacher.at(rows), labels[rows], temperature, relative)
                sums += terms
                if any(ctx.needs_input_grad):
                    _project_back(d_logits, here, grads, rows)
        ctx.grads, ctx.largest, ctx.types = grads, largest, [tensor.dtype for tensor in inputs]
        divergence, cross_entropy = sums
        ctx.mark_non_differentiable(divergence, cross_entropy)
        return scales[0] * divergence + scales[1] * cross_entropy, divergence, cross_entropy

    @staticmethod
    def backward(ctx, d_total, _divergence, _cross_entropy):
        scaled = (grad * (d_total * ctx.largest) for grad in ctx.grads)
        return *(grad.to(dtype) for grad, dtype in zip(scaled, ctx.types, strict=True)), *(None,) * 5


def _wide(tensor: Tensor) -> Tensor:
    """Return ``tensor`` in float32, or as it is where it is wider."""
    return tensor.to(torch.promote_types(tensor.dtype, torch.float32))


def _for_products(projection: Projection) -> Projection:
    """Return the projection in the type that autocast has for products; as it is where there is no autocast."""
    device = projection.states.device.type
    narrow = torch.get_autocast_dtype(device) if torch.is_autocast_enabled(device) else projection.states.dtype
    return Projection(*(tensor.to(narrow) for tensor in (projection.states, projection.weight, projection.bias)))


def _project_back(d_logits: Tensor, here: Projection, grads: list[Tensor], rows: slice) -> None:
    """Add one chunk's share to the gradients of states, weight and bias."""
    narrow = d_logits.to(here.states.dtype)
    grads[0][rows] = narrow @ here.weight
    if narrow.dtype == grads[1].dtype:
        grads[1].addmm_(narrow.T, here.states)
    else:
        grads[1] += narrow.T @ here.states
    grads[2] += d_logits.sum(0)


def _logits(projection: Projection, temperature: float) -> Tensor:
    """Return the logits of a chunk divided by ``temperature``, (rows, vocabulary), in float32 or wider."""
    states, weight, bias = projection.states / temperature, projection.weight, projection.bias / temperature
    logits = _wide(states).new_empty(len(states), len(weight))
    width = WORDS.get(states.device.type, len(weight))
    for start in range(0, len(weight), width):
        words = slice(start, start + width)
        logits[:, words] = torch.addmm(bias[words], states, weight[words].T)
    return logits


def _log_normaliser(logits: Tensor, probabilities: Tensor) -> Tensor:
    """Return ``logsumexp(logits)`` of each row from its softmax, without another pass of exponentials."""
    return logits.amax(dim=-1) - probabilities.amax(dim=-1).log()


def _chunk_terms(student, teacher, labels, temperature, scales):
    """Return a chunk's sum of ``T^2 KL`` and sum of cross-entropies, (2,), and the gradient of the logits.

    With ``u = z / T``: ``d(T^2 KL) / dz = T (q - p)`` and ``d CE / dz = softmax(z) - onehot(y)``, times ``scales``.
    """
    if teacher is None:
        cross_entropy, d_logits = _cross_entropy(_logits(student, 1.0), labels)
        return torch.stack([torch.zeros_like(cross_entropy), cross_entropy]), d_logits.mul_(scales[1])
    scaled = _logits(student, temperature)
    masked = (labels != IGNORED).nonzero().squeeze(-1)
    cross_entropy, d_masked = _cross_entropy(scaled[masked] * temperature, labels[masked])
    kl, d_logits = _divergence(scaled, _logits(teacher, temperature))
    d_logits.mul_(scales[0] * temperature)
    d_logits.index_add_(0, masked, d_masked, alpha=scales[1])
    return torch.stack([temperature**2 * kl, cross_entropy]), d_logits


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
