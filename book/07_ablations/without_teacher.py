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
# language modelling. **You will have learnt** what the teacher's outputs add to what its layers already bring.
# **You need** the [full recipe's runs](../06_pretraining.ipynb).
#
# **Hypothesis.** The paper shows no such arm. Copied layers carry much of what the teacher knows, and masked language
# modelling is a sound way to go on. If distillation is worth its second forward pass, the full recipe must be better
# at the same number of tokens.
#
# Its one difference: no teacher. Both terms that look at it, $L_{ce}$ and $L_{cos}$, have weight 0; blocks, masks,
# order, budget and seeds are the full recipe's.

# %% tags=["parameters"]
edition: str = "laptop"

# %%
from distilbook.edition.chapter import open_chapter

chapter = open_chapter("07_ablations/without_teacher", globals())

# %% [markdown]
# ## The run
#
# The configuration is read from the full recipe's runs and changed in one place, so that the two cannot drift apart.

# %%
from distilbook.display.arms import arm_curves, changed_rows, comparison_rows, run_rows
from distilbook.display.tables import say, show_source, table
from distilbook.recipe import changes_of
from distilbook.training.arms import full_runs, run_arm

show_source(changes_of, run_arm)

# %%
full = full_runs(chapter.workspace)
table(changed_rows("without_teacher", full[0].config.recipe))

# %%
from distilbook.data.corpus import Corpus
from distilbook.display.live import watch
from distilbook.training.measurements import pretraining_records

corpus = Corpus.open(chapter.find("corpus", made_by="02_corpus"))
teacher = chapter.find("teacher", made_by="03_teacher")
runs = run_arm("without_teacher", full, corpus, teacher, watch)
for run in runs:
    chapter.publish(f"student/without_teacher/seed{run.seed}", run.folder)
    chapter.record(pretraining_records(chapter.id, chapter.config.edition, run, corpus))

# %% [markdown]
# ## Against the full recipe

# %%
ceiling = chapter.records.current(chapter="03_teacher", metric="masked_accuracy")[0].value
arm_curves(full, runs, ceiling)

# %%
table(run_rows(full, runs))

# %% [markdown]
# The same scores, seed against seed:

# %%
table(comparison_rows(full, runs))

# %% [markdown]
# ## What it says
#
# The sentence is made from the records by the rule of chapter 01:

# %%
from distilbook.claims import claim, judge

say(judge(claim("without_teacher"), chapter.records.current()).sentence)

# %% [markdown]
# ## Summary
#
# - One thing was changed and everything else held: text, masks, order, budget, seeds.
# - The verdict above is about held-out masked prediction at this edition's budget, and about nothing else.
#
# ## Exercises
#
# 1. An arm without a teacher makes one forward pass less a step. Compare seconds times cores in the first
#    table: which of the two would be better at equal *time*?
# 2. Which measurement in the table could favour this arm although its masked accuracy does not?
