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
# **You need** nothing: this chapter only reads records. Or a teacher and a student of your own: see the end.

# %% tags=["parameters"]
edition: str = "laptop"
teacher: str = ""  # empty: the edition's own; else an address, such as hub:google-bert/bert-base-uncased
student: str = ""
tasks: list = []  # on which that pair is compared
train_examples: int | str = "all"
epochs: int = 3
batch_size: int = 32
learning_rate: float = 2.0e-5
warmup_share: float = 0.0
max_length: int = 128
dropout: float = 0.1
weight_decay: float = 0.0  # as the original scripts have it
precision: str = "auto"
checkpoint_every: int = 1000
trackers: list = []
seeds: list = [0, 1, 2, 3, 4]

# %%
from distilbook.book.chapter import open_chapter
from distilbook.book.verdict import evidence

chapter = open_chapter("13_verdict", globals())
records, claims = evidence(chapter)

# %%
from distilbook.claims import judge
from distilbook.views.style import say, table

verdicts = [judge(claim, records) for claim in claims]
table(
    [
        {
            "claim": v.claim.title,
            "the paper": v.papers,
            "ours [interval]": v.ours,
            "n": v.n or None,
            "seeds": v.seeds or None,
            "verdict": v.verdict
            + (" (in miniature)" if v.in_miniature else ""),
        }
        for v in verdicts
    ]
)

# %% [markdown]
# For an arm, the paper's figure is in points of the GLUE score and ours in points of masked accuracy: two measurements
# of the same direction, not to be compared as numbers. For times, "seeds" are process starts.
#
# What was measured, each against the bound its rule has, the dashed line. The interval must lie on one side of it as a
# whole, and beyond the grey band, the noise, where there is one:

# %%
from distilbook.views.trial import verdicts as verdict_figure

verdict_figure(verdicts)

# %%
from distilbook.views.trial import machines, verdict_counts

say(verdict_counts(verdicts))

# %% [markdown]
# ## In words
#
# Each sentence is made from the records by the claim's rule; nobody typed it.

# %%
say({v.claim.title: v.sentence for v in verdicts})

# %% [markdown]
# ## What was spent
#
# Seconds of training and measuring behind these records, each run counted once. What the chapters took as a whole, and
# what a larger budget would settle, is on the rendered book's page on [the budget](budget.md).

# %%
from distilbook.claims.requirements import seconds_behind

chapters = sorted({record.chapter for record in records})
spent = {
    name: seconds_behind(r for r in records if r.chapter == name)
    for name in chapters
}
table(
    [
        {"chapter": name, "seconds": round(took)}
        for name, took in spent.items()
        if took
    ]
)

# %%
say(machines(records, chapter.records.set_aside()))

# %% [markdown]
# ## Runs made before
#
# These records ship with the library: runs of ours on real data, each recomputed from its kept predictions. They are
# no part of the verdicts above. Beside each score stands what the paper prints for the same task, with its own models.
# *Our remark.* With students of a single pre-training seed one of these runs had seemed to show that the teacher's
# outputs help on tasks; another seed took that back. Fine-tuning again and again does not stand in for pre-training
# again, so a recipe with one student is not judged.

# %%
from distilbook.claims.reference import reference_runs
from distilbook.views.trial import (
    reference_arms,
    reference_masks,
    reference_recipes,
    reference_rows,
    reference_scores,
    reference_verdicts,
)

references = reference_runs()
table(reference_rows(references)) if references else say(
    "No such run ships with this version."
)

# %%
rows = reference_scores(references)
table(rows) if rows else say("There is no score to show.")

# %% [markdown]
# What became of a student that was pre-trained otherwise, on held-out text:

# %%
table(reference_recipes(references))

# %% [markdown]
# The same by [how that text was masked](07_ablations/without_teacher.ipynb), where both were measured:

# %%
table(reference_masks(references))

# %% [markdown]
# And on the tasks:

# %%
table(reference_arms(references))

# %% [markdown]
# And the claims on which they have records, by the same rules as above:

# %%
judged = [
    (run, one) for run in references for one in reference_verdicts(run)
]
say(
    {
        f"{one.claim.title} ({run.provenance.title})": one.sentence
        for run, one in judged
    }
)

# %% [markdown]
# ## A pair of your own
#
# Nothing has to be pre-trained to put a teacher and a student on trial. Name them by address (each a BERT or a
# DistilBERT, in the layout of the Hub), and the tasks, in the parameters: both are fine-tuned on each task and seed
# (with `epochs: 0` they are evaluated with the heads they come with), counted and timed. The verdicts above are then theirs:
#
# ```sh
# papermill book/13_verdict.ipynb out.ipynb -y '
# teacher: hub:google-bert/bert-base-uncased
# student: hub:distilbert/distilbert-base-uncased
# tasks: [{name: RTE, address: "hub:nyu-mll/glue"}, {name: MRPC, address: "hub:nyu-mll/glue"}]'
# ```

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
