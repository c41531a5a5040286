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
# **You will** count the parameters of BERT-base and DistilBERT and time both on this machine, with random weights,
# because neither size nor time depends on what the weights are. **You will have learnt** how to compare two models on a
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
# Sentence pairs have the lengths of STS-B's development set, one pair at a time, as in the paper's Table 3. PyTorch in
# eager mode, float32.

# %%
from distilbook.device.timing_process import measure, time_pair

show_source(time_pair, measure)

# %%
result = run_timing(config)
times = chapter.record(timing_records(result, config, chapter.id))

# %%
from distilbook.display.figures import intervals, paired_times

first = result.starts[0]
paired_times(first.lengths, {"teacher": first.teacher_ms, "full": first.student_ms})

# %%
rows = []
for number, start in enumerate(result.starts, start=1):
    for name, ratio in (("teacher / student", start.ratio), ("teacher / teacher", start.noise)):
        rows.append(
            {
                "label": f"{name}, {start.threads} thread(s), start {number}",
                "value": ratio.value,
                "low": ratio.low,
                "high": ratio.high,
            }
        )
intervals(
    rows,
    "ratio of times",
    "How many times as long",
    claim("faster").bound,
    "the claim holds from here",
)

# %%
table(
    [
        {
            "threads": threads,
            "teacher (ms)": result.latency(threads, "teacher").value,
            "student (ms)": result.latency(threads, "student").value,
            "ratio": result.ratio(threads).value,
            "noise": result.noise(threads).value,
            "pairs": result.ratio(threads).n,
            "starts": len(result.at(threads)),
        }
        for threads in result.threads
    ]
)

# %% [markdown]
# ## What it says

# %%
say(judge(claim("faster"), chapter.records.current()).sentence)

# %% [markdown]
# *Our remark.* Half the layers should take half the time, but for the embeddings, which are cheap: a ratio near 2. The
# paper measured 668 / 410 = 1.63. Something in its measurement took time that did not shrink with the depth. A
# verdict of *reproduced* here means "at least as much faster as claimed", not "the same ratio".

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
