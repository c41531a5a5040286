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
from distilbook.book.ablation import Ablation
from distilbook.book.chapter import open_chapter

chapter = open_chapter("07_ablations/without_mlm", globals())
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
# ## Do the masks decide it?
#
# *Our remark.* The masks that everything above was measured under are uniform: every token is asked for as often
# as it occurs. Training asks for the rare ones more often ([chapter 02](../02_corpus.ipynb)), and $L_{mlm}$ is what
# teaches the student how often; the teacher, trained on uniform masks, answers as if all were asked for alike. So the
# arm that only listens to the teacher may owe a lead in the measurement to that, and not to a better grasp of
# language. The same held-out blocks, masked as in training, show whether it does. Scores are low there for everyone,
# for few rare words can be guessed. A row has both differences where there are two seeds, and the interval of their
# mean from three on.

# %%
from distilbook.views.masks import mask_rows, mask_sentences

ablation.measure_under_training_masks()
records = chapter.records.current()
table(mask_rows(records, ablation.runs))

# %%
say(mask_sentences(records, ablation.runs))

# %% [markdown]
# ## Summary
#
# - One thing was changed and everything else held: text, masks, order, budget, seeds.
# - The verdict above is about held-out prediction under uniform masks at this edition's budget, and about nothing
#   else: under training's own masks it need not be the same.
#
# ## Exercises
#
# 1. Could a student without $L_{mlm}$ come to predict hidden words better than its teacher? And with it?
# 2. The weaker the teacher, the more the truth should add. How would you test that with
#    [chapter 03](../03_teacher.ipynb)'s parameter `steps`?
