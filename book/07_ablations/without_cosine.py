# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Without the cosine loss
#
# **You will** take away the term that aligns hidden states and leave both that look at the vocabulary.
# **You will have learnt** whether a direction adds anything where the distribution is matched already. **You need**
# the [full recipe's runs](../06_pretraining.ipynb).
#
# **Hypothesis.** The student's head starts as a copy of the teacher's. Where both give the same distribution through
# the same head, their last hidden states cannot differ much in what the head can see, so $L_{cos}$ should add little
# to $L_{ce}$. It may help early, for it reaches the states without going through the head, and at the positions where
# $L_{ce}$ is not taken. The paper reports about half the loss that it reports without $L_{ce}$.
#
# Its one difference: $L_{cos}$ has weight 0. Start, blocks, masks, order, budget and seeds are the full recipe's.

# %% tags=["parameters"]
edition: str = "laptop"

# %%
from distilbook.book.ablation import Ablation
from distilbook.book.chapter import open_chapter

chapter = open_chapter("07_ablations/without_cosine", globals())
ablation = Ablation.open(chapter)

# %% [markdown]
# ## The run
#
# The configuration is read from the full recipe's runs and changed in one place, so that the two cannot drift apart.

# %%
from distilbook.views.style import say, show_source, table
from distilbook.distillation.recipe import changes_of
from distilbook.pretraining.ablations import run_arm

show_source(changes_of, run_arm)

# %%
table(ablation.changed())

# %%
from distilbook.views.live import watch

ablation.run(watch)

# %% [markdown]
# ## Against the full recipe

# %%
ablation.curves()

# %%
table(ablation.rows())

# %% [markdown]
# The same scores, seed against seed:

# %%
table(ablation.comparison())

# %% [markdown]
# ## What it says
#
# The sentence is made from the records by the rule of chapter 01:

# %%
say(ablation.verdict())

# %% [markdown]
# ## Summary
#
# - One thing was changed and everything else held: text, masks, order, budget, seeds.
# - The verdict above is about held-out masked prediction at this edition's budget, and about nothing else.
#
# ## Exercises
#
# 1. Take $L_{ce}$ at the masked positions only (`distilled_positions`), with and without $L_{cos}$. Where should the
#    cosine term be worth more?
# 2. With random initialisation the head is no copy of the teacher's. What does that do to the hypothesis above?
