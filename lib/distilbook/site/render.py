"""Site of an edition, built by Sphinx: pages that open from disk, without kernel or network, with live figures.

Pages, configuration, executed notebooks and the scripts of installed packages are staged in a temporary folder, and
the finished site replaces the previous one in one step.
"""

from __future__ import annotations

import importlib.util
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import nbformat

from ..core.errors import BookError
from ..core.files import new_folder
from ..core.markup import html as as_html
from ..core.workspace import Workspace, project_root
from ..runner.preflight import check_room
from .budget import budget_page
from .build import book_pages, forget
from .pages import Chapter, edition_line, edition_note, front_page, read_chapters, to_page
from .policy import protect

#: Parts of MathJax that a page can load: the renderer and its fonts, without extensions.
MATHJAX_PARTS = ("tex-chtml.js", "output/chtml/fonts")


def render(workspace: Workspace) -> None:
    """Render the executed notebooks of ``workspace`` into its site, in place of the previous one.

    Raises:
        BookError: when no chapter was executed, Sphinx finds a problem such as a broken reference or an unknown
            citation, a package is missing, or the disk is full.
    """
    book = project_root() / "book"
    chapters = read_chapters(book, workspace)
    executed = [chapter for chapter in chapters if chapter.state == "executed"]
    if not executed:
        what = "there is nothing to render: no chapter has been executed to its end"
        do = f"run the edition first: distilbook run {workspace.edition}"
        raise BookError(what, where=workspace.notebooks, do=do)
    check_room(workspace)
    with tempfile.TemporaryDirectory(prefix="distilbook-site-") as scratch:
        source, html = Path(scratch) / "source", Path(scratch) / "html"
        stage(book, workspace, chapters, source)
        run_sphinx(source, html, footer=edition_line(workspace, executed))
        protect(html)
        for chapter in chapters:
            nbformat.write(chapter.notebook, html / "_sources" / f"{chapter.id}.ipynb")  # what a download gives
        with new_folder(workspace.site) as site:
            shutil.copytree(html, site, dirs_exist_ok=True, ignore=shutil.ignore_patterns(".buildinfo", ".doctrees"))
            forget(workspace)  # killed after this, the next build starts anew


def stage(book: Path, workspace: Workspace, chapters: list[Chapter], source: Path) -> None:
    """Fill the new folder ``source`` with everything that Sphinx reads."""
    source.mkdir(parents=True)
    for path in book_pages(book):
        shutil.copy(path, source)
    shutil.copytree(book / "_static", source / "_static")
    copy_scripts(source / "_static")
    index = source / "index.md"
    executed = [chapter.id for chapter in chapters if chapter.state == "executed"]
    index.write_text(front_page(index.read_text(encoding="utf-8"), executed), encoding="utf-8")
    (source / "edition.md").write_text(edition_note(workspace, chapters), encoding="utf-8")
    (source / "budget.md").write_text(budget_page(workspace, chapters), encoding="utf-8")
    for chapter in chapters:
        page = source / f"{chapter.id}.ipynb"
        page.parent.mkdir(exist_ok=True)
        nbformat.write(to_page(chapter), page)


def copy_scripts(static: Path) -> None:
    """Copy plotly.js and MathJax from their packages into the folder ``static``."""
    shutil.copy(_package_folder("plotly") / "package_data" / "plotly.min.js", static)
    mathjax = _package_folder("sphinx-mathjax-offline") / "static" / "mathjax"
    for part in MATHJAX_PARTS:
        target = static / "mathjax" / part
        target.parent.mkdir(parents=True, exist_ok=True)
        copy = shutil.copytree if (mathjax / part).is_dir() else shutil.copy
        copy(mathjax / part, target)


def _package_folder(name: str) -> Path:
    """Return the folder of the installed package ``name``, without importing it."""
    spec = importlib.util.find_spec(name)
    if spec is None or spec.origin is None:
        do = f"install it: pip install {name}"
        raise BookError(f"the site needs the package {name!r}", expected="the packages of environment.yml", do=do)
    return Path(spec.origin).parent


def run_sphinx(source: Path, html: Path, footer: str) -> None:
    """Build the folder ``html`` from ``source``; ``footer`` stands below every page.

    Raises:
        BookError: naming the first problems, by chapter and cell, when Sphinx warns of any.
    """
    warnings = source.parent / "warnings.txt"
    folders = ["-d", str(source.parent / "doctrees"), "-w", str(warnings)]
    theme = f'html_theme_options.extra_footer=<p class="mathjax_ignore">{as_html(footer)}</p>'
    sphinx = [sys.executable, "-m", "sphinx", "-b", "html", "-q", "-j", "auto", *folders, "-D", theme]
    finished = subprocess.run([*sphinx, str(source), str(html)], capture_output=True, text=True)
    problems = read_problems(warnings.read_text(encoding="utf-8") if warnings.exists() else "", source)
    if finished.returncode and not problems:
        problems = finished.stderr.strip().splitlines()[-3:] or [f"Sphinx ended with code {finished.returncode}"]
    if problems:
        more = f" (and {len(problems) - 5} more)" if len(problems) > 5 else ""
        what = f"the site was not built, Sphinx found {len(problems)} problem(s)"
        do = "correct the script of the chapter; the previous site, if any, is untouched"
        raise BookError(what, where="\n    ".join(["", *problems[:5]]) + more, do=do)


def read_problems(warnings: str, source: Path) -> list[str]:
    """Return the problems in Sphinx's ``warnings``; a cell is named by its first line.

    MyST-NB counts lines as 10,000 times the cell's number (from 1) plus the line in the cell.
    """

    def place(match: re.Match) -> str:
        cells = nbformat.read(source / f"{match[1]}.ipynb", as_version=4).cells
        first_line = cells[int(match[2]) // 10_000 - 1].source.partition("\n")[0]
        return f"book/{match[1]}.py, in the cell that begins {first_line!r}:"

    texts = re.findall(r"^.*\b(?:WARNING|ERROR|CRITICAL|SEVERE): .*$", warnings, flags=re.MULTILINE)
    relative = [text.replace(f"{source}/", "") for text in texts]
    return [re.sub(r"^(\S+)\.ipynb:(\d{5,}):", place, text) for text in relative]
