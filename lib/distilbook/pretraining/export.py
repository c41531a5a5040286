"""Export of a trained student as a folder for ``transformers``, checked by loading it."""

from __future__ import annotations

from pathlib import Path

import torch
from transformers import PreTrainedModel, PreTrainedTokenizerFast

from ..core.config import BookError
from ..models.folder import look_at
from ..models.loading import load_model, quiet_loading, tokenizer_as_others_load_it
from ..models.stored import listed
from ..models.tokenizer import differences, save_tokenizer
from .held_out import HeldOut

#: Blocks whose logits are compared: two of 512 tokens are 125 MB at BERT's vocabulary.
COMPARED = 2
#: The largest difference of a logit between the trained student and the loaded one: a GPU may sum in another order; a
#: missing weight changes logits by units.
TOLERANCE = 1e-4


def save_student(student: PreTrainedModel, tokenizer: PreTrainedTokenizerFast, folder: Path, held_out: HeldOut) -> None:
    """Write ``student``, in evaluation mode, and ``tokenizer`` into ``folder``; load both and compare.

    Raises:
        BookError: when the loaded tokenizer, or the loaded student's predictions on held-out text, differ.
    """
    with quiet_loading():
        save_tokenizer(tokenizer, folder)
        student.save_pretrained(folder)
    if types := {one.type for one in look_at(folder).tensors.values()} - {"F32"}:
        raise _not_what_was_trained(f"its weights are stored in {listed(types)}, not in F32", folder)
    loaded = load_model(folder, "masked_lm")
    cut = (one.backend_tokenizer.to_str() for one in (tokenizer, tokenizer_as_others_load_it(folder)))
    if other := differences(*cut):
        raise _not_what_was_trained(f"the tokenizer has another {listed(other)}", folder)
    apart = largest_difference(student, loaded.to(student.device).eval(), held_out)
    if not apart <= TOLERANCE:
        raise _not_what_was_trained(f"its logits differ by up to {apart:.3g}", folder)


@torch.inference_mode()
def largest_difference(one: PreTrainedModel, other: PreTrainedModel, held_out: HeldOut) -> float:
    """Return the largest difference of the logits of two models on a few held-out blocks."""
    inputs = {"input_ids": held_out.input_ids[:COMPARED], "attention_mask": held_out.attention_mask[:COMPARED]}
    inputs = {name: tensor.to(one.device) for name, tensor in inputs.items()}
    real = inputs["attention_mask"]
    ours, theirs = (model(**inputs).logits[real] for model in (one, other))
    return float((ours - theirs).abs().max())


def _not_what_was_trained(how: str, folder: Path) -> BookError:
    return BookError(
        f"the saved student is not the trained one: {how}",
        where=folder,
        expected="the same predictions after loading",
        do="start again: the run resumes from its last checkpoint; if it persists, try the pinned transformers",
    )
