"""Text is cut as tokenizer.json says, whatever lies beside it, or the folder is refused."""

import json
import shutil

import pytest
import tokenizers
from distilbook.core.config import BookError
from distilbook.models.loading import load_tokenizer, tokenizer_as_others_load_it
from distilbook.models.tokenizer import PIPELINE, save_tokenizer
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from model_folders import changed
from tokenizers import normalizers

FILE, SETTINGS = "tokenizer.json", "tokenizer_config.json"
CASED = {
    "type": "BertNormalizer",
    "clean_text": True,
    "handle_chinese_chars": True,
    "strip_accents": False,
    "lowercase": False,
}


def facts(folder):
    return json.loads((folder / FILE).read_text())


def with_pieces(folder, *pieces):
    """Add tokens to the vocabulary, in the place of the last ones."""
    model = facts(folder)["model"]
    last = sorted(model["vocab"], key=model["vocab"].get)[-len(pieces) :]
    for old, new in zip(last, pieces, strict=True):
        model["vocab"][new] = model["vocab"].pop(old)
    changed(folder, FILE, model=model)


def without_settings(folder):
    (folder / SETTINGS).unlink()


def with_empty_settings(folder):
    (folder / SETTINGS).write_text("{}")


def with_other_class(folder):
    (folder / SETTINGS).write_text('{"tokenizer_class": "BertTokenizer"}')


@pytest.fixture
def cased(model):
    """A model whose vocabulary tells Ä, É, a and A apart."""
    changed(model, FILE, normalizer=CASED)
    changed(model, SETTINGS, do_lower_case=False)
    with_pieces(model, "Äpfel", "Éclair", "River", "ist")
    return model


@pytest.mark.parametrize("change", [lambda f: None, without_settings, with_empty_settings, with_other_class])
def test_a_cased_vocabulary_stays_cased_whatever_else_is_said(cased, change):
    change(cased)
    tokenizer = load_tokenizer(cased)
    assert tokenizer.tokenize("Äpfel Éclair River ist") == ["Äpfel", "Éclair", "River", "ist"]
    assert tokenizer.tokenize("river")[0] != "River"


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(text=st.text(max_size=30))
def test_every_text_is_cut_as_the_file_says(cased, text):
    own = tokenizers.Tokenizer.from_file(str(cased / FILE))
    without_settings(cased) if (cased / SETTINGS).exists() else None
    assert load_tokenizer(cased)(text)["input_ids"] == own.encode(text).ids


@pytest.mark.parametrize(
    "normaliser",
    [
        normalizers.BertNormalizer(lowercase=True, strip_accents=False),
        normalizers.BertNormalizer(lowercase=False, handle_chinese_chars=False),
        normalizers.Sequence([normalizers.NFC(), normalizers.Lowercase()]),
        normalizers.NFKC(),
    ],
)
def test_what_is_loaded_and_saved_again_equals_the_file(model, tmp_path, normaliser):
    own = tokenizers.Tokenizer.from_file(str(model / FILE))
    own.normalizer = normaliser
    own.save(str(model / FILE))
    without_settings(model)
    loaded = load_tokenizer(model)
    saved = shutil.copytree(model, tmp_path / "saved")
    save_tokenizer(loaded, saved)
    for one in (loaded, load_tokenizer(saved), tokenizer_as_others_load_it(saved)):
        made = json.loads(one.backend_tokenizer.to_str())
        assert all(made[part] == json.loads(own.to_str())[part] for part in PIPELINE)


def test_what_cuts_a_text_short_in_the_file_does_not_cut_ours(model):
    changed(model, FILE, truncation={"direction": "Right", "max_length": 4, "strategy": "LongestFirst", "stride": 0})
    assert len(load_tokenizer(model)("the river crosses the valley in spring")["input_ids"]) > 7


def test_a_tokenizer_takes_as_many_tokens_as_the_model_has_positions(model):
    changed(model, SETTINGS, model_max_length=10**30)
    assert load_tokenizer(model).model_max_length == 64


