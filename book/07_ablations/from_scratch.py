# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Random weights, masked language modelling only
#
# **You will** train the student's architecture as if there had never been a teacher: random weights, plain masked
# language modelling. **You will have learnt** what a small network does by itself, and which question this baseline
# answers. **You need** the [full recipe's runs](../06_pretraining.ipynb).
#
# **What is the no-distillation baseline?** People ask for it, and mean one of two. *This* arm has neither of the things
# that a teacher gives, its layers and its outputs: the gap to the full recipe is what both are worth together. The arm
# [without a teacher](without_teacher.ipynb) keeps the copied layers: its gap is what the outputs are worth to a student
# that has them. And the gap between [random initialisation](random_initialisation.ipynb) and this arm is what the
# outputs are worth to a student that has not. The [summary](summary.ipynb) puts the four side by side.
#
# **Hypothesis.** Within a small budget this arm must come last. The paper shows no such arm.
#
# Its one difference in words, three fields in the recipe: no teacher. Start, $L_{ce}$ and $L_{cos}$ do without it;
# blocks, masks, order, budget and seeds are the full recipe's.

# %% tags=["parameters"]
edition: str = "laptop"

# %%
from distilbook.book.ablation import Ablation
from distilbook.book.chapter import open_chapter

chapter = open_chapter("07_ablations/from_scratch", globals())
ablation = Ablation.open(chapter)

# %% [markdown]
# ## The run
#
# The configuration is read from the full recipe's runs and changed in one place, so that the two cannot drift apart.

# %%
from distilbook.views.style import say, show_source, table
from distilbook.distillation.recipe import changes_of
from distilbook.pretraining.ablations import (
    cost_of_a_step,
    equal_seconds_steps,
    run_arm,
)

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
# Nothing is claimed of this arm, so this is the plain comparison by the same rule, the arm less the full recipe:

# %%
say(ablation.verdict())

# %% [markdown]
# ## For as many seconds
#
# This arm pays for one network less: no forward pass of the teacher, and no projection of its states onto the
# vocabulary. At equal tokens that saving counts for nothing. So the arm is trained once more, for as many steps as the
# seconds of the full recipe would have paid for,
#
# $$ \text{steps} = \text{steps of the full recipe} \cdot \frac{c_{\text{full}}}{c_{\text{arm}}} , $$
#
# where $c$ is what a step costs: the median over all steps, so that a moment in which the machine was busy does not
# count, of its seconds on an accelerator and of its seconds times cores without one. Seeds, masks and the order of the
# blocks stay; the text is gone through further, and warm-up and fall of the learning rate stretch along.
#
# *Our remark.* Cores are counted because chapters may run side by side, each on some of them. A second core never
# quite doubles the speed, so the recipe that ran on more cores seems a little dearer than it is. What both took in the
# end is in the table.

# %%
show_source(cost_of_a_step, equal_seconds_steps)

# %%
ablation.run_as_long(watch)

# %%
ablation.curves()

# %%
table(ablation.rows())

# %%
say(ablation.verdict_as_long())

# %% [markdown]
# ## Summary
#
# - Of a teacher this arm has nothing; the full recipe has its layers and its outputs. Their gap does not tell which of
#   the two made it.
# - The sentences above are about held-out masked prediction at this edition's budget, and about nothing else.
#
# ## Exercises
#
# 1. A student like this one, trained for as long as its teacher was, is a small BERT. Where would you expect its curve
#    to end against the full recipe's?
# 2. Which of the gaps named above does the paper's Table 4 let you compute, and which not?
