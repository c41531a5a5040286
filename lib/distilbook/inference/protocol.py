"""Protocol of the timings: comparisons and processes for the claim's pair, and for the experiments that explain it.

Inputs have the lengths of STS-B's sentence pairs: the time of a pass depends on nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from ..core.config import BookError, ChapterConfig, Counts, Refusal, each_once
from ..core.machine import accelerator, usable_cores
from ..core.records import PAIRS
from ..models.family import family_of
from .lengths import sample_lengths, stsb_lengths
from .models import ELMO, ELMO_BASELINE, Comparison, Input, Order, Timed, bert, distilbert, parameters_of_timed

#: Tasks in records. The first, PAIRS, is the claim's.
OWN = f"{PAIRS}, the edition's own models"
ELMO_TASK = f"{PAIRS}, ELMo beside BERT"
LAYERS = f"{PAIRS}, fewer and fewer layers"
KERNEL = f"{PAIRS}, attention in one kernel"
KERNELS_OF_2019 = f"{PAIRS}, kernels of 2019"
WIDTHS = f"{PAIRS}, depth or width at equal parameters"
LOADED = f"{PAIRS}, on a loaded machine"
#: Positions to which the scripts of 2019 padded a pair.
PADDED_TO = 128
PADDED = f"{PAIRS}, padded to {PADDED_TO}"


class PairTiming(ChapterConfig):
    """Parameters of a comparison of two models on sentence pairs."""

    pairs: int = Field(ge=2, le=1500, description="sentence pairs, at even quantiles of the lengths of STS-B dev")
    noise_pairs: int = Field(
        ge=2, description="pairs on which the teacher is also timed against itself, half of all at most"
    )
    repeats: int = Field(
        ge=1, le=1000, description="passes of a pair through each model; the fastest counts for ratios"
    )
    starts: int = Field(ge=1, le=100, description="fresh processes for each number of threads")
    threads: Counts | None = Field(description="null: the powers of two up to the cores, and one thread a core")
    warm_up: int = Field(ge=0, le=1000, description="passes through each model before the first that counts")
    attention: Literal["eager", "sdpa"] = Field(description="the kernel; eager is the code of 2019")
    compile: bool = Field(description="whether the models go through torch.compile")

    @model_validator(mode="after")
    def _enough(self) -> Self:
        if 2 * self.noise_pairs > self.pairs:
            raise Refusal(f"at most half of the {self.pairs} pairs, got {self.noise_pairs}", place=".noise_pairs")
        return self

    @property
    def settings(self) -> list[int]:
        """The numbers of threads.

        Raises:
            BookError: for more than there are cores.
        """
        cores = len(usable_cores())
        if self.threads is None:
            return sorted({*(2**n for n in range(cores.bit_length()) if 2**n <= cores), cores})
        if max(self.threads) > cores:
            raise BookError(
                f"{max(self.threads)} threads were asked for",
                where="parameter 'threads'",
                expected=f"at most {cores}, the cores this process may use",
                do="lower the number, or use null for the powers of two up to the cores",
            )
        return sorted(set(self.threads))


class TimingConfig(PairTiming):
    """Parameters of chapter 11: the teacher's dimensions (the student has half its layers) and the experiments."""

    layers: int = Field(ge=4, le=96, multiple_of=4)
    width: int = Field(ge=1, le=2**14)
    heads: int = Field(ge=1, le=2**8)
    feed_forward: int = Field(ge=1, le=2**16)
    further_pairs: int = Field(ge=2, le=1500, description="sentence pairs of each experiment that explains the ratio")
    elmo_pairs: int = Field(ge=2, le=1500, description="sentence pairs for ELMo, which takes much longer")
    elmo_shrunk: int = Field(ge=1, le=512, description="divisor of the widths of ELMo's recurrent layers; 1: published")
    batch_sizes: Counts
    batch_length: int = Field(ge=1, le=512, description="tokens of each sentence pair in a batch")
    lengths: Counts = Field(description="tokens of a sentence pair at batch 1")
    inputs: int = Field(ge=2, le=1000, description="inputs for each batch size and each length")
    accelerator_batch_sizes: Counts = Field(description="batch sizes on a GPU, where there is one")
    accelerator_precisions: Annotated[tuple[Literal["float32", "bfloat16"], ...], AfterValidator(each_once)] = Field(
        min_length=1
    )
    accelerator_length: int = Field(ge=1, le=512)

    @model_validator(mode="after")
    def _possible(self) -> Self:
        if self.width % self.heads:
            raise Refusal(f"a multiple of the {self.heads} heads, got {self.width}", place=".width")
        if max(self.lengths) > 512:
            raise Refusal(f"lengths up to BERT's 512 positions, got {max(self.lengths)}", place=".lengths")
        return self

    @property
    def pair(self) -> tuple[Timed, Timed]:
        """The teacher and the student of the claim."""
        return self.pair_with(attention=self.attention, compiled=self.compile)

    def pair_with(self, **how: Any) -> tuple[Timed, Timed]:
        """Return the pair with another kernel, precision or compilation."""
        sizes = (self.width, self.heads, self.feed_forward)
        return bert(self.layers, *sizes, **how), distilbert(self.layers // 2, *sizes, **how)


def pair_orders(how: PairTiming, pairs: Mapping[str, tuple[Timed, ...]]) -> list[Order]:
    """Return the processes that time ``pairs`` of models, by task: every start with each number of threads."""
    comparisons = tuple(_on_pairs(task, models, how, how.pairs) for task, models in pairs.items())
    return [Order(threads, comparisons, warm_up=how.warm_up) for _ in range(how.starts) for threads in how.settings]


def further_orders(config: TimingConfig) -> list[Order]:
    """Return the processes for the experiments that explain the ratio, batch sizes, lengths and a loaded machine."""

    def on_pairs(task: str, models: tuple[Timed, ...], padded_to: int = 0) -> Comparison:
        return _on_pairs(task, models, config, config.further_pairs, padded_to)

    pair = config.pair
    explaining = (
        _on_pairs(ELMO_TASK, (pair[0], *elmo_models(config)), config, config.elmo_pairs),
        on_pairs(LAYERS, fewer_layers(config)),
        on_pairs(KERNEL, config.pair_with(attention="sdpa")),
        on_pairs(PADDED, pair, PADDED_TO),
        on_pairs(WIDTHS, depth_or_width(config)),
    )
    shapes = [(size, config.batch_length) for size in config.batch_sizes] + [(1, length) for length in config.lengths]
    shaped = tuple(_of_shape(config, pair, *shape) for shape in shapes)
    orders = [
        Order(1, explaining),
        Order(max(config.settings), shaped),
        Order(1, (on_pairs(KERNELS_OF_2019, with_steps(pair)),), onednn=False),
        Order(1, (on_pairs(LOADED, pair),), neighbours=len(usable_cores())),
    ]
    if accelerator() != "none":
        orders += [Order(1, _on_gpu(config), "cuda")] * config.starts
    return [replace(order, warm_up=config.warm_up) for order in orders]


def _on_gpu(config: TimingConfig) -> tuple[Comparison, ...]:
    """Return the comparisons on a GPU: each batch size in each precision, attention in one kernel."""
    pairs = [config.pair_with(attention="sdpa", precision=kind) for kind in config.accelerator_precisions]
    length = config.accelerator_length
    return tuple(_of_shape(config, pair, batch, length) for pair in pairs for batch in config.accelerator_batch_sizes)


def _on_pairs(task: str, models: tuple[Timed, ...], how: PairTiming, pairs: int, padded_to: int = 0) -> Comparison:
    """Return the comparison on ``pairs`` sentence pairs that fit all of the models."""
    positions = min(model.config.get("max_position_embeddings", 512) for model in models)
    lengths = stsb_lengths()
    fitting = [length for length in lengths if length.tokens <= positions]
    if not fitting:
        raise BookError(
            f"a model has {positions} positions, and no pair of sentences fits",
            where=", ".join(model.name for model in models),
            expected=f"at least {lengths[0].tokens} positions, the tokens of the shortest pair of STS-B",
            do="use models with more positions",
        )
    inputs = tuple(Input.of(length, padded_to) for length in sample_lengths(fitting, pairs))
    return Comparison(task, models, inputs, how.repeats, min(how.noise_pairs, -(-pairs // 2)))


def _of_shape(config: TimingConfig, models: tuple[Timed, ...], batch: int, tokens: int) -> Comparison:
    """Return the comparison on inputs of one shape."""
    inputs = (Input(batch, tokens),) * config.inputs
    return Comparison(shape_task(batch, tokens), models, inputs, config.repeats, config.inputs)


def shape_task(batch: int, tokens: int) -> str:
    """Return the task of inputs of one shape, as records name it."""
    return f"batch {batch}, {tokens} word pieces"


def elmo_models(config: TimingConfig) -> tuple[Timed, ...]:
    """Return ELMo, and ELMo under the encoder of GLUE's baseline."""
    from ..models.elmo import ElmoSizes

    by, full = config.elmo_shrunk, ElmoSizes()
    sizes = {"cell": full.cell // by, "width": full.width // by, "baseline": full.baseline // by}
    shrunk = f", {by} times narrower" if by > 1 else ""
    return tuple(Timed(kind + shrunk, {"model_type": kind} | sizes) for kind in (ELMO, ELMO_BASELINE))


def fewer_layers(config: TimingConfig) -> tuple[Timed, ...]:
    """Return the teacher with all, half, a quarter and none of its layers, and the student."""
    sizes = (config.width, config.heads, config.feed_forward)
    teacher, student = config.pair
    counts = (config.layers // 2, config.layers // 4, 0)
    return (teacher, *(bert(n, *sizes, attention=config.attention) for n in counts), student)


def with_steps(pair: tuple[Timed, ...]) -> tuple[Timed, ...]:
    """Return the pair with GELU as a sequence of operations, as in the code of 2019, not as one kernel."""
    return tuple(
        replace(timed, config={**timed.config, family_of(timed.config).activation: "gelu_python"}) for timed in pair
    )


def depth_or_width(config: TimingConfig) -> tuple[Timed, ...]:
    """Return the teacher, the student, and students of as many parameters with half and with twice its layers."""
    from ..models.parameters import width_for

    teacher, student = config.pair
    target, wide = parameters_of_timed(student), config.feed_forward // config.width
    others = []
    for layers in (config.layers // 4, config.layers):
        width = width_for(target, layers, config.heads, wide)
        others.append(distilbert(layers, width, config.heads, wide * width, attention=config.attention))
    return (teacher, student, *others)
