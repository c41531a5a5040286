# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Copied layers, masked language modelling only
#
# **You will** take the teacher away: the student starts from the same copied layers and goes on with plain masked
# language modelling. **You will have learnt** what the teacher's outputs add to what its layers already bring, for the
# same tokens and for the same seconds. **You need** the [full recipe's runs](../06_pretraining.ipynb).
#
# **Hypothesis.** The paper shows no such arm. Copied layers carry much of what the teacher knows, and masked language
# modelling is a sound way to go on. If distillation is worth its second forward pass, the full recipe must be better
# at the same number of tokens, and still at the same number of seconds.
#
# Its one difference: no teacher. Both terms that look at it, $L_{ce}$ and $L_{cos}$, have weight 0; blocks, masks,
# order, budget and seeds are the full recipe's.

# %% tags=["parameters"]
edition: str = "laptop"

# %%
from distilbook.book.ablation import Ablation
from distilbook.book.chapter import open_chapter

chapter = open_chapter("07_ablations/without_teacher", globals())
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
# The sentence is made from the records by the rule of chapter 01:

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
# ## Do the masks decide it?
#
# *Our remark.* Everything above was measured under uniform masks: every token is asked for as often as it occurs.
# Training asks for the rare ones more often ([chapter 02](../02_corpus.ipynb)), and a model learns how often it is
# asked for each. The teacher was trained on uniform masks, so its outputs tell the full recipe's student what those
# ask for. This arm hears of them from nobody: it is measured on another question than the one it was trained on. So
# part of what it lacks may be no knowledge of language at all.
#
# The same held-out blocks, masked once more with the draw of training, show how much the choice decides. Scores are
# low there for everyone, for few rare words can be guessed. A row has both differences where there are two seeds, and
# the interval of their mean from three on, like all comparisons of recipes.

# %%
from distilbook.views.masks import mask_rows, mask_sentences

ablation.measure_under_training_masks()
records = chapter.records.current()
table(mask_rows(records, ablation.runs))

# %%
say(mask_sentences(records, ablation.runs))

# %% [markdown]
# The book keeps to uniform masks for its verdicts: they ask for words as text has them, and they are what the
# published BERT was trained on. But where the two disagree, a verdict here is one about the teacher *and* its masks.
# On [tasks](../08_sentence_tasks.ipynb) no word is masked, and neither side has that advantage.
#
# ## Summary
#
# - One thing was changed and everything else held: text, masks, order, seeds, and the budget: once in tokens, once in
#   seconds.
# - This is the baseline that a claim about *distillation* has to beat: the same copied layers, without the teacher.
# - Both verdicts are about held-out prediction under uniform masks at this edition's budget, and about nothing else:
#   under training's own masks they need not be the same.
#
# ## Exercises
#
# 1. On an accelerator the teacher's forward pass is a smaller part of a step than here, or a larger one? Which of the
#    two comparisons does that change?
# 2. Which measurement in the tables could favour this arm although its masked accuracy does not?
# 3. The arm at equal seconds reads more text. Which of the two budgets would you hold equal if text were scarce?
