# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # The claims
#
# **You will** read what the DistilBERT paper claims {cite:p}`sanh2019distilbert`, and how each claim will be
# judged here. **You will have learnt** which measurement could prove each of them wrong.
# **You need** nothing yet.
#
# The paper says of a network with half of BERT's layers {cite:p}`devlin2019bert` that it is 40% smaller, keeps 97%
# of BERT's language understanding and is 60% faster, and that each part of its training loss helps. A claim is
# only worth as much as the test it could have failed, so the rules come first: they stand in the library, they
# were written before any run, and the last chapter applies them without asking anybody.

# %% tags=["parameters"]
edition: str = "laptop"

# %%
from distilbook.book.chapter import open_chapter

chapter = open_chapter("01_claims", globals())

# %% [markdown]
# ## What is claimed
#
# Every number in the next table is the paper's. Where it gives none, the claim is a direction.

# %%
from distilbook.claims import CLAIMS
from distilbook.views.style import table

table(
    [
        {
            "claim": c.title,
            "in words": c.statement,
            "the paper's figure": c.paper_value,
            "where": c.source,
        }
        for c in CLAIMS
    ]
)

# %% [markdown]
# ## The evidence the paper gives
#
# GLUE {cite:p}`wang2018glue`, development sets, median of five seeds. No spread is printed.

# %%
from distilbook.claims import TABLE_1

table([{"model": model, **scores} for model, scores in TABLE_1.items()])

# %% [markdown]
# One number in it cannot be right as printed, and a reader who recomputes the average will find it:

# %%
from distilbook.claims.paper import TABLE_1_REMARK
from distilbook.views.style import say

say(TABLE_1_REMARK)

# %% [markdown]
# The third table has sizes and the time of a pass over STS-B's development set on a CPU, one pair at a time. The
# fourth has what is lost on GLUE when one ingredient is taken away.

# %%
from distilbook.claims import TABLE_3, TABLE_4
from distilbook.distillation.recipe import ARM_LABELS

table(
    [
        {
            "model": model,
            "million parameters": row["parameters"],
            "seconds": row["seconds"],
        }
        for model, row in TABLE_3.items()
    ]
)

# %%
table(
    [
        {"ablation": ARM_LABELS[arm], "change of the GLUE score": change}
        for arm, change in TABLE_4.items()
    ]
)

# %% [markdown]
# *Our remark.* The fourth table lacks the control that matters most. The student starts from copies of the teacher's
# layers, and copies bring along what the layers had learnt. So "with distillation it is better than from random
# weights" proves little. The question is whether the teacher's *outputs* add anything to copied layers that go on
# with plain masked language modelling. This book runs that arm too, and judges it by the same rule.

# %% [markdown]
# ## The rules
#
# A verdict is one of three: *reproduced*, *contradicted*, *not settled*. It is *in miniature* when the models or the
# tasks are not the paper's: then it speaks of the claim's counterpart, and never stands in the paper's column.
#
# A figure printed to a digit holds where ours rounds to it. An interval has to lie on one side of the bound as a
# whole; if it straddles it, the run has not settled the question, however nice its middle looks.

# %%
from distilbook.book.contents import chapter_of

table(
    [
        {
            "claim": c.title,
            "statistic": c.statistic,
            "rule": c.rule,
            "tried in": chapter_of(c.id),
        }
        for c in CLAIMS
    ]
)

# %%
from distilbook.views.trial import on_trial

say(on_trial(CLAIMS))

# %% [markdown]
# ## Summary
#
# - Each claim, a figure or a direction, has a statistic, a bound and a number of seeds, fixed beforehand.
# - An edition that cannot settle a claim has to say so.
#
# ## Exercises
#
# 1. 77.0 / 79.5 is printed as 97%. Which scores of the student would still have been printed so?
# 2. With five seeds and a median, what spread over seeds could hide a difference of 0.31 points?
# 3. Before you read on: which of the ingredients do you expect to matter most, and which measurement would change
#    your mind?
