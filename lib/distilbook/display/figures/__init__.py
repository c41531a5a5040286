"""The book's figures, each a function of data that a chapter has at hand."""

from .corpus import draw_rates, frequency_ranks, masked_blocks, masking_rates, text_sources
from .models import gradient_norms, layer_map, parameter_bars, softened
from .results import intervals, learning_curves, loss_terms, paired_times, scores, verdicts

__all__ = [
    "draw_rates",
    "frequency_ranks",
    "gradient_norms",
    "intervals",
    "layer_map",
    "learning_curves",
    "loss_terms",
    "masked_blocks",
    "masking_rates",
    "paired_times",
    "parameter_bars",
    "scores",
    "softened",
    "text_sources",
    "verdicts",
]
