# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # The verdict
#
# **You will** see each claim judged by the rule that [chapter 01](01_claims.ipynb) stated before any run.
# **You will have learnt** what this edition settled, what it did not, and what it would take.
# **You need** nothing: this chapter only reads records.

# %% tags=["parameters"]
edition: str = "laptop"

# %%
from distilbook.edition.chapter import open_chapter

chapter = open_chapter("13_verdict", globals())
records = chapter.records.current()

# %%
from distilbook.claims import CLAIMS, judge
from distilbook.display.tables import say, table

verdicts = [judge(claim, records) for claim in CLAIMS]
table(
    [
        {
            "claim": v.claim.title,
            "the paper": v.papers,
            "ours [interval]": v.ours,
            "n": v.n or None,
            "seeds": v.seeds or None,
            "verdict": v.verdict + (" (in miniature)" if v.in_miniature else ""),
        }
        for v in verdicts
    ]
)

# %% [markdown]
# For an arm, the paper's figure is in points of the GLUE score and ours in points of masked accuracy: two measurements
# of the same direction, not to be compared as numbers. For times, "seeds" are process starts.
#
# What was measured, each against the bound its rule has; the interval must lie on one side of it as a whole:

# %%
from distilbook.display.figures import verdicts as verdict_figure

verdict_figure(verdicts)

# %%
from distilbook.display.sentences import machines, verdict_counts

say(verdict_counts(verdicts))

# %% [markdown]
# ## In words
#
# Each sentence is made from the records by the claim's rule; nobody typed it.

# %%
say("\n".join(f"- **{v.claim.title}.** {v.sentence}" for v in verdicts))

# %% [markdown]
# ## What was spent
#
# Seconds of training and measuring behind these records, each run counted once. What the chapters took as a whole, and
# what a larger budget would settle, is on the rendered book's page on [the budget](budget.md).

# %%
from distilbook.claims.settling import seconds_behind

chapters = sorted({record.chapter for record in records})
spent = {name: seconds_behind(r for r in records if r.chapter == name) for name in chapters}
table([{"chapter": name, "seconds": round(took)} for name, took in spent.items() if took])

# %%
say(machines(records))

# %% [markdown]
# ## Summary
#
# - A verdict is about what was run. *In miniature* means other models or other tasks than the paper's.
# - *Not settled* is a result: it says that this budget could not tell.
#
# ## Exercises
#
# 1. Which of the verdicts could two more seeds change, and which could they not?
# 2. Pick a claim that is not settled. Which edition's parameters would settle it, and at what cost?
