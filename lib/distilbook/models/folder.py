"""Consistency checks of a model's folder: configuration, stored weights and tokenizer.

A network whose files contradict each other still runs, and gives other numbers. So everything that ``transformers``
would fill in or drop is refused here, from headers and small files alone, before anything is loaded.
"""

from __future__ import annotations

import functools
from collections.abc import Collection
from pathlib import Path
from typing import Any

from ..core.config import BookError, short_hash
from ..core.files import sha256
from .family import Head, Shapes, families, family_of, known_families
from .stored import CONFIG, Stored, check_there, listed, read_object, stored_tensors, weight_files
from .tokenizer import OWN_FILE, StoredTokenizer

OWN_CONFIG = "put the model's own config.json into the folder"
#: Buffers that older versions of transformers saved: numbers that follow from the shapes.
BUFFERS = ("embeddings.position_ids", "embeddings.token_type_ids")
#: Activations that all families compute alike.
GELU = ("gelu", "gelu_new", "gelu_fast", "gelu_python", "gelu_pytorch_tanh", "quick_gelu")
ACTIVATIONS = (*GELU, "relu", "silu", "tanh")
#: Settings that change what a network computes, and their only supported value.
ONLY = {
    "position_embedding_type": "absolute",
    "is_decoder": False,
    "add_cross_attention": False,
    "is_encoder_decoder": False,
    "tie_word_embeddings": True,
    "quantization_config": None,
    "pruned_heads": {},
    "transformers_weights": None,  # another file than model.safetensors
}
#: LayerNorm's epsilon where a configuration does not give it.
LAYER_NORM_EPS = 1e-12
#: Supported number types of stored weights.
NUMBERS = ("F16", "BF16", "F32", "F64")
#: Prefixes that wrappers of a model add to parameter names.
WRAPPERS = {"module.": "torch's DataParallel", "_orig_mod.": "torch.compile", "model.": "Lightning"}
#: Type, layers and width of the paper's models.
PAPER_KINDS = {("bert", 12, 768): "bert-base", ("distilbert", 6, 768): "distilbert"}


def look_at(folder: Path, published: Collection[str] = ()) -> ModelFolder:
    """Return the :class:`ModelFolder` of ``folder``, from a cache while its files stay as they are."""
    files = [entry for entry in folder.glob("*") if entry.exists()]
    state = [(entry.name, stat.st_mtime_ns, stat.st_size, stat.st_ino) for entry in files for stat in [entry.stat()]]
    return _looked_at(folder, frozenset(state), frozenset(published))


@functools.lru_cache(maxsize=64)
def _looked_at(folder: Path, state: frozenset, published: frozenset[str]) -> ModelFolder:
    return ModelFolder(folder, published)


def check_teacher(folder: Path, new_head: bool) -> None:
    """Refuse a model that is no teacher, from its files alone.

    Args:
        new_head: accept a model without a masked-LM head, for which one will be fitted.

    Raises:
        BookError: for a family without students, layers that a student cannot hold, or missing weights.
    """
    found = look_at(folder)
    teachers = [family for family in families().values() if family.student]
    if found.family not in teachers:
        raise BookError(
            f"the teacher is {found.family.title}",
            where=folder,
            expected=f"a model_type of {' or '.join(family.model_type for family in teachers)}",
            do=f"give {' or '.join(family.title for family in teachers)}",
        )
    student = families()[str(found.family.student)]
    said, fixed = found.config.get("layer_norm_eps", LAYER_NORM_EPS), student.layer_norm_eps
    if fixed not in (None, said):
        raise BookError(
            f"{CONFIG} says layer_norm_eps: {said!r}",
            where=folder,
            expected=f"{fixed!r}, as in every {student.title.split()[-1]}: a copied layer would compute something else",
            do=f"give {found.family.title} whose layers {student.title} can hold",
        )
    missing = found.lacks("masked_lm")
    headless = not any(name.startswith(found.family.head["head_dense"]) for name in found.tensors)
    if missing and not (new_head and headless):
        raise BookError(
            f"{len(missing)} of the teacher's weights were not loaded: {listed(missing)}",
            where=folder,
            expected=f"every weight of {found.family.title} with a masked-LM head",
            do="fit one: set steps above 0 in chapter 03" if headless else "supply the whole model, as safetensors",
        )


def model_kind(folder: Path) -> str:
    """Return ``bert-base`` or ``distilbert`` for a model of these dimensions, else its type and dimensions."""
    found = look_at(folder)
    dimensions = (found.family.model_type, found.size["layers"], found.size["width"])
    return PAPER_KINDS.get(dimensions, "{} {} x {}".format(*dimensions))


