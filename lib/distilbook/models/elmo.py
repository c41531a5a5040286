"""ELMo (Peters et al. 2018), and the BiLSTM encoder of GLUE's baseline on top of it, to be counted and timed.

Its inputs are words as characters. Cell clipping is left out: it has no parameters, and PyTorch's LSTM lacks it.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

#: Characters per word, boundary marks and padding included.
WORD_LENGTH = 50


@dataclass(frozen=True)
class ElmoSizes:
    """The published dimensions of ELMo and of the encoder of GLUE's baseline.

    Attributes:
        characters: number of bytes, marks and padding.
        filters: width in characters and number of each convolution.
        cell, width: size of each recurrent layer's cell, and of its projection.
        baseline: width of a direction of the baseline's two recurrent layers (Wang et al. 2018, section 5).
    """

    characters: int = 262
    character_width: int = 16
    filters: tuple[tuple[int, int], ...] = ((1, 32), (2, 32), (3, 64), (4, 128), (5, 256), (6, 512), (7, 1024))
    highways: int = 2
    cell: int = 4096
    width: int = 512
    layers: int = 2
    baseline: int = 1500


class Highway(nn.Module):
    """A gated mixture of the input and a non-linear map of it (Srivastava et al. 2015)."""

    def __init__(self, width: int):
        super().__init__()
        self.map = nn.Linear(width, 2 * width)

    def forward(self, x: Tensor) -> Tensor:
        """Return the mixture, shape as ``x``: (..., width)."""
        mapped, gate = self.map(x).chunk(2, dim=-1)
        gate = torch.sigmoid(gate)
        return gate * x + (1 - gate) * torch.relu(mapped)


class Elmo(nn.Module):
    """A character CNN, an LSTM language model in each direction, and a weighted sum of the layers."""

    def __init__(self, sizes: ElmoSizes = ElmoSizes()):
        super().__init__()
        together = sum(number for _, number in sizes.filters)
        self.characters = nn.Embedding(sizes.characters, sizes.character_width)
        self.convolutions = nn.ModuleList(
            nn.Conv1d(sizes.character_width, number, width) for width, number in sizes.filters
        )
        self.highways = nn.Sequential(*(Highway(together) for _ in range(sizes.highways)))
        self.projection = nn.Linear(together, sizes.width)
        layer = lambda: nn.LSTM(sizes.width, sizes.cell, proj_size=sizes.width, batch_first=True)
        self.forwards = nn.ModuleList(layer() for _ in range(sizes.layers))
        self.backwards = nn.ModuleList(layer() for _ in range(sizes.layers))
        self.mix = nn.Parameter(torch.zeros(sizes.layers + 1))
        self.scale = nn.Parameter(torch.ones(1))

    def forward(self, character_ids: Tensor) -> Tensor:
        """Return word vectors, (batch, words, 2 * width), of ``character_ids``, (batch, words, WORD_LENGTH)."""
        words = self.words(character_ids)
        layers = [torch.cat([words, words], dim=-1)]
        ahead, back = words, words.flip(1)
        for number, (forward, backward) in enumerate(zip(self.forwards, self.backwards, strict=True)):
            # Residual connections from the second layer on.
            ahead, back = (run(x)[0] + (x if number else 0) for run, x in ((forward, ahead), (backward, back)))
            layers.append(torch.cat([ahead, back.flip(1)], dim=-1))
        weights = torch.softmax(self.mix, dim=0)
        return self.scale * sum(weight * layer for weight, layer in zip(weights, layers, strict=True))

    def words(self, character_ids: Tensor) -> Tensor:
        """Return each word's vector from its characters, (batch, words, width)."""
        batch, words, length = character_ids.shape
        x = self.characters(character_ids.view(batch * words, length)).transpose(1, 2)
        x = torch.cat([torch.relu(convolution(x).amax(dim=-1)) for convolution in self.convolutions], dim=-1)
        return self.projection(self.highways(x)).view(batch, words, -1)


class ElmoBaseline(nn.Module):
    """ELMo, a two-layer BiLSTM, and max pooling, as in GLUE's baseline."""

    def __init__(self, sizes: ElmoSizes = ElmoSizes()):
        super().__init__()
        self.elmo = Elmo(sizes)
        self.encoder = nn.LSTM(2 * sizes.width, sizes.baseline, num_layers=2, bidirectional=True, batch_first=True)

    def forward(self, character_ids: Tensor) -> Tensor:
        """Return sentence vectors, (batch, 2 * baseline)."""
        return self.encoder(self.elmo(character_ids))[0].amax(dim=1)


#: Names of the parts by module.
PARTS = {
    "characters": "character embeddings",
    "convolutions": "convolutions over characters",
    "highways": "highway layers",
    "projection": "projection of words",
    "forwards": "recurrent layers, forward",
    "backwards": "recurrent layers, backward",
    "mix": "weights of the layers",
    "scale": "weights of the layers",
    "encoder": "recurrent layers of GLUE's baseline",
}


def elmo_parts(model: nn.Module) -> dict[str, int]:
    """Return the parameters of an :class:`Elmo` or :class:`ElmoBaseline` by part, in the model's order."""
    counts: dict[str, int] = {}
    for name, parameter in model.named_parameters():
        part = PARTS[name.removeprefix("elmo.").partition(".")[0]]
        counts[part] = counts.get(part, 0) + parameter.numel()
    return counts
