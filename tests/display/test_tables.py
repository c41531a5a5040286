from distilbook.display.tables import say, show_source, table
from distilbook.recipe import changes_of


def test_numbers_read_well_and_gaps_stay_empty():
    html = table([{"name": "a", "n": 109482240, "share": 0.12345}, {"name": "b", "n": 2, "share": None}]).to_html()
    assert "109,482,240" in html and "0.1235" in html
    assert "nan" not in html.lower() and "None" not in html


def test_whole_numbers_stay_whole_beside_a_gap():
    assert ">3,800<" in table([{"n": 3800}, {"n": None}]).to_html()


def test_words_stand_on_the_left():
    html = table([{"name": "a", "n": 1}]).to_html()
    assert "text-align: left" in html


def test_source_is_shown_under_its_own_name_as_it_stands_in_the_library():
    import inspect

    text = show_source(changes_of).data
    assert "distilbook.recipe.changes_of" in text and inspect.getsource(changes_of).rstrip() in text


def test_a_sentence_is_markdown():
    assert say("**x**").data == "**x**"
