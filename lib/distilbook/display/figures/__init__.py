"""The book's figures, each a function of data that a chapter has at hand."""

from .ablations import changes, detectable, factors
from .corpus import draw_rates, frequency_ranks, masked_blocks, masking_rates, text_sources
from .models import gradient_norms, layer_map, parameter_bars, softened
from .results import intervals, learning_curves, loss_terms
from .segments import sentences_told_apart
from .tasks import arm_score_changes, task_scores, text_lengths
from .timing import layer_line, paired_times, ratios_by_shape, roofline
from .trial import verdicts

__all__ = [
    "arm_score_changes",
    "changes",
    "detectable",
    "draw_rates",
    "factors",
    "frequency_ranks",
    "gradient_norms",
    "intervals",
    "layer_line",
    "layer_map",
    "learning_curves",
    "loss_terms",
    "masked_blocks",
    "masking_rates",
    "paired_times",
    "parameter_bars",
    "ratios_by_shape",
    "roofline",
    "sentences_told_apart",
    "softened",
    "task_scores",
    "text_lengths",
    "text_sources",
    "verdicts",
]
