"""The grid of a fine-tuning chapter, made from its parameters and what earlier chapters have published."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from ..core.errors import BookError, nearest
from ..core.progress import tell
from ..core.workspace import Workspace
from ..finetuning.config import BASELINES, FinetuneConfig, LongDocumentsConfig
from ..finetuning.grid import Cell, Model, grid, run_grid, task_of
from ..pretraining.ablations import published_runs
from ..views.tasks import left_out
from .contents import CHAPTERS, TASKS, chapter_of, check_names
from .parameters import check_parameters


def models_of(config: FinetuneConfig, workspace: Workspace) -> dict[str, list[Model]]:
    """Return the models of a fine-tuning chapter by name: the teacher, the students that it names, the baselines.

    Raises:
        BookError: when the teacher or a student has not been trained yet.
    """
    models = {"teacher": [Model("teacher", workspace.find("teacher", made_by="03_teacher"))]}
    for name in config.students:
        runs = published_runs(workspace, name, made_by=chapter_of(name))
        models[name] = [Model(name, run.folder / "model", run.seed) for run in runs]
    return models | {name: [Model(name)] for name in BASELINES}


def cells_of(config: FinetuneConfig, workspace: Workspace) -> list[Cell]:
    """Return every run of a fine-tuning chapter."""
    return grid(config, models_of(config, workspace), workspace.results / "finetuning")


def shortened_cells(config: LongDocumentsConfig, workspace: Workspace) -> dict[int, list[Cell]]:
    """Return, for each shorter length, the runs of teacher and full recipe with texts cut to it."""
    cells = {}
    for length in config.shorter:
        cut = config.cut_to(length)
        models = {name: some for name, some in models_of(cut, workspace).items() if name not in BASELINES}
        cells[length] = grid(cut, models, workspace.results / "finetuning")
    return cells


def finetune(
    edition: str,
    chapter: str,
    only: Mapping[str, Sequence | None],
    workers: int | None,
    cluster: str,
    slurm: Mapping[str, Any],
    dry_run: bool,
) -> None:
    """Finish the runs of a chapter that ``only`` names; with ``dry_run`` list those to do.

    Args:
        only: the ``tasks``, ``models`` and ``seeds`` asked for; None stands for all of them.

    Raises:
        BookError: for an unknown name, a chapter that fine-tunes nothing, or runs that failed.
    """
    check_names(edition, [chapter])
    if not issubclass(CHAPTERS[chapter].config_class, FinetuneConfig):
        known = {name: info.config_class for name, info in CHAPTERS.items() if info.config.startswith(TASKS)}
        tuning = [name for name, kind in known.items() if issubclass(kind, FinetuneConfig)]
        raise BookError(f"chapter {chapter} fine-tunes nothing", expected=f"one of {', '.join(tuning)}")
    config, workspace = check_parameters(edition, chapter, FinetuneConfig), Workspace(edition)
    cells = chosen(cells_of(config, workspace), only)
    left = [cell for cell in cells if not cell.finished]
    tell(left_out([task_of(source) for source in dict.fromkeys(cell.task for cell in cells)]))
    print(f"{len(cells) - len(left)} of {len(cells)} runs are finished", flush=True)
    if dry_run:
        print("\n".join(f"to do: {cell}" for cell in left))
        return
    run_grid(cells, workspace.results / "finetuning", workers, cluster, **slurm)
    print(f"all {len(cells)} runs are finished; the chapter reads them: distilbook run {edition} --chapter {chapter}")


def chosen(cells: Sequence[Cell], only: Mapping[str, Sequence | None]) -> list[Cell]:
    """Return the ``cells`` that ``only`` names.

    Raises:
        BookError: for a task, model or seed that the grid does not have, naming the nearest.
    """
    names = {
        "tasks": lambda cell: cell.task.name,
        "models": lambda cell: cell.model.name,
        "seeds": lambda cell: cell.seed,
    }
    for what, name in names.items():
        known = {name(cell): None for cell in cells}
        for asked in only.get(what) or ():
            if asked not in known:
                advice = nearest(str(asked), [str(one) for one in known], what)
                raise BookError(f"the chapter has no {what.removesuffix('s')} {asked!r}", do=advice)
    wanted = {name: some for what, name in names.items() if (some := only.get(what))}
    return [cell for cell in cells if all(name(cell) in some for name, some in wanted.items())]


def settings_for_slurm(pairs: Sequence[str]) -> dict[str, Any]:
    """Return ``NAME=VALUE`` pairs as submitit takes them: numbers, ``true`` and ``false`` as such, all else as text.

    Raises:
        BookError: for a pair without a name or an equals sign.
    """
    for pair in pairs:
        if not pair.partition("=")[0] or "=" not in pair:
            do = "write --slurm slurm_partition=gpu, for instance"
            raise BookError(f"{pair!r} is no setting", expected="NAME=VALUE", do=do)
    return {name: _as_value(text) for name, _, text in (pair.partition("=") for pair in pairs)}


def _as_value(text: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return text
