"""Tokenizer of a model's folder, loaded from ``tokenizer.json`` and never by a class's defaults.

``transformers`` fills in what ``tokenizer_config.json`` leaves out: without that file, text for a cased vocabulary is
lower-cased. Here the other files only give the names of the special tokens.
"""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import tokenizers

from ..core.config import BookError
from ..core.files import write_json
from .family import SPECIAL, Family
from .stored import listed, read_object

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

FILE, CONFIG, NAMES = "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json"
#: Parts of ``tokenizer.json`` that decide the token ids.
PIPELINE = ("normalizer", "pre_tokenizer", "model", "post_processor")
#: Settings of ``tokenizer_config.json``, and the normaliser's in ``tokenizer.json`` that they repeat.
REPEATED = {
    "do_lower_case": "lowercase",
    "strip_accents": "strip_accents",
    "tokenize_chinese_chars": "handle_chinese_chars",
}
OWN_FILE = "put the model's own tokenizer.json into the folder"


class StoredTokenizer:
    """The tokenizer in a model's ``folder``, checked for consistency.

    Attributes:
        special: the special tokens by transformers' name: ``mask_token``, …
        vocabulary: token ids by token.

    Raises:
        BookError: for a damaged file, a vocabulary that is empty, has a duplicate id or lacks a special token,
            contradictory settings, or special tokens in other places than the family's.
    """

    def __init__(self, folder: Path, family: Family):
        self.folder, self.family = folder, family
        #: The family's names of the special tokens, for those that the folder does not name.
        self._usual = dict(zip(SPECIAL, family.special, strict=True))
        if not (folder / FILE).is_file():
            raise BookError(
                f"a model's folder has no {FILE}",
                where=folder,
                expected=f"the file {FILE} of a fast tokenizer",
                do="write it there: AutoTokenizer.from_pretrained(<the model>).save_pretrained(<the folder>)",
            )
        self.facts = read_object(folder / FILE)
        self.said: dict[str, Any] = {}
        for name in (NAMES, CONFIG):
            self.said |= read_object(folder / name) if (folder / name).is_file() else {}
        try:
            self.backend = tokenizers.Tokenizer.from_str(json.dumps(self.facts))
        except Exception as error:  # the library raises no narrower class
            raise self._refused(f"{FILE} holds no tokenizer ({error})", "a fast tokenizer's file", OWN_FILE) from None
        self.backend.no_truncation()
        self.backend.no_padding()
        self.vocabulary: dict[str, int] = self.backend.get_vocab()
        self.special = {name: self._special(name, usual) for name, usual in self._usual.items()}
        self._check_vocabulary()
        self._check_normaliser()
        self._check_special_places()

    @property
    def numbers(self) -> int:
        """The greatest token id plus one: the least number of embeddings that a model needs."""
        return max(self.vocabulary.values()) + 1

    @property
    def pad_id(self) -> int:
        return self.vocabulary[self.special["pad_token"]]

    def _special(self, name: str, usual: str) -> str:
        """Return a special token's name; "" where the settings have null."""
        given = self.said.get(name, usual)
        given = given.get("content") if isinstance(given, dict) else given
        return given if isinstance(given, str) else ""

    def _check_vocabulary(self) -> None:
        missing = [name or self._usual[key] for key, name in self.special.items() if name not in self.vocabulary]
        if missing or len(self.vocabulary) <= len(self._special_tokens()):
            what = f"the tokenizer has {len(self.vocabulary)} tokens and lacks {missing or 'every ordinary one'}"
            expected = f"a vocabulary with {', '.join(self.family.special)}, or its own names for them in {CONFIG}"
            raise self._refused(what, expected, OWN_FILE)
        if unknown := [name for name in self._named_special() if name not in self.vocabulary]:
            raise self._refused(
                f"{CONFIG} adds tokens that {FILE} does not have: {listed(unknown)}",
                f"every token in {FILE}",
                "write the tokenizer anew: AutoTokenizer.from_pretrained(<the model>).save_pretrained(<the folder>)",
            )
        for counted, what in (
            (Counter(self.vocabulary.values()), "several tokens have the id"),
            (Counter(self.special.values()), "several special tokens are called"),
        ):
            if twice := [one for one, times in counted.items() if times > 1]:
                raise self._refused(f"{what} {twice[0]}", "each once", OWN_FILE)

    def _check_normaliser(self) -> None:
        normaliser = self.facts.get("normalizer") or {}
        for name, ours in REPEATED.items():
            said, does = self.said.get(name), normaliser.get(ours)
            if None not in (said, does) and said != does:
                what = f"{CONFIG} says {name}: {json.dumps(said)}, and {FILE} {ours}: {json.dumps(does)}"
                raise self._refused(what, "equal settings", "correct the wrong one; most models' own files agree")

    def _check_special_places(self) -> None:
        """Refuse a tokenizer that does not build the family's sequences: for a BERT ``[CLS] a [SEP] b [SEP]``."""
        cls, sep = (self.vocabulary[self.special[name]] for name in ("cls_token", "sep_token"))
        try:
            first, second = (self.backend.encode(text, add_special_tokens=False).ids for text in ("a", "b c"))
            single, pair = self.backend.encode("a"), self.backend.encode("a", "b c")
        except Exception as error:  # as above
            raise self._refused(f"the tokenizer cuts no text ({error})", "tokens", OWN_FILE) from None
        begun = [cls, *first, sep]
        again = [sep] * (self.family.separators - 1)
        wrong = (single.ids, pair.ids) != (begun, [*begun, *again, *second, sep])
        types = [0] * len(begun) + [1] * (len(second) + 1)
        if wrong or self.family.has_token_types and pair.type_ids != types:
            name, between = self.special, " ".join([self.special["sep_token"]] * self.family.separators)
            raise self._refused(
                f"the tokenizer does not put {name['cls_token']} and {name['sep_token']} around sentences and pairs as "
                f"that of {self.family.title} does: it makes {' '.join(pair.tokens)} of a pair",
                f"{name['cls_token']} first {between} second {name['sep_token']}"
                + (", the second sentence with token type 1" if self.family.has_token_types else ""),
                OWN_FILE,
            )

    def _special_tokens(self) -> list[str]:
        """Return every special token of the vocabulary, the five first."""
        added = [one["content"] for one in self.facts.get("added_tokens") or () if one.get("special")]
        return list(dict.fromkeys([*self.special.values(), *added, *self._named_special()]))

    def _named_special(self) -> list[str]:
        """Return the further special tokens that the settings name."""
        lists = [self.said.get(name) for name in ("additional_special_tokens", "extra_special_tokens")]
        decoder = self.said.get("added_tokens_decoder")
        entries = [one for some in lists if isinstance(some, list) for one in some]
        if isinstance(decoder, dict):
            entries += [one for one in decoder.values() if isinstance(one, dict) and one.get("special")]
        return [str(one.get("content") if isinstance(one, dict) else one) for one in entries]

    def load(self, positions: int) -> PreTrainedTokenizerFast:
        """Return the tokenizer of ``transformers`` for a model with these ``positions``.

        Raises:
            BookError: when it tokenises differently from the file.
        """
        from transformers import PreTrainedTokenizerFast

        before = self.backend.to_str()
        further = self._special_tokens()[len(SPECIAL) :]
        loaded = PreTrainedTokenizerFast(
            tokenizer_object=self.backend,
            model_max_length=positions,
            model_input_names=list(self.family.inputs),
            **self.special,
            **({"additional_special_tokens": further} if further else {}),
        )
        if other := differences(before, loaded.backend_tokenizer.to_str()):
            do = "write the file anew with the pinned transformers and tokenizers"
            raise self._refused(f"transformers changes the tokenizer's {listed(other)}", f"what {FILE} says", do)
        return loaded

    def _refused(self, what: str, expected: str, do: str) -> BookError:
        return BookError(what, where=self.folder, expected=expected, do=do)


def differences(one: str, other: str) -> list[str]:
    """Return the parts of :data:`PIPELINE` in which two tokenizers, given as JSON, differ."""
    ours, theirs = json.loads(one), json.loads(other)
    return [part for part in PIPELINE if ours[part] != theirs[part]]


def save_tokenizer(tokenizer: PreTrainedTokenizerFast, folder: Path) -> None:
    """Write ``tokenizer`` into ``folder`` so that every version of transformers loads it from ``tokenizer.json``."""
    tokenizer.save_pretrained(folder)
    settings = read_object(folder / CONFIG)
    write_json(folder / CONFIG, settings | {"tokenizer_class": "PreTrainedTokenizerFast"})
