"""The notebooks beside the scripts: the same cells, stable to the byte."""

from __future__ import annotations

import os
import subprocess
import sys

import jupytext
import nbformat
import pytest
from distilbook.book.notebooks import chapters, edited, out_of_date, sync, to_notebook

HEADER = """\
# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

"""
CELLS = """\
# %% [markdown]
# # A chapter
# With *prose* and $x^2$.

# %% tags=["parameters"]
edition: str = "laptop"

# %% tags=["hide-input", "remove-cell"]
# %matplotlib inline
print(edition)

# %%
x = 1


def double(x):
    return 2 * x


# %%
x = 1


def double(x):
    return 2 * x
"""


@pytest.fixture
def book(tmp_path, project):
    """A folder book/ with one chapter, below the project's own jupytext.toml."""
    (tmp_path / "jupytext.toml").write_text((project / "jupytext.toml").read_text())
    folder = tmp_path / "book"
    folder.mkdir()
    (folder / "01_claims.py").write_text(HEADER + CELLS)
    return folder


def ids(book):
    return [cell.id for cell in to_notebook(book / "01_claims.py").cells]


def test_chapters_come_in_the_order_of_their_numbers_and_in_a_folder_as_in_the_table_of_contents(book):
    for name in (
        "13_verdict",
        "07_ablations/without_teacher",
        "07_ablations/summary",
        "07_ablations/from_scratch",
        "07_ablations/a_readers_own",
        "06_pretraining",
        "08_sentence_tasks",
        "07_ablations/.ipynb_checkpoints/without_teacher",
        "conf",
    ):
        path = book / f"{name}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("")
    assert chapters(book) == [
        "01_claims",
        "06_pretraining",
        "07_ablations/without_teacher",
        "07_ablations/from_scratch",
        "07_ablations/summary",
        "07_ablations/a_readers_own",
        "08_sentence_tasks",
        "13_verdict",
    ]


def test_a_notebook_has_the_scripts_cells_and_tags_and_no_outputs(book):
    notebook = to_notebook(book / "01_claims.py")
    assert [cell.cell_type for cell in notebook.cells] == ["markdown", "code", "code", "code", "code"]
    assert [cell.metadata.get("tags", []) for cell in notebook.cells] == [
        [],
        ["parameters"],
        ["hide-input", "remove-cell"],
        [],
        [],
    ]
    assert notebook.cells[2].source == "%matplotlib inline\nprint(edition)"
    assert all(cell.outputs == [] and cell.execution_count is None for cell in notebook.cells[1:])
    nbformat.validate(notebook)


def test_jupytexts_own_reading_of_a_script_gives_the_same_cells_and_tags(book):
    ours, theirs = to_notebook(book / "01_claims.py"), jupytext.read(book / "01_claims.py")
    assert [(c.cell_type, c.source, c.metadata) for c in ours.cells] == [
        (c.cell_type, c.source, c.metadata) for c in theirs.cells
    ]


def test_a_script_without_a_header_keeps_its_tags_and_gets_a_kernel(book):
    with_header = to_notebook(book / "01_claims.py")
    (book / "01_claims.py").write_text(CELLS)
    assert to_notebook(book / "01_claims.py") == with_header
    assert with_header.metadata.kernelspec.name == "python3"


def test_no_version_of_jupytext_enters_a_notebook(book):
    sync(book)
    assert "jupytext_version" not in (book / "01_claims.ipynb").read_text()


def test_two_cells_with_the_same_source_have_different_ids(book):
    assert len(set(ids(book))) == 5


def test_editing_a_cell_changes_its_id_and_no_other(book):
    before = ids(book)
    (book / "01_claims.py").write_text((HEADER + CELLS).replace("print(edition)", "print(edition.upper())"))
    changed = [a != b for a, b in zip(before, ids(book), strict=True)]
    assert changed == [False, False, True, False, False]


def test_inserting_a_cell_changes_no_other_id(book):
    before = ids(book)
    (book / "01_claims.py").write_text(HEADER + "# %% [markdown]\n# New.\n\n" + CELLS)
    assert ids(book)[1:] == before


