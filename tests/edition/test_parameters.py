import pytest

from distilbook.config import BookError
from distilbook.edition import contents
from distilbook.edition.contents import CHAPTERS, check_names, editions
from distilbook.edition.pairs import chapters
from distilbook.edition.parameters import check_parameters, notebook_values, read_yaml


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
        ("steps: many", "Input should be a valid integer, unable to parse string as an integer, got 'many'"),
        ("temperature: -1", "Input should be greater than 0, got -1"),
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


def test_yaml_is_read_as_it_stands(tmp_path):
    (tmp_path / "a.yaml").write_text("steps: 3\nlayers: [0, 1]\n")
    assert read_yaml(tmp_path / "a.yaml") == {"steps": 3, "layers": [0, 1]}