class ModelFolder:
    """A complete model's folder, of a known family.

    Attributes:
        config: content of ``config.json``.
        size: dimensions by this book's names: ``layers``, ``width``, ``positions``, ``vocabulary``, …
        files: the files of the weights.
        tensors: stored weights by name, without the family's ``prefix``.

    Args:
        published: names of further files of the model that were not fetched.

    Raises:
        BookError: for a file that is missing, damaged, a Git LFS pointer or a pickle (loading one runs code), code
            that comes with the model, an unknown family, an unsupported setting, or a configuration that the weights
            or the tokenizer do not match.
    """

    def __init__(self, path: Path, published: Collection[str] = ()):
        self.path = path
        check_there(path)
        self.config = read_object(path / CONFIG)
        self._check_family()
        self.family = family_of(self.config)
        self.size = {name: self._dimension(key) for name, key in self.family.dimensions.items()}
        self.pad_id = self._padding()
        self.size["positions"] -= self.family.first_position(self.pad_id)
        self._check_settings()
        self.files = weight_files(path, published)
        self.tensors = self._named(stored_tensors(self.files))
        self._check_tensors()
        self._check_vocabulary()

    @functools.cached_property
    def tokenizer(self) -> StoredTokenizer:
        return StoredTokenizer(self.path, self.family)

    def lacks(self, head: Head) -> list[str]:
        """Return the parameters of the ``head`` that are not stored."""
        return [name for name in self.family.head_shapes(head, self.size) if name not in self.tensors]

    @functools.cached_property
    def fingerprint(self) -> str:
        """A short hash of weights, configuration and tokenizer."""
        names = [path.name for path in self.files]
        content = [[name, sha256(self.path / name)] for name in [*names, CONFIG, "tokenizer.json"]]
        return short_hash([content, self.tokenizer.special])

    def _check_family(self) -> None:
        code = self.config.get("auto_map") or self.config.get("trust_remote_code")
        if code or _optional(self.path / "tokenizer_config.json").get("auto_map"):
            what, do = "the model's folder asks to run code that comes with it (auto_map)", "give another model"
            raise self._refused(what, f"{known_families()}, whose code is part of transformers", do)
        if not isinstance(self.config.get("model_type"), str):
            known = f"a model_type that this book knows: {', '.join(families())}"
            raise self._refused(f"{CONFIG} does not name the model_type", known, OWN_CONFIG)
        try:
            family_of(self.config)
        except BookError as error:
            raise self._refused(error.what, str(error.expected), str(error.do)) from None
        if (self.path / "adapter_config.json").exists():
            what = "the model's folder holds an adapter (adapter_config.json), which some installations would load"
            do = "join both with peft (merge_and_unload) and write them with save_pretrained, or remove the adapter"
            raise self._refused(what, "the whole model", do)

    def _dimension(self, key: str) -> int:
        number = self.config.get(key)
        if type(number) is not int or number < 1:
            what = f"{CONFIG} does not say {key}" if number is None else f"{CONFIG} says {key}: {number!r}"
            raise self._refused(what, "a whole number from 1", OWN_CONFIG)
        return number

    def _padding(self) -> int | None:
        """Return the padding token's id; None, for no padding token, where positions are not counted from it."""
        said = self.config.get("pad_token_id", self.family.pad_id)
        if said is None and not self.family.positions_after_padding:
            return None
        if type(said) is not int or said < 0:
            raise self._refused(f"{CONFIG} says pad_token_id: {said!r}", "a token's id, a whole number", OWN_CONFIG)
        first = self.family.first_position(said)
        if self.size["positions"] <= first:
            what = f"{CONFIG} gives {self.size['positions']} positions, of which the first {first} are never used"
            raise self._refused(what, f"more than {first} positions", OWN_CONFIG)
        return said

    def _check_settings(self) -> None:
        for name, known in ONLY.items():
            if (said := self.config.get(name)) not in (known, None):
                raise self._refused(f"{CONFIG} says {name}: {said!r}", f"{known!r}", "give a model without it")
        name = self.family.activation
        if (said := self.config.get(name, "gelu")) not in ACTIVATIONS:
            raise self._refused(f"{CONFIG} says {name}: {said!r}", f"one of {', '.join(ACTIVATIONS)}", OWN_CONFIG)
        epsilon = self.config.get("layer_norm_eps", LAYER_NORM_EPS)
        if not isinstance(epsilon, float) or not 0 < epsilon < 1:
            what = f"{CONFIG} says layer_norm_eps: {epsilon!r}"
            raise self._refused(what, "a small number above 0, such as 1e-12", OWN_CONFIG)
        if self.size["width"] % self.size["heads"]:
            what = f"{CONFIG} gives a width of {self.size['width']} and {self.size['heads']} heads"
            raise self._refused(what, "a number of heads that divides the width", OWN_CONFIG)

    def _named(self, tensors: dict[str, Stored]) -> dict[str, Stored]:
        """Return the tensors without the family's prefix, with LayerNorm's old parameter names replaced."""
        named: dict[str, Stored] = {}
        prefix = f"{self.family.prefix}."
        self.prefix = prefix if any(name.startswith(prefix) for name in tensors) else ""
        for name, tensor in tensors.items():
            plain = name.removeprefix(self.prefix)
            plain = plain.replace("LayerNorm.gamma", "LayerNorm.weight").replace("LayerNorm.beta", "LayerNorm.bias")
            if plain in named:
                raise self._refused(f"the weights hold {plain} twice", "each parameter once", "save the model anew")
            named[plain] = tensor
        if "embeddings.word_embeddings.weight" not in named:
            self._refuse_prefix(list(named))
        return named

    def _refuse_prefix(self, names: list[str]) -> None:
        """Refuse weights whose names have another prefix than the family's."""
        key = "embeddings.word_embeddings.weight"
        if before := next((name.removesuffix(key) for name in names if name.endswith(f".{key}")), None):
            wrapper = next((what for start, what in WRAPPERS.items() if before.startswith(start)), None)
            what = f"the names of the weights begin with {before!r}" + (f", as {wrapper} has them" if wrapper else "")
            do = f"check that the weights are those of {self.family.title}, as {CONFIG} says"
            if wrapper:
                do = "save the model itself, without its wrapper"
            raise self._refused(what, f"names that begin with '{self.family.prefix}.' or 'embeddings.'", do)

    def _check_tensors(self) -> None:
        """Refuse missing and superfluous weights, and those of another shape or type than the configuration's."""
        layers = {self.family.layer_of(name) for name in self.tensors} - {None}
        if len(layers) != self.size["layers"]:
            what = f"the weights have {len(layers)} layers, and {CONFIG} says {self.size['layers']}"
            raise self._refused(what, "one number of layers", OWN_CONFIG)
        family, size = self.family, self.size
        encoder = family.encoder_shapes(size, self.pad_id)
        heads = family.head_shapes("masked_lm", size) | family.head_shapes("classifier", size)
        known = encoder | family.other_shapes(size) | heads
        if unknown := [name for name in self.tensors if name not in known and name not in BUFFERS]:
            what = f"{len(unknown)} of the weights belong to no known part of {family.title}: {listed(unknown)}"
            expected = f"the weights of {family.title}, as {CONFIG} says"
            raise self._refused(what, expected, "give the model that these weights are from")
        if missing := [self.prefix + name for name in encoder if name not in self.tensors]:
            what = f"{len(missing)} of the model's weights were not loaded: {listed(missing)}"
            raise self._refused(what, f"every weight of {family.title}", "supply the whole model, as safetensors")
        self._check_shapes(known)

    def _check_shapes(self, known: Shapes) -> None:
        for name, stored in self.tensors.items():
            if name in BUFFERS:
                continue
            shape = known[name]
            matches = (size in (None, stored_size) for size, stored_size in zip(shape, stored.shape, strict=False))
            if len(shape) != len(stored.shape) or not all(matches):
                expected = f"{tuple('any' if size is None else size for size in shape)}, as {CONFIG} says"
                raise self._refused(f"the weight {name} has the shape {stored.shape}", expected, OWN_CONFIG)
            if stored.type not in NUMBERS:
                expected = f"one of {', '.join(NUMBERS)}: weights that are not quantised"
                do = "give the model before quantisation"
                raise self._refused(f"the weight {name} is stored in {stored.type}", expected, do)

    def _check_vocabulary(self) -> None:
        rows, numbers = self.size["vocabulary"], self.tokenizer.numbers
        if numbers > rows:
            what = f"the tokenizer has {numbers} tokens, the model {rows}"
            raise self._refused(what, "an embedding for every token", OWN_FILE)
        if self.pad_id not in (None, self.tokenizer.pad_id):
            raise self._refused(
                f"{CONFIG} says pad_token_id: {self.pad_id!r}, and the tokenizer's padding is {self.tokenizer.pad_id}",
                "one number",
                f"set pad_token_id to {self.tokenizer.pad_id} in {CONFIG}; the row of padding is never trained",
            )

    def _refused(self, what: str, expected: str, do: str) -> BookError:
        return BookError(what, where=self.path, expected=expected, do=do)


def _optional(path: Path) -> dict[str, Any]:
    return read_object(path) if path.is_file() else {}
