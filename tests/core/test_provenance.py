from distilbook.core import machine, provenance


def test_a_record_names_processor_cores_and_versions():
    facts = machine.hardware()
    assert facts["processor"] and facts["cores"] >= 1 and isinstance(facts["accelerator"], str)
    assert provenance.versions()["torch"]


def test_a_chapter_that_shows_source_sees_every_byte_of_what_it_imports():
    shown = provenance.module_hashes("distilbook.claims")
    assert "distilbook.claims.verdict" in shown and "distilbook.core.records" in shown
    assert "distilbook.distillation.losses" not in shown and "distilbook.views" not in shown
