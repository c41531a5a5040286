"""Token-type probe: linear classifiers that read from a hidden state which sentence of a pair its token is in.

A text is cut into two sentences twice, early and late. Only the positions between both cuts are read: they are in the
second sentence of one pair and in the first of the other, so neither tokens nor positions give the answer. The control
replaces the middle ``[SEP]`` by another token: the difference in accuracy is what attention passes on from ``[SEP]``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
import torch

from ..core.config import BookError
from ..corpus.corpus import evenly_spaced
from ..stats.intervals import Bootstrap, Interval, difference_interval, score_interval

#: Marks of the sentences: ``[SEP]`` between them, none (the control), or ``[SEP]`` and BERT's token types.
Condition = Literal["separator", "another token", "token types"]
#: Tokens between an early and a late cut; a text is three times as long, about as long as a pair of STS-B.
THIRD = 10
#: Number of texts: half of them train the probes, the others test them.
TEXTS = 200
#: Inverse regularisation strength of the probes, against overfitting to a few thousand states.
PENALTY = 0.01
BATCH = 32
LEVEL = 0.95


@dataclass(frozen=True)
class Pairs:
    """Texts cut into ``[CLS] a [SEP] b [SEP]``, each twice: row 2i cuts text i early, row 2i + 1 late.

    Attributes:
        words: (pairs, 3 * third) tokens of running text, none of them special.
        cuts: (pairs,) number of tokens of sentence a.
        others: (pairs,) token that replaces the middle ``[SEP]`` in the control, the same in both rows of a text.
        cls_id, sep_id: ids of ``[CLS]`` and ``[SEP]``.
    """

    words: np.ndarray
    cuts: np.ndarray
    others: np.ndarray
    cls_id: int
    sep_id: int

    @classmethod
    def cut(cls, blocks: np.ndarray, tokenizer: Any, seed: int = 0) -> Pairs:
        """Cut texts from held-out ``blocks``, (blocks, length); cuts and replacing tokens are drawn with ``seed``.

        The two parts are consecutive text, not whole sentences: blocks do not mark where a sentence ends.

        Raises:
            BookError: when fewer than two texts are long enough.
        """
        third = min(THIRD, (blocks.shape[1] - 2) // 3)
        texts = running_texts(blocks, tokenizer, 3 * third)
        if len(texts) < 2:
            raise BookError(
                f"the held-out blocks hold {len(texts)} texts of {3 * third} consecutive tokens",
                expected="at least two, one to train a probe and one to test it",
                do="raise held_out_share or held_out_blocks of the corpus",
            )
        texts = texts[evenly_spaced(len(texts), TEXTS)]
        rng = np.random.default_rng(seed)
        early, late = rng.integers(1, third, size=len(texts)), rng.integers(2 * third, 3 * third, size=len(texts))
        return cls(
            words=texts.repeat(2, axis=0),
            cuts=np.stack([early, late], axis=1).ravel(),
            others=rng.choice(texts.ravel(), size=len(texts)).repeat(2),
            cls_id=tokenizer.cls_token_id,
            sep_id=tokenizer.sep_token_id,
        )

    @property
    def between(self) -> slice:
        """The positions that are read: after every early separator, before every late one."""
        third = self.words.shape[1] // 3
        return slice(third + 1, 2 * third + 1)

    @property
    def second(self) -> np.ndarray:
        """Whether the positions ``between`` are in sentence b, (pairs,) bool."""
        return np.arange(len(self.cuts)) % 2 == 0

    def input_ids(self, condition: Condition) -> np.ndarray:
        """Return the tokens with the special ones, (pairs, 3 * third + 3) int64."""
        places = np.arange(self.words.shape[1])
        ids: np.ndarray = np.full((len(self.words), len(places) + 3), self.sep_id, dtype=np.int64)
        ids[:, 0] = self.cls_id
        np.put_along_axis(ids, places + 1 + (places >= self.cuts[:, None]), self.words, axis=1)
        if condition == "another token":
            ids[np.arange(len(ids)), self.cuts + 1] = self.others
        return ids

    def token_types(self) -> np.ndarray:
        """Return BERT's token types, 1 for ``b [SEP]`` and 0 before it, (pairs, 3 * third + 3) int64."""
        return (np.arange(self.words.shape[1] + 3) > self.cuts[:, None] + 1).astype(np.int64)


