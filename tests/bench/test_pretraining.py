import pytest
import torch
from distilbook.bench import original, pretraining
from distilbook.bench.pretraining import SHAPES, Shape, Variant, bench_pretraining, in_turn, summary
from distilbook.core.config import BookError
from distilbook.corpus.masking import Masking
from distilbook.distillation.objectives import TripleLoss
from distilbook.distillation.recipe import Recipe
from distilbook.distillation.student import build_student
from distilbook.models.loading import load_teacher, load_tokenizer
from distilbook.pretraining.pretrain import PretrainConfig
from distilbook.training.batches import Blocks
from torch.utils.flop_counter import FlopCounterMode


@pytest.fixture
def recipe(pretrain_values) -> Recipe:
    return PretrainConfig(**pretrain_values).recipe


@pytest.fixture(params=["corpus", "padded_corpus"])
def batch(request, teacher_folder, pretrain_values):
    corpus = request.getfixturevalue(request.param)
    masking = Masking.smoothed(corpus.counts, load_tokenizer(teacher_folder))
    return Blocks(corpus.train, masking, PretrainConfig(**pretrain_values), seed=0).step(0, 0, 1)[0]


def test_the_original_computes_the_same_loss_terms_and_gradient(batch, teacher_folder, recipe):
    teacher = load_teacher(teacher_folder, new_head=False).double()
    student = build_student(teacher, recipe, dropout=0.0, seed=0).double()
    theirs = original.triple_loss(student, teacher, batch, recipe)
    theirs["loss"].backward()
    gradients = {name: p.grad.clone() for name, p in student.named_parameters()}
    student.zero_grad()
    objective = TripleLoss(student, teacher, recipe)
    loss, terms = objective(batch, batch.counts)
    loss.backward()
    torch.testing.assert_close(loss, theirs["loss"], rtol=1e-9, atol=0)
    counts = {"tokens": batch.tokens, "masked": batch.counts["masked"]}
    for name, by in objective.normalised_by.items():
        torch.testing.assert_close(terms[name] / counts[by], theirs[name], rtol=1e-9, atol=1e-12)
    for name, parameter in student.named_parameters():
        torch.testing.assert_close(parameter.grad, gradients[name], rtol=1e-7, atol=1e-10)


def test_the_operations_that_are_counted_are_those_of_the_models(teacher_folder, recipe):
    """Against torch's own counter, on blocks without padding, forward and backward of the original's step."""
    teacher = load_teacher(teacher_folder, new_head=False).requires_grad_(False)
    teacher.set_attn_implementation("eager")
    student = build_student(teacher, recipe, dropout=0.0, seed=0)
    student.set_attn_implementation("eager")
    input_ids = torch.randint(5, 200, (3, 16))
    labels = torch.where(torch.arange(16) % 5 == 0, input_ids, -100)
    batch = original.MicroBatch(torch.arange(3), input_ids, labels, None)
    with FlopCounterMode(display=False) as counter:
        original.triple_loss(student, teacher, batch, recipe)["loss"].backward()
    config = teacher.config
    shape = Shape(4, recipe.layers, config.hidden_size, 4, config.intermediate_size, batch=3)
    assert shape.operations(48, 3 * 16**2, config.vocab_size) == pytest.approx(counter.get_total_flops(), rel=0.01)


@pytest.fixture(scope="module")
def benchmark(inputs, tmp_path_factory):
    """The benchmark's result at a tiny shape, and the steps it was computed from."""
    folder, steps = tmp_path_factory.mktemp("bench"), []
    # Every other paragraph cut short, so that lengths differ.
    lines = [line for line in (inputs / "rivers.txt").read_text().splitlines() if line] * 5
    paragraphs = [line if number % 2 else line[: 40 + number] for number, line in enumerate(lines)]
    (folder / "text.txt").write_text("\n\n".join(paragraphs))
    variants = [Variant("original", original=True), Variant("ours"), Variant("packed", blocks="packed", grouped=True)]
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(pretraining, "SHAPES", {"tiny": Shape(2, (0,), 16, 2, 32, batch=4)})
        patched.setattr(pretraining, "LENGTHS", {"sequences": ("one_sequence", 128), "packed": ("full_sentences", 32)})
        patched.setattr(pretraining, "variants", lambda *_: variants)
        patched.setattr(pretraining, "DROPOUT", 0.0)
        patched.setattr(pretraining, "PEAK_SIZE", 512)
        patched.setattr(pretraining, "in_turn", lambda *order: steps.append(in_turn(*order)) or steps[-1])
        patched.setenv("DISTILBOOK_CACHE", str(folder / "cache"))
        text, tokenizer = str(folder / "text.txt"), str(inputs / "teacher")
        return bench_pretraining(["tiny"], 2, 1, text, tokenizer, compiled=False), steps[0]


def test_every_variant_takes_its_steps_on_the_same_sequences(benchmark):
    _, steps = benchmark
    assert [len(taken) for taken in steps] == [2, 2, 2]
    for theirs, ours in zip(steps[0], steps[1], strict=True):
        assert theirs["tokens"] == ours["tokens"] < 4 * 128 and theirs["squares"] == ours["squares"]
        assert theirs["loss"] == pytest.approx(ours["loss"], rel=1e-4)
    assert all(step["tokens"] == 4 * 32 and step["squares"] == 4 * 32**2 for step in steps[2])
    assert all(step["seconds"] > 0 and step["memory"] > 10_000_000 for taken in steps for step in taken)


def test_the_benchmark_has_a_row_a_variant_and_prints_it(benchmark):
    found, _ = benchmark
    assert [row["variant"] for row in found["rows"]] == ["original", "ours", "packed"]
    assert found["peaks"]["float32"] > 1e8
    assert all(0 < row["share_of_peak"] < 1 for row in found["rows"])
    assert len(list(pretraining.printed(found))) == 3 + len(found["rows"])


def test_a_row_summarises_the_steps():
    step = lambda seconds, tokens, memory: {"seconds": seconds, "tokens": tokens, "squares": 0, "memory": memory}
    steps = [[step(2.0, 100, 8), step(4.0, 100, 10)], [step(1.0, 100, 3), step(1.0, 100, 4)]]
    _, row = summary("laptop", steps, [Variant("original"), Variant("ours")], vocabulary=0, peaks={"float32": 1e9})
    assert row["tokens_per_second"] == 100 and row["memory_over_original"] == 0.4
    assert row["over_original"] == {"value": 3.0, "low": 2.0, "high": 4.0}
    assert row["share_of_peak"] == pytest.approx(SHAPES["laptop"].operations(200, 0, 0) / 2.0 / 1e9)


def test_a_shape_that_does_not_exist_is_named_with_the_nearest():
    with pytest.raises(BookError, match=r"no shape 'laptpo'(.|\n)*laptop"):
        bench_pretraining(["laptpo"], 1, None, "-", "-", compiled=False)


def test_a_process_that_ends_is_an_error_and_no_endless_wait():
    with pytest.raises(BookError, match="ended with status 1"):
        in_turn([{"threads": 1}], rounds=1, name="broken")
