"""The site of one edition, rendered where it is not what its sources make of it any more."""

from __future__ import annotations

from pathlib import Path

from ..workspace import Workspace
from .origin import is_fresh, keep, site_origin


def build_site(workspace: Workspace) -> Path:
    """Render the executed notebooks of ``workspace`` unless that was done, and return the path of the front page.

    Raises:
        BookError: when no chapter was executed, when Sphinx finds a problem such as a broken
            reference or an unknown citation, or when a package the site needs is missing. The
            previous site is untouched then, and the next call tries again.
    """
    origin = site_origin(workspace)
    if not is_fresh(workspace, origin):
        from .render import render  # brings nbformat and plotly, which take seconds to load

        render(workspace)
        keep(workspace, origin)
    return workspace.site / "index.html"
