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
