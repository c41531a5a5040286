# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Pre-training
#
# **You will** train the student with the full recipe, once for each seed, and watch each term of the loss and what the
# student can predict on text it has not seen. **You will have learnt** how a run is made repeatable, and how far the
# student gets towards its teacher. **You need** [the loss](05_triple_loss.ipynb), a teacher and a corpus.

# %% tags=["parameters"]
edition: str = "laptop"
seeds: list = [0, 1]
distillation_weight: float = 5.0
masked_lm_weight: float = 2.0
cosine_weight: float = 1.0
temperature: float = 2.0
distilled_positions: str = "all"
initialisation: str = "copied"
layers: list = [0, 2, 4]
dropout: float = 0.0
steps: int = 20
blocks_per_step: int = 8
micro_batch: int = 8
learning_rate: float = 5.0e-4
warmup_share: float = 0.05
checkpoint_every: int = 8
precision: str = "auto"
compile: bool = False
trackers: list = ["tensorboard"]
evaluations: int = 4
evaluated_blocks: int = 20

# %%
from distilbook.book.chapter import open_chapter

chapter = open_chapter("06_pretraining", globals())
config = chapter.config

# %% [markdown]
# ## The recipe
#
# What the paper leaves open its code decides: the weights of the three terms, the temperature, AdamW
# {cite:p}`loshchilov2019adamw` with $\beta = (0.9, 0.98)$ and $\epsilon = 10^{-6}$, no weight decay, a linear warm-up and
# a linear fall, gradients clipped at a norm of 5. An edition chooses how long: this one's budget is in the table.
#
# *Our remark.* The original takes $L_{ce}$ at every position. At most of them nothing was hidden, while each costs a
# projection onto the whole vocabulary in both networks. The parameter `distilled_positions` says where an edition takes
# it: the same tokens are read either way, and the masked positions alone are the cheaper choice.

# %%
from distilbook.corpus.corpus import Corpus
from distilbook.views.style import say, show_source, table

corpus = Corpus.open(chapter.find("corpus", made_by="02_corpus"))
teacher = chapter.find("teacher", made_by="03_teacher")
tokens = config.steps * config.blocks_per_step * corpus.train.shape[1]
table(
    [
        {
            "seeds": len(config.seeds),
            "optimiser steps": config.steps,
            "blocks a step": config.blocks_per_step,
            "tokens": tokens,
            "share of the training text": f"{tokens / corpus.train.size:.1%}",
        }
    ]
)

# %%
from distilbook.corpus.masking import SHARE
from distilbook.views.pretraining import projected_positions

positions = tokens // config.steps
say(
    projected_positions(
        config.distilled_positions, positions, SHARE, len(corpus.counts)
    )
)

# %% [markdown]
# ## One step
#
# A step takes some blocks in the order that (seed, epoch) gives, masks each as (seed, epoch, block) says, runs them
# through teacher and student, and adds up the three terms, each divided by the number of positions *of the whole step*
# it is a mean over. That is what makes several small batches the same as one large one, and two processes the same
# as one.

# %%
from distilbook.training.batches import Blocks
from distilbook.distillation.objectives import TripleLoss
from distilbook.pretraining.pretrain import pretrain
from distilbook.training.step import accumulate

show_source(TripleLoss, Blocks, accumulate)

# %% [markdown]
# ## The runs
#
# A run is known by its configuration, its seed, its text, its teacher and the code it executes. If a run with the same
# key is finished, it is opened; if one was killed, it goes on from its checkpoint; else it starts now. In JupyterLab
# `watch` draws its curves while it trains.

# %%
from distilbook.views.live import watch
from distilbook.pretraining.records import pretraining_records

runs = []
root = chapter.workspace.results / "pretraining"
for seed in config.seeds:
    run = pretrain(config, "full", seed, corpus, teacher, root, watch)
    chapter.publish(f"student/full/seed{seed}", run.folder)
    runs.append(run)
records = chapter.record(
    [
        one
        for run in runs
        for one in pretraining_records(
            chapter.id, config.edition, run, corpus
        )
    ]
)

# %% [markdown]
# *Our remark.* The original trains in sixteen bits because its GPUs are quicker at them. Whether a machine is depends on
# its instructions, so with `precision: auto` its products are timed once, and it computes in bfloat16 only where that
# pays. Weights, optimiser and sums are in float32 in any case. These runs were in:

