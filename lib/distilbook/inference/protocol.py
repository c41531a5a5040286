"""Which comparisons are made, in which processes: the pair of the claims, and those that explain what it finds.

How long STS-B's sentence pairs are: what Table 3 passes, kept as lengths because time depends on nothing else.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from ..core.config import BookError, ChapterConfig, Counts, Refusal, each_once
from ..core.machine import accelerator, usable_cores
from ..core.records import PAIRS
from ..models.family import family_of
from .lengths import sample_lengths, stsb_lengths
from .models import ELMO, ELMO_BASELINE, Comparison, Input, Order, Timed, bert, distilbert

#: Tasks under which times are recorded. The first is the claim's.
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
    """How two models are timed side by side on sentence pairs."""

    pairs: int = Field(ge=2, le=1500, description="sentence pairs, spread evenly over the lengths of STS-B dev")
    noise_pairs: int = Field(
        ge=2, description="pairs on which the teacher is also timed against itself, half of all at most"
    )
    repeats: int = Field(
        ge=1, le=1000, description="passes of a pair through each model; the fastest counts for ratios"
    )
    starts: int = Field(ge=1, le=100, description="fresh processes for each number of threads")
    threads: Counts | None = Field(description="null: 1, 2, 4 and so on, to one a core")
    warm_up: int = Field(ge=0, le=1000, description="passes through each model before the first that counts")
    attention: Literal["eager", "sdpa"] = Field(description="the kernel; eager is the code of 2019")
    compile: bool = Field(description="whether torch.compile has the models")

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
                do="lower the number, or use null for all numbers from one thread to one a core",
            )
        return sorted(set(self.threads))


class TimingConfig(PairTiming):
    """How large the teacher is (the student has half its layers), and what else is measured."""

    layers: int = Field(ge=4, le=96, multiple_of=4)
    width: int = Field(ge=1, le=2**14)
    heads: int = Field(ge=1, le=2**8)
    feed_forward: int = Field(ge=1, le=2**16)
    further_pairs: int = Field(ge=2, le=1500, description="sentence pairs for each comparison that explains")
    elmo_pairs: int = Field(ge=2, le=1500, description="sentence pairs for ELMo, which takes much longer")
    elmo_shrunk: int = Field(
        ge=1, le=512, description="how many times narrower ELMo's recurrent layers are; 1 as published"
    )
    batch_sizes: Counts
    batch_length: int = Field(ge=1, le=512, description="word pieces of each sentence pair in a batch")
    lengths: Counts = Field(description="word pieces of a sentence pair at batch 1")
    inputs: int = Field(ge=2, le=1000, description="inputs for each batch size and each length")
    accelerator_batch_sizes: Counts = Field(description="on a GPU, where there is one")
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
        """The teacher and the student that are timed."""
        return self.pair_with(attention=self.attention, compiled=self.compile)

    def pair_with(self, **how) -> tuple[Timed, Timed]:
        """Return the pair with another kernel, precision or compilation."""
        sizes = (self.width, self.heads, self.feed_forward)
        return bert(self.layers, *sizes, **how), distilbert(self.layers // 2, *sizes, **how)


def pair_orders(how: PairTiming, pairs: dict[str, tuple[Timed, ...]]) -> list[Order]:
    """Return the processes that time ``pairs`` of models, by task: so many starts with each number of threads."""
    comparisons = tuple(_on_pairs(task, models, how) for task, models in pairs.items())
    return [Order(threads, comparisons, warm_up=how.warm_up) for _ in range(how.starts) for threads in how.settings]


def _on_pairs(task: str, models: tuple[Timed, ...], how: PairTiming, pairs: int = 0, padded_to: int = 0) -> Comparison:
    positions = min(model.config.get("max_position_embeddings", 512) for model in models)
    fitting = [length for length in stsb_lengths() if length.pieces <= positions]
    if not fitting:
        raise BookError(
            f"a model has {positions} positions, and no pair of sentences fits",
            where=", ".join(model.name for model in models),
            expected=f"at least {stsb_lengths()[0].pieces} positions, the word pieces of the shortest pair of STS-B",
            do="give models with more positions",
        )
    inputs = tuple(Input.of(length, padded_to) for length in sample_lengths(fitting, pairs or how.pairs))
    return Comparison(task, models, inputs, how.repeats, min(how.noise_pairs, -(-len(inputs) // 2)))


def further_orders(config: TimingConfig) -> list[Order]:
    """Return the processes for all that explains the ratio, and for batch sizes, lengths and a loaded machine."""
    most = max(config.settings)
    few = config.further_pairs
    explaining = (
        _on_pairs(ELMO_TASK, (config.pair[0], *elmo_models(config)), config, config.elmo_pairs),
        _on_pairs(LAYERS, fewer_layers(config), config, few),
        _on_pairs(KERNEL, config.pair_with(attention="sdpa"), config, few),
        _on_pairs(PADDED, config.pair, config, few, PADDED_TO),
        _on_pairs(WIDTHS, depth_or_width(config), config, few),
    )
    batches = tuple(_same(config, config.pair, batch, config.batch_length) for batch in config.batch_sizes)
    lengths = tuple(_same(config, config.pair, 1, length) for length in config.lengths)
    old = (_on_pairs(KERNELS_OF_2019, with_steps(config.pair), config, few),)
    loaded = (_on_pairs(LOADED, config.pair, config, few),)
    orders = [
        Order(1, explaining, warm_up=config.warm_up),
        Order(most, (*batches, *lengths), warm_up=config.warm_up),
        Order(1, old, warm_up=config.warm_up, onednn=False),
        Order(1, loaded, warm_up=config.warm_up, neighbours=len(usable_cores())),
    ]
    return orders + (_accelerated(config) if accelerator() != "none" else [])


def _accelerated(config: TimingConfig) -> list[Order]:
    """Return the GPU's process: each batch size in each precision, attention in one kernel."""
    pairs = [config.pair_with(attention="sdpa", precision=kind) for kind in config.accelerator_precisions]
    length = config.accelerator_length
    comparisons = tuple(
        _same(config, pair, batch, length) for pair in pairs for batch in config.accelerator_batch_sizes
    )
    return [Order(1, comparisons, "cuda", config.warm_up) for _ in range(config.starts)]


def _same(config: TimingConfig, models: tuple[Timed, ...], batch: int, length: int) -> Comparison:
    """Return the comparison on inputs of one shape."""
    inputs = (Input(batch, length),) * config.inputs
    return Comparison(shape_task(batch, length), models, inputs, config.repeats, config.inputs)


def shape_task(batch: int, length: int) -> str:
    """Return the task of inputs of one shape."""
    return f"batch {batch}, {length} word pieces"


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
    """Return the pair with the activation computed in steps, as the code of 2019 did, and not in one kernel."""
    return tuple(
        replace(timed, config={**timed.config, family_of(timed.config).activation: "gelu_python"}) for timed in pair
    )


def depth_or_width(config: TimingConfig) -> tuple[Timed, ...]:
    """Return the teacher, the student, and students as large as it with half and with twice its layers."""
    from ..models.parameters import width_for
    from .models import parameters_of_timed

    teacher, student = config.pair
    target, wide = parameters_of_timed(student), config.feed_forward // config.width
    others = []
    for layers in (config.layers // 4, config.layers):
        width = width_for(target, layers, config.heads, wide)
        others.append(distilbert(layers, width, config.heads, wide * width, attention=config.attention))
    return (teacher, student, *others)
