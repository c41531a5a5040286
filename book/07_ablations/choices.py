# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Which layers, which temperature, which weights
#
# **You will** change single values of the full recipe and train it again. **You will have learnt** which of its choices
# this edition can tell from another, and how to try your own. **You need** the
# [full recipe's runs](../06_pretraining.ipynb).
#
# The paper names none of these values. Its code has them, without a word on how they were found, and readers keep
# asking. What can be derived is derived here; the rest is measured.
#
# - **Why these layers?** The paper takes one layer of two, so that the student has a bit of every depth; its code takes
#   a list that does not quite alternate ([chapter 04](../04_student.ipynb)). A layer was trained to read what the layer
#   below it writes. Skipping every other one breaks each of these links a little; taking a block of neighbours keeps
#   the links within and breaks one of them badly: the lowest block lacks what the head expects, the uppermost what
#   the embeddings do not give.
# - **Why this temperature?** At $T = 1$ the divergence is ruled by the few tokens the teacher thinks likely; the
#   higher $T$ is, the more the rest of the vocabulary counts.
# - **Why $T^2$?** That needs no experiment: it keeps the gradient's size when $T$ changes, and is derived and drawn in
#   [chapter 05](../05_triple_loss.ipynb). So another temperature below is not another weight in disguise.
# - **Why these weights?** The terms are in different units, nat and cosine, and AdamW takes no notice of their common
#   scale: only ratios count. The arms of this part put each weight to zero; here it can be anything.
# - **At which positions?** The original takes $L_{ce}$ at all of them, which costs most of a step
#   ([chapter 06](../06_pretraining.ipynb)). The masked ones alone are fewer, and the only ones where the teacher had to
#   guess.

# %% tags=["parameters"]
edition: str = "laptop"
seeds: list = [0]
choices: list = [
    {"layers": [3, 4, 5]},
    {"temperature": 1.0},
    {"distilled_positions": "masked"},
]

# %% [markdown]
# Each choice is a row of the recipe's fields with other values; with several fields in a row they change together. It
# costs a run of the full recipe a seed. Add to the list what you want to know.

# %%
from distilbook.book.ablation import Choices
from distilbook.book.chapter import open_chapter

chapter = open_chapter("07_ablations/choices", globals())
tried = Choices.open(chapter)

# %% [markdown]
# ## The runs
#
# A choice that is the full recipe, one of its arms, or none that could be run, was refused when the chapter was opened,
# before anything was trained.

# %%
from distilbook.views.style import say, show_source, table
from distilbook.pretraining.ablations import choices_of, run_choice

show_source(choices_of, run_choice)

# %%
table(tried.changed())

# %%
from distilbook.views.live import watch

tried.run(watch)

# %% [markdown]
# ## Against the full recipe

# %%
tried.curves()

# %%
table(tried.rows())

# %% [markdown]
# The unsoftened distillation loss has $T = 1$ for all of them, whatever they were trained with.
#
# ## What it says
#
# By the rule that judges the arms:

# %%
say(tried.sentence(choice.name) for choice in tried.choices)

# %% [markdown]
# ## Summary
#
# - A choice is one run of the full recipe with one row of values changed; everything else is paired, down to the masks.
# - A single seed shows a direction and settles nothing; the [summary](summary.ipynb) says how many would.
#
# ## Exercises
#
# 1. Add a student of the lowest layers, and a higher temperature. Predict both curves before you run them.
# 2. Set all three weights to one. Which of them has grown in importance, and by how much?
# 3. Would you rather pick a value by its masked accuracy here or by a task of [chapter 08](../08_sentence_tasks.ipynb)?
#    What would you have to keep apart in either case?
