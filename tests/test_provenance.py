from distilbook import provenance


def test_the_code_of_a_result_is_what_it_imports_and_nothing_else(tmp_path, monkeypatch):
    """A change in a figure leaves the loss's hash, a change in masking changes it."""
    import importlib.util

    find_spec = importlib.util.find_spec

    def hash_after_changing(module):
        source = find_spec(module).origin
        changed = tmp_path / "changed.py"
        changed.write_bytes(open(source, "rb").read() + b"\n# changed\n")

        def spec(name):
            found = find_spec(name)
            if name == module:
                found.origin = str(changed)
            return found

        monkeypatch.setattr(importlib.util, "find_spec", spec)
        provenance.code_hash.cache_clear()
        made = provenance.code_hash("distilbook.training.pretrain")
        monkeypatch.setattr(importlib.util, "find_spec", find_spec)
        provenance.code_hash.cache_clear()
        return made

    before = provenance.code_hash("distilbook.training.pretrain")
    assert before == hash_after_changing("distilbook.display.figures") == hash_after_changing("distilbook.records")
    assert before != hash_after_changing("distilbook.data.masking") and before != hash_after_changing("distilbook.loss")


def test_a_record_names_processor_cores_and_versions():
    facts = provenance.hardware()
    assert facts["processor"] and facts["cores"] >= 1 and isinstance(facts["accelerator"], str)
    assert provenance.versions()["torch"]
