# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # The triple loss
#
# **You will** take the loss apart into its three terms, compute each by hand on a batch small enough to print, and
# check that the library gives the same. **You will have learnt** what temperature does, why its square appears, and how
# a loss over a whole vocabulary is computed without ever holding it. **You need** logarithms and the
# [teacher](03_teacher.ipynb).

# %% tags=["parameters"]
edition: str = "laptop"
temperature: float = 2.0
seed: int = 0

# %%
from distilbook.book.chapter import open_chapter

chapter = open_chapter("05_triple_loss", globals())
config = chapter.config

# %% [markdown]
# The student is trained on a weighted sum,
#
# $$ L = \alpha_{ce} L_{ce} + \alpha_{mlm} L_{mlm} + \alpha_{cos} L_{cos} , $$
#
# with weights 5, 2 and 1 in the original code. The paper does not state them.
#
# A toy batch: seven positions, a vocabulary of eleven. Two positions were masked and have a label.

# %%
import torch

generator = torch.Generator().manual_seed(config.seed)
draw = lambda *shape: torch.randn(
    *shape, generator=generator, dtype=torch.float64
)
student_states, teacher_states = draw(7, 5), draw(7, 5)
student_words, teacher_words = draw(11, 5), draw(11, 5)
bias = torch.zeros(11, dtype=torch.float64)
labels = torch.tensor([-100, 3, -100, -100, 8, -100, -100])
z, t = student_states @ student_words.T, teacher_states @ teacher_words.T
print(
    "student logits z:",
    tuple(z.shape),
    "  teacher logits t:",
    tuple(t.shape),
)

# %% [markdown]
# ## Distillation
#
# A teacher's probabilities say more than its first choice: that `moving` would have fitted almost as well as `funny`,
# and `seven` not at all. {cite:t}`hinton2015distilling` divide the logits by a *temperature* $T$ before the softmax,
# which brings the small probabilities up to where they can be learnt from:
#
# $$ p_i = \mathrm{softmax}(t_i / T), \qquad q_i = \mathrm{softmax}(z_i / T), \qquad
#    L_{ce} = \frac{T^2}{n} \sum_{i=1}^{n} \sum_v p_{iv} \left( \log p_{iv} - \log q_{iv} \right) . $$
#
# The sum over $v$ is a Kullback-Leibler divergence. The paper calls it a cross-entropy; the two differ by the entropy
# of $p$, which does not depend on the student, so their gradients are the same. The mean is over all positions that
# are no padding. Here is the teacher's own uncertainty at several temperatures:

# %%
from distilbook.views.models import softened
from distilbook.models.loading import load_teacher, load_tokenizer

folder = chapter.find("teacher", made_by="03_teacher")
teacher = load_teacher(folder, new_head=False)
pieces = load_tokenizer(folder)
sentence = f"The film was a {pieces.mask_token} and moving story."
inputs = pieces(sentence, return_tensors="pt")
with torch.inference_mode():
    place = (inputs.input_ids[0] == pieces.mask_token_id).nonzero().item()
    logits = teacher(**inputs).logits[0, place].float()

# %%
top = logits.topk(10)
temperatures = sorted({0.5, 1.0, 2.0, 4.0, 8.0, config.temperature})
softened(
    top.values.numpy(),
    pieces.convert_ids_to_tokens(top.indices),
    temperatures,
    config.temperature,
)

# %% [markdown]
# By hand, with nothing but the formula:

# %%
T = config.temperature
p, q = (t / T).softmax(-1), (z / T).softmax(-1)
by_hand_ce = T**2 * (p * (p.log() - q.log())).sum(-1).mean()
print(f"L_ce = {by_hand_ce:.12f}")

# %% [markdown]
# **Why $T^2$?** The gradient of the divergence with respect to the student's logits is $(q - p) / T$. At a high
# temperature $q - p$ itself shrinks like $1 / T$. Together the gradient falls like $1 / T^2$, and the factor keeps the
# weight of this term what it is when $T$ changes. The dashed curve is the norm without it, for the toy batch:

# %%
import numpy as np

from distilbook.views.models import gradient_norms

grid = np.geomspace(0.5, 16, 25)
plain = np.array(
    [
        float((((z / at).softmax(-1) - (t / at).softmax(-1)) / at).norm())
        for at in grid
    ]
)
scaled = plain * grid**2
gradient_norms(grid, plain, scaled)

# %%
from distilbook.views.models import agreement, gradient_sizes
from distilbook.views.style import say

say(gradient_sizes(grid, plain, scaled))

# %% [markdown]
# ## Masked language modelling
#
# The student also has the task the teacher once had: the true token $y_i$ at the masked positions $M$,
#
# $$ L_{mlm} = \frac{1}{|M|} \sum_{i \in M} - \log \mathrm{softmax}(z_i)_{y_i} . $$

