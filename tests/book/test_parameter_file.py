"""Parameter files: every value means one thing, or is refused with its line."""

import pytest
from distilbook.book.parameters import read_parameters
from distilbook.core.errors import BookError


@pytest.fixture
def read(tmp_path):
    """Return what reads a text, or bytes, as a parameter file."""

    def reading(content: str | bytes) -> dict:
        path = tmp_path / "06_pretraining.yaml"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return read_parameters(path)

    return reading


@pytest.mark.parametrize(
    "written, value",
    [
        ("3", 3),
        ("-3", -3),
        ("5e-4", 0.0005),
        ("2.0E-5", 2e-5),
        (".5", 0.5),
        ("null", None),
        ("true", True),
        ("full", "full"),
        ("20231101.en", "20231101.en"),
        ("'yes'", "yes"),
        ('"010"', "010"),
        ("hub:nyu-mll/glue", "hub:nyu-mll/glue"),
        ("[1, {name: a, steps: all}]", [1, {"name": "a", "steps": "all"}]),
    ],
)
def test_what_all_readers_agree_on_is_read(read, written, value):
    found = read(f"a: {written}  # remark\n")["a"]
    assert found == value and type(found) is type(value)


@pytest.mark.parametrize(
    "written",
    [
        "yes",
        "No",
        "ON",
        "off",
        "y",
        "N",
        "010",
        "08",
        "00",
        "1_000",
        "1,000",
        "0x1f",
        "0o17",
        "0b1",
        "1:30",
        "190:20:30",
        "2023-01-02",
        ".inf",
        "-.INF",
        ".nan",
        "nan",
        "=",
        "<<",
    ],
)
def test_what_two_readers_read_in_two_ways_is_refused_and_taken_in_quotes(read, written):
    with pytest.raises(BookError) as error:
        read(f"# remark\na: {written}\n")
    assert error.value.what.startswith(repr(written)) and ", line 2: " in str(error.value.where)
    assert read(f"a: '{written}'\n") == {"a": written}


@pytest.mark.parametrize(
    "text, what",
    [
        ("a: 1\na: 2\n", "'a' twice in a parameter file"),
        ("rows:\n  - {a: 1, a: 1}\n", "'a' twice in a parameter file"),
        ("a: &x [1]\nb: *x\n", "a reference (& or *) in a parameter file"),
        ("a: !!python/object/apply:os.getcwd []\n", "a tag, 'tag:yaml.org,2002:python/object/apply:os.getcwd'"),
        ("a: !!str 3\n", "a tag, 'tag:yaml.org,2002:str'"),
        ("a: 1\n---\na: 2\n", "a second document in a parameter file"),
        ("1: 2\n", "1 as a name in a parameter file"),
        ("- a\n", "a parameter file holds a list"),
        ("steps\n", "a parameter file holds a str"),
        ("\ta: 1\n", "a parameter file is no YAML"),
        ("a: " + "[" * 5000, "a parameter file is no YAML"),
        ("a: " + "9" * 5000, "'99999"),
        ("a: 1\n".encode("utf-16"), "a parameter file is no YAML"),
        ("a: 1\n".encode("utf-16-be"), "a parameter file is no YAML"),
        ("a: \xe4\n".encode("latin-1"), "a parameter file is no YAML"),
        (b"\x1f\x8b\x08\x00\x00", "a parameter file is no YAML"),
    ],
)
def test_what_is_no_plain_file_of_values_is_refused(read, text, what):
    with pytest.raises(BookError) as error:
        read(text)
    assert error.value.what.startswith(what) and "06_pretraining.yaml" in str(error.value.where)


def test_an_empty_file_and_a_mark_of_byte_order_change_nothing(read):
    assert read("") == read("# a remark\n") == read("---\n") == {}
    assert read("\ufeffsteps: 3\r\n") == {"steps": 3}
