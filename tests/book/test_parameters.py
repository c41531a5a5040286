import shutil

import pytest
from distilbook.book import contents
from distilbook.book.contents import CHAPTERS, check_names, editions
from distilbook.book.notebooks import chapters
from distilbook.book.parameters import check_parameters, edition_values, notebook_values
from distilbook.core.errors import BookError


def all_cases():
    return [(edition, chapter) for edition in editions() for chapter in CHAPTERS]


@pytest.mark.parametrize("edition, chapter", all_cases())
def test_every_edition_gives_every_chapter_a_valid_configuration(edition, chapter):
    assert check_parameters(edition, chapter).edition == edition


def test_the_table_of_chapters_is_the_book(project):
    assert list(CHAPTERS) == sorted(CHAPTERS, key=lambda name: name.split("/")[0])
    assert set(CHAPTERS) == set(chapters(project / "book"))


def test_a_chapter_reads_only_chapters_before_it():
    order = list(CHAPTERS)
    assert all(order.index(read) < order.index(chapter) for chapter, info in CHAPTERS.items() for read in info.reads)


def test_every_file_of_an_edition_belongs_to_a_chapter(project):
    for path in (project / "parameters").rglob("*.yaml"):
        name = path.relative_to(project / "parameters").with_suffix("").as_posix().split("/", 1)[1]
        assert name == "shared" or name in CHAPTERS, path


def test_chapters_that_show_the_same_layers_agree(project):
    """Chapter 04 draws the layers that chapter 06 copies."""
    for edition in editions():
        assert check_parameters(edition, "04_student").layers == check_parameters(edition, "06_pretraining").layers


def test_an_edition_or_a_chapter_that_does_not_exist_is_refused_with_the_nearest():
    with pytest.raises(BookError) as error:
        check_names("laptpo", [])
    assert "there is no edition 'laptpo'" in str(error.value) and "did you mean 'laptop'?" in str(error.value)
    with pytest.raises(BookError) as error:
        check_names("laptop", ["06_pretrainin"])
    assert "did you mean '06_pretraining'?" in str(error.value)


@pytest.fixture
def changed(project, tmp_path, monkeypatch):
    """A project whose smoke edition has one changed file; returns a function that changes it."""
    (tmp_path / "book").symlink_to(project / "book")
    folder = tmp_path / "parameters" / "smoke"
    folder.mkdir(parents=True)
    monkeypatch.setenv("DISTILBOOK_ROOT", str(tmp_path))

    def write(text: str | bytes):
        path = folder / "06_pretraining.yaml"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return check_parameters("smoke", "06_pretraining")

    return write


@pytest.mark.parametrize(
    "text, what",
    [
        ("temprature: 3", "did you mean 'temperature'?"),
        ("steps: many", "a whole number, got 'many'"),
        ("steps: '80'", "a whole number, got '80'"),
        ("temperature: -1", "greater than or equal to 0.01, got -1"),
        ("layers: [2, 0]", "layers in rising order, none twice, none negative"),
        ("- steps", "a parameter file holds a list"),
        ("steps: [1", "a parameter file is no YAML"),
        (b"\xff\xfe\x00", "a parameter file is no YAML"),
    ],
)
def test_a_wrong_parameter_file_is_explained(changed, text, what):
    with pytest.raises(BookError) as error:
        changed(text)
    assert what in str(error.value) and "06_pretraining" in str(error.value)


def test_an_empty_file_changes_nothing(changed):
    values = notebook_values("06_pretraining") | {"edition": "smoke"}
    assert changed("") == contents.CHAPTERS["06_pretraining"].config_class.parse(values, where="x")


@pytest.fixture
def smoke(project_copy):
    """The smoke edition's folder in a copy of the project."""
    return project_copy / "parameters" / "smoke"


@pytest.mark.parametrize(
    "name, nearest",
    [
        ("06_pretraining.yml", "06_pretraining.yaml"),
        ("6_pretraining.yaml", "06_pretraining.yaml"),
        ("Shared.yaml", "shared.yaml"),
        ("choices.yaml", "07_ablations/choices.yaml"),
        ("07_ablations/08_sentence_tasks.yaml", "08_sentence_tasks.yaml"),
        ("06_pretraining.yaml.bak", "06_pretraining.yaml"),
    ],
)
def test_a_file_that_no_chapter_reads_is_refused_with_the_nearest_name(smoke, name, nearest):
    (smoke / name).write_text("steps: 7\n")
    with pytest.raises(BookError) as error:
        edition_values("smoke", "01_claims")
    assert error.value.what == "no chapter reads a file of the edition's parameters"
    assert error.value.where == smoke / name and f"did you mean {nearest!r}?" in error.value.do


def test_a_folder_or_a_broken_link_where_a_file_is_meant_is_refused(smoke):
    (smoke / "13_verdict.yaml").mkdir()
    with pytest.raises(BookError, match="a parameter file is a folder"):
        edition_values("smoke", "01_claims")
    (smoke / "13_verdict.yaml").rmdir()
    (smoke / "13_verdict.yaml").symlink_to("nowhere")
    with pytest.raises(BookError, match="a parameter file is a link that leads nowhere"):
        edition_values("smoke", "01_claims")


def test_what_editors_leave_and_people_read_is_left_alone(smoke):
    for name in (".06_pretraining.yaml.swp", "06_pretraining.yaml~", "#06_pretraining.yaml#", "README.md"):
        (smoke / name).write_text("steps: 7\n")
    assert edition_values("smoke", "06_pretraining")["steps"] == 6


def test_a_copied_folder_is_an_edition_of_its_own(smoke):
    shutil.copytree(smoke, smoke.with_name("mine"))
    with pytest.raises(
        BookError, match="says that it is of edition 'smoke'.*\n.*\n  expected: 'mine'.*\n.*'edition: mine'"
    ):
        check_parameters("mine", "06_pretraining")
    for text in ("edition: mine\n", ""):
        (smoke.with_name("mine") / "shared.yaml").write_text(text)
        assert check_parameters("mine", "06_pretraining").edition == "mine"


def test_what_chapters_share_goes_to_those_that_have_it_and_is_refused_if_none_has(smoke):
    (smoke / "shared.yaml").write_text("seeds: [5]\n")
    assert check_parameters("smoke", "06_pretraining").seeds == (5,)
    assert "seeds" not in edition_values("smoke", "05_triple_loss")
    (smoke / "shared.yaml").write_text("sead: [5]\n")
    with pytest.raises(BookError, match="no chapter has a parameter 'sead'.*\n.*\n  do: did you mean 'seed'"):
        check_parameters("smoke", "06_pretraining")


def test_a_folder_that_is_called_as_no_edition_may_be_is_refused(smoke):
    smoke.rename(smoke.with_name("Smoke 2"))
    with pytest.raises(BookError, match="parameter 'edition' cannot be used"):
        editions()


@pytest.mark.parametrize(
    "line", ["import os", "steps = steps + 1", "print(3)", "a, b = 1, 2", "x: int", "a = (", "a.b = 3"]
)
def test_a_parameters_cell_with_anything_but_values_is_explained(project_copy, line):
    script = project_copy / "book" / "05_triple_loss.py"
    script.write_text(script.read_text().replace("seed: int = 0", line, 1))
    with pytest.raises(BookError, match="the parameters cell holds something else than plain values"):
        notebook_values("05_triple_loss")
