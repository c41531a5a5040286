"""Token masking: frequency-smoothed selection, 80/10/10 replacement.

The scheme is that of Devlin et al. (2019, section 3.1) with the smoothing of XLM. A fixed share of each block is drawn
without replacement, token ``v`` with weight ``count(v) ** -0.7``; special tokens are never drawn. Of the drawn tokens
80% become ``[MASK]``, 10% a random token, and 10% stay. The draw of a block is a function of (seed, epoch, block)
alone: the same for any number of processes, before and after a restart.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

IGNORED = -100
#: Smoothing exponent and share of drawn tokens, as in the original code.
SMOOTHING = 0.7
SHARE = 0.15
#: Shares of the drawn tokens that become [MASK], become a random token, and stay.
TREATMENT = (0.8, 0.1, 0.1)


@dataclass(frozen=True)
class Masking:
    """A distribution over the masks of a block.

    Attributes:
        weights: the weight of each token in the draw, (vocabulary,); zero for special tokens.
        mask_id: the id of ``[MASK]``.
        pad_id: the id of ``[PAD]``; None where the tokenizer has none.
        share: the share of each block's maskable tokens that is drawn.
        treatment: shares of the drawn tokens that become ``[MASK]``, become a random token, and stay.
    """

    weights: np.ndarray
    mask_id: int
    pad_id: int | None
    share: float = SHARE
    treatment: tuple[float, float, float] = TREATMENT

    @classmethod
    def smoothed(cls, counts: np.ndarray, tokenizer: Any) -> Masking:
        """Return the masking of training: weights ``max(count, 1) ** -0.7``, 0 for unused ids and special tokens."""
        weights = np.zeros(len(counts))
        ordinary = sorted(set(tokenizer.get_vocab().values()) - set(tokenizer.all_special_ids))
        weights[ordinary] = np.maximum(counts[ordinary], 1.0) ** -SMOOTHING
        return cls(weights, tokenizer.mask_token_id, tokenizer.pad_token_id)

    def hiding(self) -> Masking:
        """Return the same draw, every drawn token replaced by ``[MASK]``."""
        return replace(self, treatment=(1.0, 0.0, 0.0))

    def uniform(self) -> Masking:
        """Return the masking of held-out evaluation: equal weights, every drawn token replaced by ``[MASK]``."""
        return replace(self.hiding(), weights=(self.weights > 0).astype(float))

    def weighing_alike(self, share: float) -> Masking:
        """Return the masking of BERT: equal weights, ``share`` of the tokens drawn."""
        return replace(self, weights=(self.weights > 0).astype(float), share=share)

    def real(self, blocks: np.ndarray) -> np.ndarray:
        """Return where ``blocks`` hold tokens, up to the last that is not padding, (batch, length) bool."""
        if self.pad_id is None:
            return np.ones(blocks.shape, dtype=bool)
        return np.cumsum((blocks != self.pad_id)[:, ::-1], axis=1)[:, ::-1] > 0

    def __call__(
        self, blocks: np.ndarray, numbers: Sequence[int] | np.ndarray, seed: int, epoch: int
    ) -> tuple[np.ndarray, np.ndarray]:
        """Mask ``blocks``.

        Args:
            blocks: token ids, (batch, length).
            numbers: each block's number in the corpus, (batch,).

        Returns:
            ``input_ids`` and ``labels``, both (batch, length) int64; a label is the original token where one was
            drawn and -100 elsewhere.
        """
        blocks = np.asarray(blocks, dtype=np.int64)
        draws = np.stack([block_draws(seed, epoch, number, blocks.shape[1]) for number in numbers])
        drawn = self._drawn(blocks, draws[:, 0])
        return self._treated(blocks, drawn, draws[:, 1], draws[:, 2]), np.where(drawn, blocks, IGNORED)

    def _drawn(self, blocks: np.ndarray, uniform: np.ndarray) -> np.ndarray:
        """Return where tokens are drawn, (batch, length) bool.

        Weighted sampling without replacement: the ``k`` smallest of ``-log(u) / weight``
        (Efraimidis and Spirakis 2006).
        """
        weights = self.weights[blocks]
        with np.errstate(divide="ignore"):
            keys = -np.log(uniform) / weights
        maskable = (weights > 0).sum(axis=1)
        wanted = np.where(maskable > 0, np.maximum(1, np.rint(self.share * maskable)), 0).astype(int)
        ranks = keys.argsort(axis=1, kind="stable").argsort(axis=1, kind="stable")
        return ranks < wanted[:, None]

    def _treated(self, blocks: np.ndarray, drawn: np.ndarray, choice: np.ndarray, which: np.ndarray) -> np.ndarray:
        hidden, scrambled, _ = self.treatment
        ordinary = np.flatnonzero(self.weights > 0)
        random_tokens = ordinary[(which * len(ordinary)).astype(int)]
        treated = np.where(drawn & (choice < hidden), self.mask_id, blocks)
        return np.where(drawn & (choice >= hidden) & (choice < hidden + scrambled), random_tokens, treated)


def block_draws(seed: int, epoch: int, number: int, length: int) -> np.ndarray:
    """Return the random numbers in [0, 1) that decide one block's masks, (3, length)."""
    generator = np.random.Generator(np.random.Philox(key=np.array([seed << 32 | epoch, number], dtype=np.uint64)))
    return generator.random((3, length))


def block_order(seed: int, epoch: int, blocks: int) -> np.ndarray:
    """Return the order in which an epoch visits its ``blocks``, a permutation of their numbers."""
    return np.random.default_rng([seed, epoch]).permutation(blocks)
