"""Blocks and masks take every special token from the tokenizer: those of BERT, of RoBERTa, or none."""

import numpy as np
import pytest
from distilbook.corpus.build import prepare
from distilbook.corpus.masking import IGNORED, Masking
from distilbook.corpus.packing import BlockFormat
from test_corpus import config
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast

ROBERTA = {
    "bos_token": "<s>",
    "pad_token": "<pad>",
    "eos_token": "</s>",
    "unk_token": "<unk>",
    "cls_token": "<s>",
    "sep_token": "</s>",
    "mask_token": "<mask>",
}


def word_tokenizer(inputs, **special) -> PreTrainedTokenizerFast:
    """Return a tokenizer of whole words with RoBERTa's order of ids: ``<s>`` is 0, ``<pad>`` 1, ``<mask>`` the last."""
    words = sorted(set((inputs / "rivers.txt").read_text().replace(".", " . ").split()))
    tokens = ["<s>", "<pad>", "</s>", "<unk>", *words, "<mask>"]
    tokenizer = Tokenizer(models.WordLevel({token: id for id, token in enumerate(tokens)}, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, model_max_length=64, **special)


@pytest.mark.parametrize("packing", ["full_sentences", "one_sequence"])
def test_robertas_special_tokens_frame_and_fill_its_blocks(inputs, tmp_path, packing):
    tokenizer = word_tokenizer(inputs, **ROBERTA)
    made = prepare(config(inputs, packing=packing, block_length=16), tokenizer, tmp_path)
    blocks = made.train[:]
    lengths = Masking.smoothed(made.counts, tokenizer).real(blocks).sum(axis=1)
    assert (blocks[:, 0] == 0).all() and (blocks[np.arange(len(blocks)), lengths - 1] == 2).all()
    padding = np.arange(16) >= lengths[:, None]
    assert (blocks[padding] == 1).all() and not (blocks[~padding] == 1).any()
    assert padding.any() == (packing == "one_sequence")
    assert made.counts[1] == 0 and made.counts.sum() == lengths.sum()


def test_robertas_special_tokens_are_never_drawn_and_its_mask_token_replaces_the_drawn(inputs, tmp_path):
    tokenizer = word_tokenizer(inputs, **ROBERTA)
    made = prepare(config(inputs, packing="one_sequence", block_length=16), tokenizer, tmp_path)
    masking = Masking.smoothed(made.counts, tokenizer).hiding()
    input_ids, labels = masking(made.train[:], range(len(made.train)), seed=0, epoch=0)
    drawn = labels != IGNORED
    assert drawn.any(axis=1).all() and (input_ids[drawn] == tokenizer.mask_token_id).all()
    assert not np.isin(labels[drawn], tokenizer.all_special_ids).any()


def test_without_a_pad_token_packed_blocks_are_all_real_and_single_sequences_refused(inputs, tmp_path, message):
    tokenizer = word_tokenizer(inputs, **{name: token for name, token in ROBERTA.items() if name != "pad_token"})
    made = prepare(config(inputs, block_length=16), tokenizer, tmp_path)
    assert Masking.smoothed(made.counts, tokenizer).real(made.train[:]).all()
    assert message(prepare, config(inputs, packing="one_sequence"), tokenizer, tmp_path) == (
        "the tokenizer has no pad_token.\n  where: blocks packed as one_sequence\n"
        "  expected: a tokenizer that defines cls_token, sep_token, pad_token\n"
        "  do: name the missing tokens in the model's tokenizer_config.json, or choose another tokenizer or packing"
    )


def test_a_tokenizer_without_the_ends_of_a_block_is_refused(inputs, message):
    tokenizer = word_tokenizer(inputs, unk_token="<unk>", mask_token="<mask>")
    assert message(BlockFormat.of, tokenizer, 16, "full_sentences").startswith(
        "the tokenizer has no cls_token, sep_token."
    )