# %%
masked = labels != -100
by_hand_mlm = (
    -z[masked]
    .log_softmax(-1)[torch.arange(int(masked.sum())), labels[masked]]
    .mean()
)
print(f"L_mlm = {by_hand_mlm:.12f}")

# %% [markdown]
# ## Hidden states in the same direction
#
# The third term aligns the last hidden states $h$ of the student with the teacher's $g$, which only makes sense
# because both have the same width:
#
# $$ L_{cos} = \frac{1}{n} \sum_{i=1}^{n} \left( 1 - \frac{h_i \cdot g_i}{\lVert h_i \rVert \, \lVert g_i \rVert} \right) . $$

# %%
norms = student_states.norm(dim=-1) * teacher_states.norm(dim=-1)
by_hand_cos = (1 - (student_states * teacher_states).sum(-1) / norms).mean()
print(f"L_cos = {by_hand_cos:.12f}")

# %% [markdown]
# ## The library's answer
#
# At 30,522 tokens the logits are by far the largest tensor of a training step, and the textbook formula makes
# several copies of it. The library never holds them whole: it takes a chunk of positions, makes their logits, computes
# the terms *and their gradient* in closed form,
#
# $$ \frac{\partial L_{ce}}{\partial z_i} = \frac{T}{n} (q_i - p_i), \qquad
#    \frac{\partial L_{mlm}}{\partial z_i} = \frac{1}{|M|} \left( \mathrm{softmax}(z_i) - e_{y_i} \right), $$
#
# projects that back to the hidden states and the word embeddings, and forgets the logits. What cannot be saved are the
# products of positions, vocabulary and width: the logits of both models, and the gradients of states and embeddings.
# They may be computed in a narrow type; softmax, logarithms and all that is summed over chunks stay in float32.

# %%
from distilbook.views.style import show_source, table
from distilbook.distillation.losses import (
    Projection,
    _chunk_terms,
    _cross_entropy,
    _divergence,
    _project_back,
    cosine_loss,
    vocabulary_loss,
)

show_source(
    vocabulary_loss,
    _chunk_terms,
    _divergence,
    _cross_entropy,
    _project_back,
    cosine_loss,
)

# %%
ours = Projection(
    student_states.requires_grad_(), student_words.requires_grad_(), bias
)
theirs = Projection(teacher_states, teacher_words, bias)
positions, hidden = len(labels), int(masked.sum())
_, divergence, cross_entropy = vocabulary_loss(
    ours, theirs, labels, T, 1 / positions, 1 / hidden, chunk=3
)
library = {
    "distillation loss": divergence / positions,
    "masked-LM loss": cross_entropy / hidden,
    "cosine loss": cosine_loss(student_states, teacher_states) / positions,
}

# %%
by_hand = {
    "distillation loss": by_hand_ce,
    "masked-LM loss": by_hand_mlm,
    "cosine loss": by_hand_cos,
}
table(
    [
        {
            "term": term,
            "by hand": f"{by_hand[term]:.10f}",
            "library": f"{value:.10f}",
            "difference": f"{abs(value - by_hand[term]):.1e}",
        }
        for term, value in library.items()
    ]
)

# %% [markdown]
# The same for the gradient, which the library computes without automatic differentiation and the formula with it:

# %%
a_ce, a_mlm = 5, 2
total, _, _ = vocabulary_loss(
    ours, theirs, labels, T, a_ce / positions, a_mlm / hidden, chunk=3
)
fast = torch.autograd.grad(total, (student_states, student_words))
z = student_states @ student_words.T
formula = (
    a_ce * T**2 * (p * (p.log() - (z / T).log_softmax(-1))).sum(-1).mean()
)
formula = formula + a_mlm * torch.nn.functional.cross_entropy(z, labels)
slow = torch.autograd.grad(formula, (student_states, student_words))

# %%
names = ("hidden states", "word embeddings")
table(
    [
        {
            "gradient with respect to": name,
            "largest difference": f"{(a - b).abs().max():.1e}",
            "largest entry": f"{b.abs().max():.3f}",
        }
        for name, a, b in zip(names, fast, slow, strict=True)
    ]
)

# %%
gradients = {
    f"gradient of the {name}": float((a - b).abs().max())
    for name, a, b in zip(names, fast, slow, strict=True)
}
terms = {
    name: float((library[name] - by_hand[name]).detach().abs())
    for name in library
}
say(agreement(terms | gradients))

# %% [markdown]
# ## Summary
#
# - Three terms, three normalisations: all positions, masked positions, all positions.
# - The square of the temperature makes up for how the distillation gradient fades as the temperature rises.
# - Chunks avoid the large tensor; whether they give the formula's values and gradients was checked above.
#
# ## Exercises
#
# 1. Let $T \to \infty$ in $T^2 \, \mathrm{KL}$. What familiar loss between the logits appears?
# 2. Which of the three terms can be zero while the student still predicts badly?
# 3. Put 0 masked positions into the toy batch. What should $L_{mlm}$ be, and what is it?
