# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Random initialisation
#
# **You will** start the student from random weights and train it with the full triple loss. **You will have learnt**
# how much of a student's knowledge is copied, not taught. **You need** the
# [full recipe's runs](../06_pretraining.ipynb).
#
# **Hypothesis.** The paper reports the largest loss of all for this arm. The shorter the budget, the larger it should
# be: random weights have everything to learn, the embeddings included.
#
# Its one difference: the weights it starts from. Nothing is copied, neither layers nor embeddings nor the head;
# loss, blocks, masks, order, budget and seeds are the full recipe's.

# %% tags=["parameters"]
edition: str = "laptop"

# %%
from distilbook.book.ablation import Ablation
from distilbook.book.chapter import open_chapter

chapter = open_chapter("07_ablations/random_initialisation", globals())
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
# 1. At which number of tokens would you expect the two curves to meet, if ever? Extend them by eye, then by `steps`.
# 2. Which measurement in the table could favour this arm although its masked accuracy does not?
