"""Templates of sentences hold no numbers; each gap names the notation of the quantity that fills it."""

import importlib
import pkgutil
import re
from string import Formatter

import pytest
from distilbook import views
from distilbook.stats.intervals import Interval
from distilbook.views.templates import KINDS, Template

TEMPLATES = {
    f"{module.name}.{name}": value
    for module in pkgutil.iter_modules(views.__path__)
    for name, value in vars(importlib.import_module(f"distilbook.views.{module.name}")).items()
    if isinstance(value, Template)
}


@pytest.mark.parametrize("name", TEMPLATES)
def test_no_number_is_typed_in_a_template(name):
    assert not re.search(r"\d", TEMPLATES[name])


@pytest.mark.parametrize("name", TEMPLATES)
def test_every_gap_of_a_template_is_of_a_known_kind(name):
    kinds = {kind for _, gap, kind, _ in Formatter().parse(TEMPLATES[name]) if gap and kind}
    assert all(kind in KINDS or kind.startswith("count of ") for kind in kinds)


def test_every_kind_of_quantity_is_used():
    used = {kind for one in TEMPLATES.values() for _, _, kind, _ in Formatter().parse(one)}
    assert used >= KINDS.keys()


def test_a_quantity_is_written_in_the_notation_of_its_gap():
    template = Template("{recipe:capitalised}: {change:interval in points} ({seeds:count of seed}, {share:percent}).")
    change = Interval(0.15, 0.1, 0.2, 900, 0.95)
    assert template.filled(recipe="without cosine loss", change=change, seeds=1500, share=0.256) == (
        "Without cosine loss: 15.0 [10.0 to 20.0] points (1,500 seeds, 25.6%)."
    )


def test_what_looks_like_a_gap_in_a_value_is_text():
    assert Template("{first:quoted}").filled(first=["{second}", "{0:x}"]) == "‘{second}’, ‘{0:x}’"


@pytest.mark.parametrize("template", ["{n:unheard of}", "{other}"])
def test_a_gap_without_its_quantity_or_its_notation_is_refused(template):
    with pytest.raises(KeyError):
        Template(template).filled(n=1)