# %%
print(*sorted({run.config.precision for run in runs}))

# %% [markdown]
# Every step's terms, gradient norm, speed and time left are a line in the run's `metrics.jsonl`, and so is every
# held-out measurement. The trackers of accelerate that the parameter `trackers` names get the same numbers;
# TensorBoard's files lie beside, and this command, in the project's folder, shows them, also while a run trains:

# %%
from os.path import relpath

from distilbook.core.markup import visible
from distilbook.core.workspace import project_root

print("tensorboard --logdir", visible(relpath(root, project_root())))

# %% [markdown]
# A run that goes wrong is stopped before the optimiser makes use of the step that shows it: when a loss or a gradient
# is no finite number, or when the loss diverges. The error names the last good checkpoint and the file in which the
# step's batch is kept; `read_batches` gives it back, and the tokenizer's `batch_decode` shows its text.

# %%
from distilbook.training.divergence import Guard, read_batches

show_source(Guard, read_batches)

# %% [markdown]
# ## Each term on its own
#
# One line a seed, and a panel a term, because the terms have different scales.

# %%
from distilbook.views.pretraining import learning_curves, loss_terms
from distilbook.training.log import read_curves

loss_terms([read_curves(run.folder)[0] for run in runs])

# %% [markdown]
# ## What the student can predict
#
# Measured on held-out documents, with the masks that every model of the book gets. Along the way on a part of them,
# at the end on all.

# %%
from distilbook.views.pretraining import held_out_curves

ceiling = {
    record.metric: record.value
    for record in chapter.records.current(chapter="03_teacher")
}
curves = {"full": [held_out_curves(run) for run in runs]}
learning_curves(
    curves,
    "masked_accuracy",
    "masked accuracy",
    "Masked accuracy on held-out text",
    ceiling["masked_accuracy"],
)

# %%
learning_curves(
    curves,
    "kl_to_teacher",
    "unsoftened distillation loss (nat)",
    "Distillation loss at temperature 1 on held-out text",
)

# %%
from distilbook.views.pretraining import course, final_accuracy
from distilbook.core.quantities import nat, percent

say(course("masked accuracy", curves["full"], "masked_accuracy", percent))

# %%
say(
    course(
        "unsoftened distillation loss", curves["full"], "kl_to_teacher", nat
    )
)

# %% [markdown]
# And at the end, on all held-out blocks:

# %%
from distilbook.views.pretraining import run_rows

table(run_rows({"full": runs}))

# %%
ends = [run.scores["masked_accuracy"] for run in runs]
say(final_accuracy(ends, ceiling["masked_accuracy"], records[0].n))

# %% [markdown]
# ## What comes out
#
# A folder that `transformers` loads like any published model. When it was written it was loaded once, and its logits
# on held-out text compared with those of the student in memory. Its model card says what it was made of and what was
# measured, for whoever gets the folder without this book:

# %%
from distilbook.views.style import show_card
from distilbook.pretraining.model_card import write_model_card

cards = [write_model_card(run, corpus, teacher) for run in runs]
show_card(cards[0])

# %%
import torch
from transformers import AutoModelForMaskedLM, AutoTokenizer

from distilbook.core.quantities import quoted

folder = runs[0].folder / "model"
student = AutoModelForMaskedLM.from_pretrained(folder)
pieces = AutoTokenizer.from_pretrained(folder)
inputs = pieces(
    f"The capital of France is {pieces.mask_token}.", return_tensors="pt"
)
with torch.inference_mode():
    logits = student(**inputs).logits[
        0, inputs.input_ids[0] == pieces.mask_token_id
    ]
guesses = pieces.convert_ids_to_tokens(logits[0].topk(5).indices)
say(f"The capital of France is: {quoted(guesses)}")

# %% [markdown]
# ## Summary
#
# - The full recipe was run once for each seed, and a run is a function of its key: the same machine repeats it exactly.
# - Whether this is *distillation* at work, or merely copied layers that go on learning, the runs of this chapter
#   cannot say. That takes [an arm without the teacher](07_ablations/without_teacher.ipynb).
#
# ## Exercises
#
# 1. Set `temperature` to 1 and to 8 (and `seeds` to one) and run the chapter again. Compare the unsoftened distillation loss at the end.
# 2. Which of the three curves is still falling fastest when training stops?
# 3. Kill the chapter half-way and start it again. At which step does it go on, and why does nothing else have to be
#    stored?