def test_further_special_tokens_are_special(model):
    added = facts(model)["added_tokens"] + [facts(model)["added_tokens"][0] | {"id": 161, "content": "extra"}]
    with_named = facts(model)["model"]
    old = next(piece for piece, number in with_named["vocab"].items() if number == 161)
    with_named["vocab"]["extra"] = with_named["vocab"].pop(old)
    changed(model, FILE, added_tokens=added, model=with_named)
    assert 161 in load_tokenizer(model).all_special_ids


def renamed_mask(folder):
    made = facts(folder)
    text = json.dumps(made).replace("[MASK]", "<mask>")
    (folder / FILE).write_text(text)


def test_the_folders_own_name_of_a_special_token_counts(model):
    renamed_mask(model)
    changed(model, SETTINGS, mask_token="<mask>")
    assert load_tokenizer(model).mask_token == "<mask>" and load_tokenizer(model).mask_token_id == 4


def drop(name):
    def change(folder):
        made = facts(folder)
        made["model"]["vocab"].pop(name)
        made["added_tokens"] = [one for one in made["added_tokens"] if one["content"] != name]
        (folder / FILE).write_text(json.dumps(made))

    return change


def twice(folder):
    made = facts(folder)["model"]
    made["vocab"]["another"] = made["vocab"]["##s"]
    changed(folder, FILE, model=made)


DAMAGES = {
    "none": (lambda f: (f / FILE).unlink(), "no tokenizer.json"),
    "empty": (lambda f: (f / FILE).write_text(""), "damaged"),
    "an empty object": (lambda f: (f / FILE).write_text("{}"), "holds no tokenizer"),
    "a list": (lambda f: (f / FILE).write_text("[]"), "JSON list"),
    "cut off": (lambda f: (f / FILE).write_bytes((f / FILE).read_bytes()[:900]), "damaged"),
    "settings cut off": (lambda f: (f / SETTINGS).write_text("{"), "damaged"),
    "a pointer as settings": (lambda f: (f / SETTINGS).write_text("version https://git-lfs\n"), "git lfs pull"),
    "no padding": (drop("[PAD]"), r"lacks \['\[PAD\]'\]"),
    "no mask": (drop("[MASK]"), r"lacks \['\[MASK\]'\]"),
    "no start": (drop("[CLS]"), "CLS"),
    "no end": (drop("[SEP]"), "SEP"),
    "none unknown": (drop("[UNK]"), "UNK"),
    "padding taken back": (lambda f: changed(f, SETTINGS, pad_token=None), r"lacks \['\[PAD\]'\]"),
    "another name for the mask": (renamed_mask, r"lacks \['\[MASK\]'\]"),
    "a mask that is not there": (lambda f: changed(f, SETTINGS, mask_token="<mask>"), "lacks \\['<mask>'\\]"),
    "one piece for two ends": (lambda f: changed(f, SETTINGS, pad_token="[SEP]"), r"called \[SEP\]"),
    "a number twice": (twice, "several tokens have the id"),
    "no special ones around": (lambda f: changed(f, FILE, post_processor=None), "does not put"),
    "a token outside the vocabulary": (
        lambda f: changed(f, SETTINGS, additional_special_tokens=["<new>"]),
        "adds tokens that tokenizer.json does not have: <new>",
    ),
    "one added to it elsewhere": (
        lambda f: changed(f, SETTINGS, added_tokens_decoder={"219": {"content": "<new>", "special": True}}),
        "does not have: <new>",
    ),
    "one statement against another": (lambda f: changed(f, SETTINGS, do_lower_case=False), "do_lower_case: false"),
    "accents": (
        lambda f: changed(f, FILE, normalizer=CASED) or changed(f, SETTINGS, do_lower_case=False, strip_accents=True),
        "strip_accents: true",
    ),
    "code": (lambda f: changed(f, SETTINGS, auto_map={"AutoTokenizer": ["mine.T", None]}), "asks to run code"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_tokenizer_is_refused_in_one_clear_sentence(model, damage):
    do, words = DAMAGES[damage]
    do(model)
    with pytest.raises(BookError, match=words) as error:
        load_tokenizer(model)
    assert str(model) in str(error.value)