def running_texts(blocks: np.ndarray, tokenizer: Any, length: int) -> np.ndarray:
    """Return consecutive runs of ``length`` tokens without a special token, (texts, length)."""
    ordinary = ~np.isin(blocks, tokenizer.all_special_ids)
    texts = []
    for block, kept in zip(np.asarray(blocks), ordinary, strict=True):
        edges = np.flatnonzero(np.diff(kept, prepend=False, append=False)).reshape(-1, 2)
        texts += [block[i : i + length] for start, end in edges for i in range(start, end - length + 1, length)]
    return np.array(texts, dtype=np.int64).reshape(-1, length)


@dataclass(frozen=True)
class Reading:
    """Correct predictions of the probes.

    Attributes:
        right: (states, tokens) bool; the first row reads the embeddings, each other one a layer's output.
        text: (tokens,) the text of each token: intervals are over texts.
    """

    right: np.ndarray
    text: np.ndarray

    @property
    def texts(self) -> int:
        """The number of texts."""
        return len(np.unique(self.text))

    def accuracy(self) -> list[Interval]:
        """Return the accuracy after the embeddings and after each layer, with its interval over texts."""
        return [score_interval(row, groups=self.text) for row in self.right]

    def lead(self, other: Reading) -> list[Interval]:
        """Return the accuracy minus that of ``other``, on the same tokens of the same model.

        The intervals hold for all states simultaneously (Bonferroni).
        """
        how = Bootstrap(level=1 - (1 - LEVEL) / len(self.right))
        rows = zip(self.right, other.right, strict=True)
        return [difference_interval(one, without, groups=self.text, how=how) for one, without in rows]


def read_sentences(models: Mapping[str, torch.nn.Module], pairs: Pairs) -> dict[str, dict[Condition, Reading]]:
    """Return the probes' predictions by model and condition; the models are not fine-tuned.

    Args:
        models: models with a masked-LM head by name. Those with token types are also read with them; otherwise the
            token types are 0 everywhere, as in the whole book.
    """
    readings: dict[str, dict[Condition, Reading]] = {}
    for name, model in models.items():
        has_types = getattr(model.config, "type_vocab_size", 0) > 1
        conditions = [condition for condition in get_args(Condition) if has_types or condition != "token types"]
        readings[name] = {condition: probe(states_between(model, pairs, condition), pairs) for condition in conditions}
    return readings


@torch.inference_mode()
def states_between(model: torch.nn.Module, pairs: Pairs, condition: Condition) -> np.ndarray:
    """Return the hidden states between the cuts, (1 + layers, pairs, third, width), the embeddings first."""
    training = model.training
    model.eval()
    given = {"input_ids": pairs.input_ids(condition)}
    if condition == "token types":
        given["token_type_ids"] = pairs.token_types()
    parts = []
    for start in range(0, len(pairs.words), BATCH):
        batch = {name: torch.from_numpy(ids[start : start + BATCH]).to(model.device) for name, ids in given.items()}
        states = model.base_model(**batch, output_hidden_states=True).hidden_states
        parts.append(torch.stack([state[:, pairs.between].float().cpu() for state in states]))
    model.train(training)
    return torch.cat(parts, dim=1).numpy()


def probe(states: np.ndarray, pairs: Pairs) -> Reading:
    """Train a probe for each row of ``states``, (rows, pairs, third, width), on half of the texts and test the others."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    text: np.ndarray = np.arange(len(pairs.cuts)) // 2
    fitted, read = text % 2 == 1, text % 2 == 0
    label = np.repeat(pairs.second[:, None], states.shape[2], axis=1)
    right = []
    for state in states:
        line = make_pipeline(StandardScaler(), LogisticRegression(C=PENALTY, max_iter=1000))
        line.fit(np.concatenate(state[fitted]), label[fitted].ravel())
        right.append(line.predict(np.concatenate(state[read])) == label[read].ravel())
    return Reading(np.stack(right), text[read].repeat(states.shape[2]))
