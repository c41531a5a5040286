"""From a run's metrics file to the lines of a learning curve."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..training.pretrain import PretrainRun


def held_out_curves(run: PretrainRun) -> list[dict]:
    """Return the held-out measurements of ``run``, each with the tokens ``seen`` until then."""
    # Here, because it brings torch along, which chapters that only read records do without.
    from ..training.metrics import read_curves

    tokens_a_step = run.tokens / run.config.steps
    return [line | {"seen": line["step"] * tokens_a_step} for line in read_curves(run.folder)[1]]
