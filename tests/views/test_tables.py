from distilbook.distillation.recipe import changes_of
from distilbook.views.style import say, show_source, table


def test_numbers_read_well_and_gaps_stay_empty():
    rows = [{"name": "a", "n": 109482240, "share": 0.12345}, {"name": "b", "n": 2, "share": None}]
    html = table(rows).content["html"]
    assert "109,482,240" in html and "0.1235" in html
    assert "nan" not in html.lower() and "None" not in html


def test_whole_numbers_stay_whole_beside_a_gap():
    assert ">3,800<" in table([{"n": 3800}, {"n": None}]).content["html"]


def test_words_stand_on_the_left():
    html = table([{"name": "a", "n": 1}]).content["html"]
    assert "text-align: left" in html


def test_source_is_shown_under_its_own_name_as_it_stands_in_the_library():
    import inspect

    text = show_source(changes_of).content["markdown"]
    assert "distilbook.distillation.recipe.changes_of" in text and inspect.getsource(changes_of).rstrip() in text


def test_a_sentence_is_text_and_several_are_a_list():
    assert "<p>**x** &lt;b&gt;</p>" in say("**x** <b>").content["html"]
    assert "<ul><li>a</li><li>b</li></ul>" in say(["a", "b"]).content["html"]
    assert "<li><strong>The &amp;.</strong> b</li>" in say({"The &": "b"}).content["html"]


def test_what_looks_like_an_address_or_a_file_is_a_sentence_too(tmp_path, monkeypatch):
    (tmp_path / "a").write_text("content")
    monkeypatch.chdir(tmp_path)
    for text in ("http://localhost/x", "a"):
        assert repr(say(text)) == text and f"<p>{text}</p>" in say(text).content["html"]
