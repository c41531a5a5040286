# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Without the distillation loss
#
# **You will** take the first term of the triple loss away and leave the other two. **You will have learnt** what it is
# worth to a student to see the teacher's whole distribution. **You need** the
# [full recipe's runs](../06_pretraining.ipynb).
#
# **Hypothesis.** Masked language modelling corrects the student at the hidden positions, each time by one word.
# $L_{ce}$ corrects it by a distribution over the whole vocabulary, which also says what would have fitted almost as
# well. The paper reports the second largest loss of its table for this arm. The teacher is not gone: $L_{cos}$ still
# pulls the student's last hidden states towards the teacher's.
#
# Its one difference: $L_{ce}$ has weight 0. Start, blocks, masks, order, budget and seeds are the full recipe's.
#
# *Our remark.* The largest weight is taken out, but that does not make the steps smaller: AdamW divides a gradient by
# its own running size, so a loss with half the weight takes much the same steps.

# %% tags=["parameters"]
edition: str = "laptop"

# %%
from distilbook.book.ablation import Ablation
from distilbook.book.chapter import open_chapter

chapter = open_chapter("07_ablations/without_distillation", globals())
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
# 1. Put the weight that $L_{ce}$ had onto $L_{mlm}$, with the parameter `choices` of
#    [the chapter on choices](choices.ipynb). Does that make up for some of it?
# 2. Which measurement in the second table should suffer most from this arm, whatever the masked accuracy does?