def test_sync_writes_what_changed_and_nothing_else(book):
    (book / "02_corpus.py").write_text(HEADER + CELLS)
    assert out_of_date(book) == ["01_claims", "02_corpus"]
    assert sync(book) == [book / "01_claims.ipynb", book / "02_corpus.ipynb"]
    first = (book / "01_claims.ipynb").read_bytes()
    (book / "02_corpus.py").write_text(HEADER + CELLS + "\n# %%\ny = 2\n")
    assert sync(book) == [book / "02_corpus.ipynb"]
    (book / "01_claims.ipynb").unlink()
    assert sync(book) == [book / "01_claims.ipynb"]
    assert (book / "01_claims.ipynb").read_bytes() == first
    assert out_of_date(book) == []


def test_a_notebook_saved_with_outputs_is_out_of_date(book):
    sync(book)
    notebook = nbformat.read(book / "01_claims.ipynb", as_version=4)
    notebook.cells[1].outputs = [nbformat.v4.new_output("stream", text="laptop")]
    nbformat.write(notebook, book / "01_claims.ipynb")
    assert out_of_date(book) == ["01_claims"]


def add_cell(notebook):
    notebook.cells.append(nbformat.v4.new_code_cell("mine = 1"))


def change_cell(notebook):
    notebook.cells[0].source += " And mine."


def drop_cell(notebook):
    del notebook.cells[0]


def tag_cell(notebook):
    notebook.cells[0].metadata["tags"] = ["remove-cell"]


@pytest.mark.parametrize("edit", [add_cell, change_cell, drop_cell, tag_cell])
def test_an_edited_notebook_is_said_and_kept_before_it_is_generated_again(book, edit):
    path = book / "01_claims.ipynb"
    sync(book)
    notebook = nbformat.read(path, as_version=4)
    edit(notebook)
    nbformat.write(notebook, path)
    assert edited(book) == ["01_claims"]
    before, said = path.read_bytes(), []
    sync(book, said.append)
    assert (book / "01_claims.edited.ipynb").read_bytes() == before and "01_claims.edited.ipynb" in said[0]
    assert edited(book) == [] and out_of_date(book) == []
    path.write_text("{broken")
    assert edited(book) == ["01_claims"]
    sync(book, said.append)
    assert (book / "01_claims.edited-2.ipynb").read_text() == "{broken"


def test_a_notebook_generated_from_an_older_script_is_not_taken_for_an_edited_one(book):
    sync(book)
    (book / "01_claims.py").write_text(HEADER + "# %% [markdown]\n# New.\n\n" + CELLS)
    said = []
    assert edited(book) == [] and sync(book, said.append) and said == []
    notebook = nbformat.read(book / "01_claims.ipynb", as_version=4)
    notebook.metadata["language_info"] = {"name": "python"}
    notebook.cells[-1].outputs = [nbformat.v4.new_output("stream", text="laptop")]
    nbformat.write(notebook, book / "01_claims.ipynb")
    assert edited(book) == []


@pytest.mark.parametrize("newer", ["01_claims.py", "01_claims.ipynb"])
def test_jupytexts_sync_changes_nothing_whichever_of_the_pair_is_newer(book, newer):
    sync(book)
    pair = {path: path.read_bytes() for path in (book / "01_claims.py", book / "01_claims.ipynb")}
    for path in pair:
        os.utime(path, (1e9, 1.1e9 if path.name == newer else 1e9))
    subprocess.run([sys.executable, "-m", "jupytext", "--sync", str(book / newer)], check=True, capture_output=True)
    assert {path: path.read_bytes() for path in pair} == pair


def test_every_notebook_of_the_book_equals_its_script(project):
    book = project / "book"
    assert out_of_date(book) == [], "run 'make pairs' and commit the notebooks"
    notebooks = {
        path.relative_to(book).with_suffix("").as_posix()
        for path in book.glob("**/[!.]*.ipynb")
        if ".ipynb_checkpoints" not in path.parts
    }
    assert notebooks <= set(chapters(book)), "a notebook has no script"
