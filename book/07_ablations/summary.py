# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # What each ingredient is worth
#
# **You will** see all arms in one table and one figure, with what this edition could have seen at all.
# **You will have learnt** what the teacher's layers and its outputs are worth, together and apart, and how many seeds
# it would take where nothing is settled. **You need** nothing: this chapter only reads records.

# %% tags=["parameters"]
edition: str = "laptop"

# %%
from distilbook.claims.ablation import choices_in, compared, two_by_two
from distilbook.views.comparisons import change_rows, found_sentence
from distilbook.views.style import say, table
from distilbook.book.chapter import open_chapter

chapter = open_chapter("07_ablations/summary", globals())
records = chapter.records.current()
arms = compared(records)

# %% [markdown]
# ## One ingredient less
#
# A change is the arm's masked accuracy on held-out text less the full recipe's, in points, seed against the same seed;
# behind it stand both differences where there are two seeds, and the interval of their mean from three on. It is called
# better or worse where that lies beyond what other seeds and other text would change. The masks are uniform; what that
# choice decides comes below.

# %%
table(change_rows(arms))

# %% [markdown]
# *Could have seen* is the difference that two recipes with this spread and so many seeds would show four times out of
# five: an arm that is worth less is likely to go unnoticed here. *Table 4* is the paper's, in points of the GLUE score:
# another quantity, in which only the direction and the order compare. The arms' scores on tasks are in
# [chapter 08](../08_sentence_tasks.ipynb).

# %%
from distilbook.claims import TABLE_4
from distilbook.views.ablations import changes, detectable, factors

changes(arms, TABLE_4)

# %% [markdown]
# A small stroke is a seed, a bar the interval. What starts at random has a scale of its own.

# %%
say(found_sentence(arms))

# %% [markdown]
# ## Do the masks decide it?
#
# The held-out masks are uniform; training draws rare words more often, and a model learns how often it is asked for
# each. The teacher was trained on uniform masks, so what listens to it more may have an advantage in this measurement
# that is no knowledge of language. The arms without [the masked-LM loss](without_mlm.ipynb) and without
# [the teacher](without_teacher.ipynb), which differ most in whom they listen to, were measured under both kinds:

# %%
from distilbook.views.masks import mask_rows, mask_sentences

table(mask_rows(records))

# %%
say(mask_sentences(records))

# %% [markdown]
# ## Layers and outputs, together and apart
#
# A teacher gives a student two things: layers to start from, and outputs to learn from. Two starts and two losses make
# four recipes, and from a table of two by two one reads what each thing adds where the other is there and where it is
# not. First with as many tokens for all:

# %%
from distilbook.views.comparisons import cell_rows, factor_sentences

tables = [
    two
    for budget in ("tokens", "seconds")
    if (two := two_by_two(records, budget))
]
by_budget = {two.budget: two for two in tables}
table(cell_rows(by_budget["tokens"]))

# %%
say(factor_sentences(by_budget["tokens"]))

# %% [markdown]
# Then with as many seconds: what looks at the teacher is as before, and what does not has been trained for longer.

# %%
table(cell_rows(by_budget["seconds"]))

# %%
say(factor_sentences(by_budget["seconds"]))

# %%
from distilbook.views.comparisons import budget_sentence

longer = [one for one in arms if one.as_long]
say(map(budget_sentence, longer))

# %%
factors(tables)

# %% [markdown]
# A mark is a seed, a line joins medians; all panels span as many points. A line that rises shows what the outputs add;
# were the lines of both starts parallel, they would add as much to the one as to the other.
#
# ## Single choices
#
# What [the chapter on choices](choices.ipynb) changed in the full recipe, by the same rule:

# %%
choices = compared(records, choices_in(records))
table(change_rows(choices, with_paper=False))

# %%
changes(choices)

# %% [markdown]
# ## How many seeds would settle this?
#
# Train the same recipe with another seed, and its score is another. A *seed* decides the order of the text, the masks
# and random weights; its scatter is what a repetition of the run would show. The *examples* it was measured on are a
# sample, too: other text would have given other scores. An interval has to cover both.
#
# - Recipes are *paired* twice. Every seed of an arm is set against the full recipe's run that saw the same blocks in
#   the same order: what a lucky order does to both drops out of the difference. For a handful of seeds Student's
#   interval of the mean difference is the honest one. And both are measured at the *same* held-out positions: what
#   makes a block easy for both drops out, too. How far the mean difference hangs on the blocks that happened to be held
#   out, their scatter tells. Seeds and text vary independently, so the two half-widths are put together as the root of
#   the sum of their squares.
# - Models on a task are compared by a *bootstrap*: examples are drawn again with replacement, in groups where they
#   belong together, the same ones for both models; and seeds likewise. Of the differences that gives, the middle is
#   the interval. Drawn from a handful of seeds, it would show too little of their scatter; with fewer than five that
#   is widened, so that equal models are called different in about one comparison of twenty at most.
# - A table of scores shows the *median* over seeds, for one run that collapses drags a mean along.
#
# A difference is called one only if its whole interval lies on one side of zero. That an interval straddles zero does
# not say that there is no difference: it says that these seeds, on this text, cannot tell. Two seeds have no interval
# worth the name; there both differences must lie on one side by more than the *noise*: twice what either recipe varies,
# put together with the half-width over text. Of comparisons between recipes that are equal, that rule calls up to one
# in twenty a difference, as an interval does, and fewer where pairing takes out what a seed does to both. It also finds
# little. A third seed is the first thing to add.

# %%
from distilbook.views.style import show_source
from distilbook.stats.intervals import (
    detectable_difference,
    half_width_over_groups,
    seed_difference_interval,
)

show_source(
    seed_difference_interval, half_width_over_groups, detectable_difference
)

# %%
from distilbook.views.comparisons import (
    detectable_sentence,
    seed_rows,
    spread_of,
)

spread, seeds = spread_of(arms), min(len(one.other) for one in arms)
say(detectable_sentence(spread, seeds))

# %%
detectable(spread, arms)

# %% [markdown]
# The curve takes two recipes with the spread that all of them have in common, unpaired, on this text; where pairing
# takes out much of it, fewer seeds do. A mark above the curve is a difference that so many seeds would mostly find;
# where a dotted line meets the curve, the seeds it takes can be read off. With two seeds the curve is steep for a good
# reason: a spread estimated from so little could be anything.
#
# The same by the paired differences, whose spread is again taken from all arms together, and with what the text adds:
# with how many seeds an interval would lie on one side of zero every second time, and four times out of five, if what
# was found is the truth. Fewer than three seeds have no interval, and where other text might turn a difference, no
# number of them helps: that takes more held-out text.

# %%
table(seed_rows(arms))

# %% [markdown]
# ## Summary
#
# - What an ingredient is worth is a difference with its ends, and the smallest one that could have been seen beside it.
# - Distillation has to be judged on copied layers: what they bring along is not its doing.
# - Equal tokens and equal seconds are two questions. Which one matters depends on whether text or time is scarce.
#
# ## Exercises
#
# 1. Which of the paper's four differences could this edition have seen, if they were in points of masked accuracy?
# 2. The paper gives no number of seeds for its Table 4. What would the figure on seeds say of its smallest entry?
# 3. Add two seeds to chapter 06 and run this part again: which row of the last table was right?
