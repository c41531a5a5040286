# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Without the masked-LM loss
#
# **You will** take away the only term that knows the true words, and let the student learn from its teacher alone.
# **You will have learnt** whether a student needs the truth beside a teacher that has seen it. **You need** the
# [full recipe's runs](../06_pretraining.ipynb).
#
# **Hypothesis.** The teacher's distribution has most of its weight on the true word where the teacher is right; the
# truth adds something only where it is wrong. The paper reports the smallest loss of its table for this arm. What we
# measure here is masked prediction itself, the very thing that this arm is no longer trained for, so that the loss may
# well be larger than on the paper's tasks.
#
# Its one difference: $L_{mlm}$ has weight 0. Start, blocks, masks, order, budget and seeds are the full recipe's.

# %% tags=["parameters"]
edition: str = "laptop"

# %%
from distilbook.edition.ablation import Ablation
from distilbook.edition.chapter import open_chapter

chapter = open_chapter("07_ablations/without_mlm", globals())
ablation = Ablation.open(chapter)

# %% [markdown]
# ## The run
#
# The configuration is read from the full recipe's runs and changed in one place, so that the two cannot drift apart.

# %%
from distilbook.display.tables import say, show_source, table
from distilbook.recipe import changes_of
from distilbook.training.arms import run_arm

show_source(changes_of, run_arm)

# %%
table(ablation.changed())

# %%
from distilbook.display.live import watch

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
# 1. Could a student without $L_{mlm}$ come to predict hidden words better than its teacher? And with it?
# 2. The weaker the teacher, the more the truth should add. How would you test that with
#    [chapter 03](../03_teacher.ipynb)'s parameter `steps`?
