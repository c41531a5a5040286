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
# **You will** count the parameters of Table 3's models and time them on this machine, with random weights, because
# neither size nor time depends on what the weights are.
# **You will have learnt** how to compare two models on a machine that is never quite quiet, and why half the layers
# take half the time here and not in the paper.
# **You need** nothing from the other chapters but the sizes of this edition's own teacher and student.

# %% tags=["parameters"]
edition: str = "laptop"
pairs: int = 24
noise_pairs: int = 8
repeats: int = 2
starts: int = 2
threads: list | None = None  # 1, 2, 4 and so on, to one a core
warm_up: int = 3
attention: str = "eager"  # the code of 2019; sdpa: in one kernel
compile: bool = False
layers: int = 12
width: int = 768
heads: int = 12
feed_forward: int = 3072
further_pairs: int = 6
elmo_pairs: int = 4
elmo_shrunk: int = 1
batch_sizes: list = [1, 4, 16]
batch_length: int = 32
lengths: list = [16, 64, 128, 256]
inputs: int = 3
accelerator_batch_sizes: list = [1, 8, 32, 128]
accelerator_precisions: list = ["float32", "bfloat16"]
accelerator_length: int = 128

# %%
from distilbook.book.chapter import open_chapter
from distilbook.book.inference import own_models

chapter = open_chapter("11_timing", globals())
config = chapter.config
own = own_models(chapter.workspace)

# %% [markdown]
# ## Size
#
# Counts are exact and need no run: they follow from the shapes. What is counted has to be said, because a pooler or a
# head more or less is half a million parameters. The claim is about the networks without heads, BERT with its pooler.
# The typed parameters give them the published dimensions; under the published names they are recorded only then.

# %%
from distilbook.claims import claim, judge
from distilbook.inference.records import size_records, timing_records
from distilbook.views.sizes import elmo_part_rows, size_rows
from distilbook.views.style import say, show_source, table

sizes = chapter.record(
    size_records(config.pair, config, chapter.id), "sizes"
)
table(size_rows(config, own))

# %%
say(judge(claim("smaller"), chapter.records.current()).sentence)

# %% [markdown]
# Where they are, from the configurations of the models that are timed (one by one they are in
# [chapter 04](04_student.ipynb)):

# %%
from distilbook.views.sizes import coarse_rows

table(coarse_rows([*config.pair, *own]))

# %% [markdown]
# For ELMo {cite:p}`peters2018elmo` Table 3 prints nearly twice its published size.
# *Our remark.* What the paper compares with in Table 1 is the baseline of GLUE's authors, who put two more recurrent
# layers on top {cite:p}`wang2018glue`. With those, the count comes to what Table 3 rounds; that it was meant so is our
# guess.

# %%
table(elmo_part_rows(config))

# %% [markdown]
# ## How to compare models on a noisy machine
#
# Time one model, then the other, and the ratio is as much about what else the machine was doing. So the models take
# turns on every sentence pair, a pass counts for the ratio only if it is the pair's fastest, and the ratio is taken
# pair by pair before anything is averaged. The teacher is also timed against itself: how far that ratio is from 1 is
# the noise. And because two processes differ by more than one process varies, everything a claim rests on is done in
# several fresh ones. Latencies are told as they came, slow passes included.
#
# Sentence pairs have the lengths of STS-B's development set, which Table 3 passes one pair at a time.

# %%
from distilbook.views.timing import how_sentence

say(how_sentence(config))

# %%
from distilbook.inference.worker import in_turn, measure

show_source(in_turn, measure)

# %%
from distilbook.inference.protocol import OWN, PAIRS, further_orders
from distilbook.inference.timing import run_timing
from distilbook.book.inference import claim_orders

result = run_timing(claim_orders(config, own))
times = chapter.record(timing_records(result, config, chapter.id))

# %%
from distilbook.views.pretraining import intervals
from distilbook.views.timing import paired_times

paired_times(result.of(PAIRS)[0])

# %%
from distilbook.views.timing import start_rows, thread_rows, trust_sentences

rows, bound = start_rows(result.of(PAIRS)), claim("faster").bound
intervals(
    rows,
    "ratio of times",
    "How many times as long",
    bound,
    "the claim's bound",
)

# %%
table(thread_rows(result.measured))

# %% [markdown]
# How far this machine could be trusted while it measured, in its own words:

# %%
say(trust_sentences(result, [PAIRS, OWN] if own else [PAIRS]))

# %%
say(judge(claim("faster"), chapter.records.current()).sentence)

# %% [markdown]
# ## Table 3 again
#
# The same lengths for ELMo, which reads words and not tokens: each sentence of a pair is passed on its own, as
# GLUE's baseline does. A full pass is reckoned from the pairs timed, which stand at even steps of all lengths.

# %%
from distilbook.inference.protocol import ELMO_TASK
from distilbook.views.timing import table_3_rows

