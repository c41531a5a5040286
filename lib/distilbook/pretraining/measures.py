"""The held-out measures: label, unit, direction and the Hub's name of each."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Measure:
    """A score on held-out text.

    Attributes:
        name: its label in tables and sentences.
        unit: ``1`` or ``nat``.
        more_is_better: whether a larger value is a better one.
        on_hub: the metric's identifier in a model card's metadata.
    """

    name: str
    unit: str
    more_is_better: bool
    on_hub: str

    @property
    def label(self) -> str:
        """The name with its unit, where it has one."""
        return self.name if self.unit == "1" else f"{self.name} ({self.unit})"


#: By the name of a run's score. The unsoftened distillation loss is KL(teacher || student) at temperature 1.
MEASURES = {
    "masked_accuracy": Measure("masked accuracy", "1", True, "accuracy"),
    "masked_lm_loss": Measure("masked-LM loss", "nat", False, "loss"),
    "perplexity": Measure("perplexity", "1", False, "perplexity"),
    "kl_to_teacher": Measure("unsoftened distillation loss", "nat", False, "kl_divergence"),
    "top1_agreement": Measure("top-1 agreement with the teacher", "1", True, "top1_agreement"),
}
