from importlinter.cli import EXIT_STATUS_SUCCESS, lint_imports


def test_modules_import_only_from_the_layers_below_them(project, monkeypatch):
    monkeypatch.chdir(project)
    assert lint_imports(no_cache=True) == EXIT_STATUS_SUCCESS


def test_every_module_of_the_library_has_a_place_in_the_order(project):
    import tomllib

    layers = tomllib.loads((project / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"][0]["layers"]
    placed = {layer.removeprefix("distilbook.") for layer in layers}
    modules = {p.stem for p in (project / "lib" / "distilbook").iterdir() if p.name[0] not in "_."}
    assert modules == placed


def test_no_chapter_is_named_below_the_layer_of_the_book(project):
    """What a chapter reads and makes is the book's to say: the layers below serve any chapter."""
    import ast
    import re

    above = {"book", "runner", "site"}
    named = [
        f"{path.relative_to(project)}:{node.lineno}"
        for package in (project / "lib" / "distilbook").iterdir()
        if package.is_dir() and package.name not in above
        for path in package.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
        if re.search(r"\b(0[1-9]|1[0-3])_[a-z]", node.value)
    ]
    assert named == []