further = run_timing(further_orders(config))
chapter.record(timing_records(further, config, chapter.id), "further times")
table(table_3_rows(result.of(PAIRS), further.of(ELMO_TASK)[0]))

# %% [markdown]
# ## Batches and lengths
#
# Several pairs in a batch share the reading of the weights; longer ones add work that grows with the square of their
# length. The table has what a user feels: the median, the time that 95 of 100 passes stay below, pairs a second, and
# the most memory that weights and activations took.

# %%
from distilbook.inference.memory import memory_taken
from distilbook.views.timing import shape_rows, shapes_of

shapes = [(size, config.batch_length) for size in config.batch_sizes]
batches = shapes_of(further, shapes)
table(shape_rows(batches, memory_taken(batches)))

# %%
lengths_timed = shapes_of(
    further, [(1, length) for length in config.lengths]
)
table(shape_rows(lengths_timed))

# %%
from distilbook.claims.paper import TABLE_3
from distilbook.views.timing import ratios_by_shape

bert, distil = (
    TABLE_3[name]["seconds"] for name in ("BERT-base", "DistilBERT")
)
ratios_by_shape(lengths_timed, "tokens", bert / distil)

# %% [markdown]
# ## On a GPU

# %%
from distilbook.views.timing import accelerated

on_gpu = accelerated(further)
nothing = (
    "This machine has no GPU that PyTorch knows, so nothing was measured."
)
table(shape_rows(on_gpu, memory_taken(on_gpu))) if on_gpu else say(nothing)

# %% [markdown]
# ## Why two here, and less in the paper?
#
# If only the layers took time, half of them would take half of it: a ratio of 2. The paper measured
# 668 / 410 = 1.63. With a part $f$ that does not shrink with the depth and $t$ for all layers, teacher and student take
# $f + t$ and $f + t / 2$, so $f$ is twice the student's time less the teacher's. What could it be made of? Each
# candidate in turn: other kernels, today's and those of 2019, padding, other work on the machine,

# %%
from distilbook.views.timing import why_rows

table(why_rows(result + further))

# %% [markdown]
# and what a pair takes besides its layers: BERT with fewer and fewer of them, and tokenisation by today's library and
# by the one of 2019, which was written in Python.

# %%
from distilbook.inference.breakdown import layer_times, tokenisation_times
from distilbook.inference.protocol import LAYERS
from distilbook.inference.records import explaining_records
from distilbook.views.timing import fixed_rows, fixed_sentence
from distilbook.book.inference import sentences_like_stsb

depth = layer_times(further.of(LAYERS)[0])
sentences = sentences_like_stsb(chapter.workspace, config.pairs)
tokenised = tokenisation_times(
    sentences, chapter.find("teacher", made_by="03_teacher")
)
chapter.record(
    explaining_records(depth, tokenised, config, chapter.id),
    "what takes the time",
)
table(fixed_rows(depth, tokenised))

# %%
from distilbook.inference.breakdown import independent_of_depth
from distilbook.views.timing import layer_line

layer_line(depth, independent_of_depth(bert, distil) / bert)

# %%
say(fixed_sentence(depth, tokenised, result.of(PAIRS)[0].ratio(1).value))

# %% [markdown]
# ## Depth or width?
#
# The paper remarks that for a fixed number of parameters the width matters less for time than the number of layers
# (section 3). Students with as many parameters as DistilBERT, in half and in twice its layers:

# %%
from distilbook.inference.protocol import WIDTHS
from distilbook.views.timing import width_rows

table(width_rows(further.of(WIDTHS)[0]))

# %% [markdown]
# *Our remark.* Word embeddings are parameters that take next to no time: what is saved in depth and spent on width is
# largely spent on them. At equal parameters the shallow, wide student therefore has fewer operations to do, and the
# ratios of times follow those of operations.
#
# ## What the machine could do
#
# A pass has to do its operations and to move its weights. How many operations come on a byte says which of the two
# holds it up: to the left of the roof's bend {cite:p}`williams2009roofline` it is memory, to the right arithmetic.
# Filled circles are single sentence pairs, open squares batches.

# %%
from distilbook.inference.breakdown import (
    cost,
    machine_peaks,
    roofline_points,
)
from distilbook.views.timing import roofline

peaks = machine_peaks(max(config.settings))
roofline(roofline_points([*batches, *lengths_timed]), peaks)

# %%
show_source(cost, machine_peaks)

# %% [markdown]
# ## Summary
#
# - Size is exact and needs no run, once it is said what was counted.
# - Time needs turns, pairs, fresh processes, and a measurement of the noise beside it.
# - A verdict of *reproduced* on time means "at least as much faster as claimed", not "the same ratio".
#
# ## Exercises
#
# 1. Start something heavy beside this chapter and run it again. Which of the intervals moves, and does the verdict?
# 2. How long are the pairs at which the student's advantage is smallest? Why?
# 3. Set `attention` to `sdpa` and `compile` to `True`. Which of the two models gains more?
