# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Long documents
#
# **You will** fine-tune teacher and students on whole texts instead of sentences, and cut the texts shorter to see what
# that costs. **You will have learnt** how close a student comes on the paper's second kind of task, and how much of a
# score hangs on where a text is cut. **You need** [the sentence tasks](08_sentence_tasks.ipynb), whose methods are used
# again.
#
# The paper fine-tunes on IMDb {cite:p}`maas2011imdb`, film reviews of some hundred words, and finds the student "only
# 0.6% point behind" in test accuracy. This edition's task is a parameter: IMDb itself, or a counterpart of real texts
# of like length.

# %% tags=["parameters"]
edition: str = "laptop"
tasks: list = [{"name": "news-topics", "address": "wheel:news-topics"}]
students: list = ["full", "without_teacher"]
train_examples: int | str = 240  # or "all"
epochs: int = 2
batch_size: int = 16
learning_rate: float = 1.0e-4
warmup_share: float = 0.1
max_length: int = 128
shorter: list = [48]
dropout: float = 0.0
weight_decay: float = (
    0.01  # in the original scripts 0, which the paper edition takes
)
precision: str = "auto"
checkpoint_every: int = 1000
trackers: list = []
seeds: list = [0, 1]

# %%
from distilbook.book.chapter import open_chapter

chapter = open_chapter("09_long_documents", globals())
config = chapter.config

# %%
from distilbook.views.style import say, table
from distilbook.views.tasks import (
    example_rows,
    left_out,
    settings_rows,
    task_table,
)
from distilbook.finetuning.grid import task_of

loaded = [task_of(task.source) for task in config.tasks]
table(task_table(loaded))

# %%
say(left_out(loaded))

# %%
table(example_rows(loaded))

# %%
table(settings_rows(config))

# %% [markdown]
# ## Where a text is cut
#
# Neither network reads more than 512 tokens, and each token costs time. A text that is longer than
# `max_length` loses its end. How long the training texts are, and where the cuts of this edition fall:

# %%
from distilbook.views.tasks import text_lengths
from distilbook.models.loading import load_tokenizer

pieces = load_tokenizer(chapter.find("teacher", made_by="03_teacher"))
lengths = {
    task.name: [len(ids) for ids in pieces(task.train.first)["input_ids"]]
    for task in loaded
}
text_lengths(lengths, [*config.shorter, config.max_length])

# %% [markdown]
# ## The runs
#
# As in the chapter before, once at the full length, and teacher and full recipe once more at every shorter one.

# %%
from distilbook.book.finetuning import cells_of, shortened_cells
from distilbook.finetuning.grid import run_grid
from distilbook.views.live import watch_newest
from distilbook.finetuning.records import answers_of, finetuning_records

folder = chapter.workspace.results / "finetuning"
cells = cells_of(config, chapter.workspace)
shorter_cells = shortened_cells(config, chapter.workspace)
run_grid(
    [*cells, *(cell for some in shorter_cells.values() for cell in some)],
    folder,
    watch=watch_newest,
)

# %%
records = finetuning_records(
    chapter.id, config.edition, cells, texts="documents"
)
for length, some in shorter_cells.items():
    records += finetuning_records(
        chapter.id, config.edition, some, cut_to=length, texts="documents"
    )
chapter.record(records)
answers = answers_of(cells)

# %% [markdown]
# ## The scores

# %%
from distilbook.views.task_scores import task_scores

task_scores(answers)

# %%
from distilbook.views.task_scores import scores_by_task

table(scores_by_task(cells, answers))

# %%
from distilbook.claims import claim, judge

say(judge(claim("imdb"), chapter.records.current()).sentence)

# %%
from distilbook.views.task_scores import answer_rows

questions = [("teacher", "full"), ("full", "tfidf"), ("teacher", "tfidf")]
questions += [("full", arm) for arm in config.students if arm != "full"]
table(answer_rows(answers, questions))

# %% [markdown]
# ## What cutting costs
#
# The same models, training examples and seeds, only less of each text, in training and in the test. The difference is
# between the two cuts of the same model on the same test texts.

# %%
from distilbook.views.tasks import cut_rows

table(cut_rows(cells, shorter_cells, config.max_length))

# %% [markdown]
# ## Summary
#
# - A score on long texts is a score at a length: the length belongs to the result, and the share of texts that it cuts.
# - A difference between two cuts is called one only where its interval lies on one side of zero.
#
# ## Exercises
#
# 1. Keep the *end* of each text instead of its beginning. For which of the tasks should that be better?
# 2. At which length does TF-IDF, which reads the whole text, overtake the student?
# 3. Give `shorter` four lengths and draw the score against the seconds a run takes.
