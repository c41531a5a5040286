"""The command ``distilbook``: run an edition, render its site, regenerate the notebooks."""

from __future__ import annotations

import argparse
import sys

from .config import BookError


def main(arguments: list[str] | None = None) -> int:
    """Run the command and return its exit status: 0 when all went well, 1 after an error that is explained."""
    options = parser().parse_args(arguments)
    try:
        options.does(options)
    except BookError as error:
        print(f"distilbook: {error}", file=sys.stderr)
        return 1
    return 0


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    top = argparse.ArgumentParser(prog="distilbook", description="Run the DistilBERT book.")
    commands = top.add_subparsers(required=True, metavar="COMMAND")
    run = commands.add_parser("run", help="execute an edition's chapters and render its site")
    run.add_argument("edition", help="laptop, smoke, miniature or paper")
    run.add_argument("--chapter", action="append", help="only this chapter; may be given several times")
    run.set_defaults(does=run_edition)
    site = commands.add_parser("site", help="render the site from the chapters executed so far")
    site.add_argument("edition")
    site.set_defaults(does=render_site)
    pairs = commands.add_parser("pairs", help="regenerate book/*.ipynb from the scripts beside them")
    pairs.set_defaults(does=regenerate_pairs)
    return top


def run_edition(options: argparse.Namespace) -> None:
    """Execute the edition, render its site from what succeeded, and fail if a chapter did."""
    from .edition.run import check_outcomes, run

    outcomes = run(options.edition, options.chapter)
    render_site(options)
    check_outcomes(outcomes)


def render_site(options: argparse.Namespace) -> None:
    """Render the site of the edition and say where it is."""
    from .edition.parameters import check_names
    from .edition.site import build_site
    from .workspace import Workspace

    check_names(options.edition, [])
    print(f"The book is at {build_site(Workspace(options.edition))}")


def regenerate_pairs(options: argparse.Namespace) -> None:
    """Write the notebooks whose scripts have changed."""
    from .edition.pairs import sync
    from .workspace import project_root

    for path in sync(project_root() / "book"):
        print(f"wrote {path}")


if __name__ == "__main__":
    sys.exit(main())
