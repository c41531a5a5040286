# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Size and time
#
# **You will** count the parameters of a teacher and of a student with half its layers and time both on this machine,
# with random weights, because neither size nor time depends on what the weights are. **You will have learnt** how to compare two models on a
# machine that is never quite quiet. **You need** nothing from the other chapters.

# %% tags=["parameters"]
edition: str = "laptop"
pairs: int = 40
noise_pairs: int = 12
repeats: int = 3
starts: int = 2
threads: list = [1]
warm_up: int = 5
batch_size: int = 1
layers: int = 12
width: int = 768
heads: int = 12
feed_forward: int = 3072

# %%
from distilbook.edition.chapter import open_chapter

chapter = open_chapter("11_timing", globals())
config = chapter.config

# %% [markdown]
# ## Size
#
# The typed parameters give the two networks the dimensions of BERT-base and DistilBERT; under these names they are
# recorded only then.

# %%
from distilbook.claims import claim, judge
from distilbook.device.timing import run_timing, size_records, timing_records
from distilbook.display.tables import say, show_source, table

sizes = chapter.record(size_records(config, chapter.id))
table([{"model": record.model, "parameters": int(record.value)} for record in sizes])

# %%
say(judge(claim("smaller"), chapter.records.current()).sentence)

# %% [markdown]
# ## How to compare two models on a noisy machine
#
# Time one model, then the other, and the ratio is as much about what else the machine was doing. So the two take turns
# on every sentence pair, each repetition counts only by its fastest, and the ratio is taken pair by pair before
# anything is averaged. The teacher is also timed against itself: how far that ratio is from 1 is the noise. And because
# two processes differ by more than one process varies, everything is done in several fresh ones.
#
# Sentence pairs have the lengths of STS-B's development set, which the paper's Table 3 passes one pair at a time; here
# `batch_size` says how many. PyTorch in eager mode, float32.

# %%
from distilbook.device.timing_process import measure, time_pair

show_source(time_pair, measure)

# %%
result = run_timing(config)
times = chapter.record(timing_records(result, config, chapter.id))

# %%
from distilbook.display.figures import intervals, paired_times
from distilbook.display.rows import ratio_rows, time_rows

first = result.starts[0]
paired_times(first.lengths, {"teacher": first.teacher_ms, "full": first.student_ms})

# %%
intervals(
    ratio_rows(result.starts),
    "ratio of times",
    "How many times as long",
    claim("faster").bound,
    "the claim's bound",
)

# %%
table(time_rows(result))

# %% [markdown]
# ## What it says

# %%
say(judge(claim("faster"), chapter.records.current()).sentence)

# %% [markdown]
# *Our remark.* If only the layers took time, half of them would take half of it: a ratio of 2. The paper measured
# 668 / 410 = 1.63, which leaves room for time that does not shrink with the depth. A verdict of *reproduced* means
# "at least as much faster as claimed", not "the same ratio".

# %% [markdown]
# ## Summary
#
# - Size is exact and needs no run.
# - Time needs turns, pairs, fresh processes, and a measurement of the noise beside it.
#
# ## Exercises
#
# 1. Start something heavy beside this chapter and run it again. Which of the intervals moves, and does the verdict?
# 2. How long are the pairs at which the student's advantage is smallest? Why?
# 3. Which share of a step would have to be independent of depth to turn a ratio of 2 into 1.63?
