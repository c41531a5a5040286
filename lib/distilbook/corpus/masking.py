"""Which word pieces are hidden, and behind what (Devlin et al. 2019, section 3.1; smoothing as in XLM).

A fixed share of each block is drawn without replacement, word piece ``v`` with weight
``count(v) ** -0.7``, so that rare words are asked for more often than ``the``; special tokens never.
Of the drawn ones 80% become ``[MASK]``, 10% a random word piece and 10% stay. The draw for a block is
a function of (seed, epoch, block), of nothing else: the same on one process and on four, before and
after a restart.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

IGNORED = -100
#: Exponent of the smoothing and shares of the treatment: the original code's.
SMOOTHING = 0.7
SHARE = 0.15
#: Shares of the drawn word pieces that become [MASK], become random, and stay.
TREATMENT = (0.8, 0.1, 0.1)


@dataclass(frozen=True)
class Masking:
    """How blocks are masked.

    Attributes:
        weights: the weight of each word piece in the draw, (vocabulary,); zero for special tokens.
        mask_id: the number of ``[MASK]``.
        pad_id: the number of ``[PAD]``, which fills a block up behind its word pieces.
        share: the share of each block's maskable word pieces that is drawn.
        treatment: shares of the drawn that become ``[MASK]``, become random, and stay.
    """

    weights: np.ndarray
    mask_id: int
    pad_id: int
    share: float = SHARE
    treatment: tuple[float, float, float] = TREATMENT

    @classmethod
    def smoothed(cls, counts: np.ndarray, tokenizer) -> Masking:
        """Return the training masks: weights ``count ** -0.7``, a word piece never seen counting as seen once.

        A number that no word piece has is neither drawn nor put in the place of what is.
        """
        weights = np.zeros(len(counts))
        ordinary = sorted(set(tokenizer.get_vocab().values()) - set(tokenizer.all_special_ids))
        weights[ordinary] = np.maximum(counts[ordinary], 1.0) ** -SMOOTHING
        return cls(weights, tokenizer.mask_token_id, tokenizer.pad_token_id)

    def hiding(self) -> Masking:
        """Return the masks that draw as these do and always put ``[MASK]`` in the place of what they draw."""
        return replace(self, treatment=(1.0, 0.0, 0.0))

    def uniform(self) -> Masking:
        """Return the masks of held-out evaluation: every word piece alike, and always ``[MASK]`` in its place."""
        return replace(self.hiding(), weights=(self.weights > 0).astype(float))

    def weighing_alike(self, share: float) -> Masking:
        """Return the masks BERT was trained with: every word piece alike; with another share drawn."""
        return replace(self, weights=(self.weights > 0).astype(float), share=share)

    def real(self, blocks: np.ndarray) -> np.ndarray:
        """Return where ``blocks`` hold word pieces: up to the last that is no padding, (batch, length) bool."""
        return np.cumsum((blocks != self.pad_id)[:, ::-1], axis=1)[:, ::-1] > 0

    def __call__(
        self, blocks: np.ndarray, numbers: Sequence[int] | np.ndarray, seed: int, epoch: int
    ) -> tuple[np.ndarray, np.ndarray]:
        """Mask ``blocks``.

        Args:
            blocks: word pieces, (batch, length).
            numbers: each block's number in the corpus, (batch,).

        Returns:
            ``input_ids`` and ``labels``, both (batch, length) int64; a label is the original word
            piece where one was drawn and -100 elsewhere.
        """
        blocks = np.asarray(blocks, dtype=np.int64)
        draws = np.stack([block_draws(seed, epoch, number, blocks.shape[1]) for number in numbers])
        drawn = self._drawn(blocks, draws[:, 0])
        return self._treated(blocks, drawn, draws[:, 1], draws[:, 2]), np.where(drawn, blocks, IGNORED)

    def _drawn(self, blocks: np.ndarray, uniform: np.ndarray) -> np.ndarray:
        """Return where word pieces are drawn, (batch, length) bool.

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
        random_pieces = ordinary[(which * len(ordinary)).astype(int)]
        treated = np.where(drawn & (choice < hidden), self.mask_id, blocks)
        return np.where(drawn & (choice >= hidden) & (choice < hidden + scrambled), random_pieces, treated)


def block_draws(seed: int, epoch: int, number: int, length: int) -> np.ndarray:
    """Return the random numbers in [0, 1) that decide one block's masks, (3, length)."""
    generator = np.random.Generator(np.random.Philox(key=np.array([seed << 32 | epoch, number], dtype=np.uint64)))
    return generator.random((3, length))


def block_order(seed: int, epoch: int, blocks: int) -> np.ndarray:
    """Return the order in which an epoch visits its ``blocks``, a permutation of their numbers."""
    return np.random.default_rng([seed, epoch]).permutation(blocks)
