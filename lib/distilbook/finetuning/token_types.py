"""How two sentences are told apart without token types: an experiment with linear probes.

A probe is a logistic regression that reads one hidden state and says whether its word piece stands in the
first or in the second sentence. So that neither words nor positions can give the answer, a text is cut in two
twice, once early and once late: the positions between both cuts are in the second sentence of the one pair
and in the first of the other, and only they are read. The control has another word piece where the middle
``[SEP]`` was: by how much more is right with ``[SEP]`` is what attention has passed on from the separator.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import torch

from ..core.config import BookError
from ..corpus.corpus import evenly_spaced
from ..stats.intervals import Bootstrap, Interval, difference_interval, score_interval

#: What there is to tell the sentences apart by: ``[SEP]`` between them, nothing, or ``[SEP]`` and BERT's token types.
Condition = Literal["separator", "another word piece", "token types"]
#: Word pieces between an early and a late cut; a text is three times as long, about as long as a pair of STS-B.
THIRD = 10
#: Texts that are cut; every other one fits the probes, the rest is read.
TEXTS = 200
#: Inverse strength of the probes' penalty, so strong that they do not learn their few thousand states by heart.
PENALTY = 0.01
BATCH = 32
LEVEL = 0.95


@dataclass(frozen=True)
class Pairs:
    """Texts cut into ``[CLS] a [SEP] b [SEP]``, each twice: row 2i cuts text i early, row 2i + 1 late.

    Attributes:
        words: (pairs, 3 * third) word pieces of running text, none of them special.
        cuts: (pairs,) how many of them are sentence a.
        others: (pairs,) a word piece to put in the place of the middle ``[SEP]``, the same in both rows of a text.
        cls_id, sep_id: the numbers of ``[CLS]`` and ``[SEP]``.
    """

    words: np.ndarray
    cuts: np.ndarray
    others: np.ndarray
    cls_id: int
    sep_id: int

    @classmethod
    def cut(cls, blocks: np.ndarray, tokenizer, seed: int = 0) -> Pairs:
        """Cut held-out ``blocks``, (number, length), where word pieces follow one another in one document.

        The two parts are consecutive pieces of text, not whole sentences: a block keeps no mark of where a
        sentence ends. Where to cut, and which word piece replaces the separator, is drawn with ``seed``.

        Raises:
            BookError: when fewer than two texts are long enough.
        """
        third = min(THIRD, (blocks.shape[1] - 2) // 3)
        texts = running_texts(blocks, tokenizer, 3 * third)
        if len(texts) < 2:
            raise BookError(
                f"the held-out blocks hold {len(texts)} texts of {3 * third} word pieces in a row",
                expected="at least two, one to fit a probe and one to read",
                do="raise held_out_share or held_out_blocks in chapter 02",
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
        """The positions that are read: behind every early separator, before every late one."""
        third = self.words.shape[1] // 3
        return slice(third + 1, 2 * third + 1)

    @property
    def second(self) -> np.ndarray:
        """Whether what stands ``between`` is in sentence b, (pairs,) bool."""
        return np.arange(len(self.cuts)) % 2 == 0

    def input_ids(self, condition: Condition) -> np.ndarray:
        """Return the word pieces with the special ones, (pairs, 3 * third + 3) int64."""
        places = np.arange(self.words.shape[1])
        ids = np.full((len(self.words), len(places) + 3), self.sep_id, dtype=np.int64)
        ids[:, 0] = self.cls_id
        np.put_along_axis(ids, places + 1 + (places >= self.cuts[:, None]), self.words, axis=1)
        if condition == "another word piece":
            ids[np.arange(len(ids)), self.cuts + 1] = self.others
        return ids

    def token_types(self) -> np.ndarray:
        """Return BERT's token types, 1 for ``b [SEP]`` and 0 before it, (pairs, 3 * third + 3) int64."""
        return (np.arange(self.words.shape[1] + 3) > self.cuts[:, None] + 1).astype(np.int64)


def running_texts(blocks: np.ndarray, tokenizer, length: int) -> np.ndarray:
    """Return the stretches of ``length`` word pieces without a special one, one behind the other, (texts, length)."""
    ordinary = ~np.isin(blocks, tokenizer.all_special_ids)
    texts = []
    for block, kept in zip(np.asarray(blocks), ordinary, strict=True):
        edges = np.flatnonzero(np.diff(kept, prepend=False, append=False)).reshape(-1, 2)
        texts += [block[i : i + length] for start, end in edges for i in range(start, end - length + 1, length)]
    return np.array(texts, dtype=np.int64).reshape(-1, length)


@dataclass(frozen=True)
class Reading:
    """Which word pieces the probes put into the right sentence.

    Attributes:
        right: (states, word pieces) bool; the first row reads the embeddings, each other one a layer's output.
        text: (word pieces,) the text each word piece is from: intervals are over texts.
    """

    right: np.ndarray
    text: np.ndarray

    @property
    def texts(self) -> int:
        """How many texts were read."""
        return len(np.unique(self.text))

    def accuracy(self) -> list[Interval]:
        """Return the share that is right after the embeddings and after each layer, with its interval over texts."""
        return [score_interval(row, groups=self.text) for row in self.right]

    def lead(self, other: Reading) -> list[Interval]:
        """Return by how much more is right than in ``other``, on the same word pieces of the same model.

        The intervals hold for all the states together (Bonferroni), since the reader looks at them all.
        """
        how = Bootstrap(level=1 - (1 - LEVEL) / len(self.right))
        rows = zip(self.right, other.right, strict=True)
        return [difference_interval(one, without, groups=self.text, how=how) for one, without in rows]


def read_sentences(models: Mapping[str, torch.nn.Module], pairs: Pairs) -> dict[str, dict[Condition, Reading]]:
    """Return, by model and condition, what linear probes read in the hidden states; nothing is fine-tuned.

    Args:
        models: a BERT or DistilBERT with a masked-LM head by name. One that has token types is also read with them;
            otherwise they are 0 everywhere, as they are in all of this book.
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
    """Fit a probe to each row of ``states``, (rows, pairs, third, width), on every other text, and read the others."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    text = np.arange(len(pairs.cuts)) // 2
    fitted, read = text % 2 == 1, text % 2 == 0
    label = np.repeat(pairs.second[:, None], states.shape[2], axis=1)
    right = []
    for state in states:
        line = make_pipeline(StandardScaler(), LogisticRegression(C=PENALTY, max_iter=1000))
        line.fit(np.concatenate(state[fitted]), label[fitted].ravel())
        right.append(line.predict(np.concatenate(state[read])) == label[read].ravel())
    return Reading(np.stack(right), text[read].repeat(states.shape[2]))
