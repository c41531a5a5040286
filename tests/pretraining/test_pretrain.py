import json
import shutil

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from distilbook.core.config import BookError
from distilbook.core.run_keys import code_hash
from distilbook.core.workspace import Workspace
from distilbook.distillation.objectives import TripleLoss
from distilbook.distillation.recipe import ARMS
from distilbook.distillation.student import build_student
from distilbook.models.loading import load_teacher
from distilbook.pretraining.ablations import published_runs, run_arm
from distilbook.pretraining.pretrain import PretrainConfig, PretrainRun, pretrain
from distilbook.pretraining.records import pretraining_records
from distilbook.training.batches import MicroBatch
from distilbook.training.log import read_curves
from transformers import AutoModelForMaskedLM, AutoTokenizer


@pytest.fixture
def config(pretrain_values) -> PretrainConfig:
    return PretrainConfig(**pretrain_values)


def a_batch(vocabulary: int, lengths=(12, 12, 12)) -> MicroBatch:
    draw = torch.Generator().manual_seed(0)
    input_ids = torch.randint(5, vocabulary, (3, 12), generator=draw)
    real = torch.arange(12) < torch.tensor(lengths)[:, None]
    labels = torch.where((torch.rand(3, 12, generator=draw) < 0.3) & real, input_ids, -100)
    return MicroBatch(torch.arange(3), input_ids * real, labels, None if real.all() else real)


@pytest.mark.parametrize("lengths", [(12, 12, 12), (12, 3, 8)])
@pytest.mark.parametrize("positions", ["all", "masked"])
@pytest.mark.parametrize("arm", ARMS)
def test_the_objective_equals_the_papers_loss_computed_from_whole_models(
    teacher_folder, config, arm, positions, lengths
):
    """Value and gradient in float64, the whole models padded and with every logit held at once."""
    recipe = config.model_copy(update={"distilled_positions": positions}).for_arm(arm).recipe
    teacher = load_teacher(teacher_folder, new_head=False).double()
    student = build_student(teacher, recipe, dropout=0.0, seed=0).double()
    with torch.no_grad():
        student.get_input_embeddings().weight.mul_(1.1)
    batch = a_batch(teacher.config.vocab_size, lengths)
    loss, _ = TripleLoss(student, teacher, recipe)(batch, batch.counts)
    loss.backward()
    gradients = {name: p.grad.clone() for name, p in student.named_parameters()}
    student.zero_grad()

    real = torch.ones_like(batch.labels, dtype=torch.bool) if batch.attention_mask is None else batch.attention_mask
    masked = batch.labels != -100
    ours, theirs = (
        model(input_ids=batch.input_ids, attention_mask=real.long(), output_hidden_states=True)
        for model in (student, teacher)
    )
    where = real if positions == "all" else masked
    z, t = ours.logits[where] / recipe.temperature, theirs.logits[where].detach() / recipe.temperature
    ce = recipe.temperature**2 * F.kl_div(z.log_softmax(-1), t.softmax(-1), reduction="batchmean")
    mlm = F.cross_entropy(ours.logits[masked], batch.labels[masked])
    hidden = ours.hidden_states[-1][real], theirs.hidden_states[-1][real].detach()
    cos = (1 - F.cosine_similarity(*hidden, dim=-1)).mean()
    expected = recipe.distillation_weight * ce + recipe.masked_lm_weight * mlm + recipe.cosine_weight * cos
    expected.backward()
    torch.testing.assert_close(loss, expected, rtol=1e-9, atol=1e-9)
    for name, parameter in student.named_parameters():
        torch.testing.assert_close(gradients[name], parameter.grad, rtol=1e-7, atol=1e-9)


def test_the_teacher_is_never_trained(teacher_folder, config):
    teacher = load_teacher(teacher_folder, new_head=False)
    objective = TripleLoss(build_student(teacher, config.recipe, 0.0, seed=0), teacher, config.recipe)
    assert {id(p) for p in objective.parameters()}.isdisjoint(id(p) for p in teacher.parameters())


def test_a_finished_run_loads_in_transformers_and_gives_the_recorded_scores(corpus, teacher_folder, config, tmp_path):
    run = pretrain(config, "full", 0, corpus, teacher_folder, tmp_path)
    model, tokenizer = (c.from_pretrained(run.folder / "model") for c in (AutoModelForMaskedLM, AutoTokenizer))
    assert type(model).__name__ == "DistilBertForMaskedLM" and len(tokenizer) == model.config.vocab_size
    kept = np.load(run.folder / "held_out.npz")
    assert run.scores["masked_accuracy"] == (kept["labels"] == kept["predicted"]).mean()
    trained, measured = read_curves(run.folder)
    assert len(trained) == config.steps and [line["step"] for line in measured] == [0, 3, 6]
    assert run.tokens == config.steps * config.blocks_per_step * 32


def test_a_finished_run_is_opened_and_not_trained_again(corpus, teacher_folder, config, tmp_path, monkeypatch):
    first = pretrain(config, "full", 0, corpus, teacher_folder, tmp_path)
    monkeypatch.setattr("distilbook.pretraining.pretrain._train", lambda *_: pytest.fail("trained again"))
    assert pretrain(config, "full", 0, corpus, teacher_folder, tmp_path) == first
    assert PretrainRun.open(first.folder) == first


def test_another_seed_arm_or_text_is_another_run(corpus, teacher_folder, config, tmp_path, monkeypatch):
    folders = []
    monkeypatch.setattr("distilbook.pretraining.pretrain._train", lambda *arguments: folders.append(arguments[-1]))
    monkeypatch.setattr("distilbook.pretraining.pretrain._measure", lambda *arguments: None)
    monkeypatch.setattr(PretrainRun, "open", classmethod(lambda cls, folder: folder))
    import dataclasses

    other = dataclasses.replace(corpus, fingerprint="other")
    for arm, seed, text in (("full", 0, corpus), ("full", 1, corpus), ("without_mlm", 0, corpus), ("full", 0, other)):
        pretrain(config, arm, seed, text, teacher_folder, tmp_path)
    assert len(set(folders)) == 4


def test_an_arm_is_run_with_the_full_recipes_configuration_and_seeds(corpus, teacher_folder, config, runs):
    workspace = Workspace("test")
    full = [pretrain(config, "full", seed, corpus, teacher_folder, workspace.root / "pretraining") for seed in (0, 1)]
    for run in full:
        workspace.publish(f"student/full/seed{run.seed}", run.folder, made_by="06_pretraining")
    assert published_runs(workspace, "full", made_by="06_pretraining") == full
    arm = run_arm("without_teacher", full, corpus, teacher_folder)
    assert [run.seed for run in arm] == [0, 1] and {run.tokens for run in (*arm, *full)} == {full[0].tokens}
    ours, theirs = arm[0].config.model_dump(), full[0].config.model_dump()
    assert {n for n in ours if ours[n] != theirs[n]} == {"distillation_weight", "cosine_weight"}
    records = pretraining_records("07_ablations/without_teacher", "test", arm[0], corpus)
    assert {r.metric for r in records} == set(arm[0].scores) and {r.recipe for r in records} == {"without_teacher"}
    assert all((workspace.root / r.predictions).exists() for r in records)


def test_a_student_that_was_not_trained_is_asked_for_by_its_chapter(runs):
    with pytest.raises(BookError, match="distilbook run test .*--chapter 06_pretraining"):
        published_runs(Workspace("test"), "full", made_by="06_pretraining")


def test_a_corpus_of_another_vocabulary_is_refused_before_training(corpus, teacher_folder, config, tmp_path):
    """As many tokens, two of them swapped: no index would fail, and every label would be wrong."""
    copy = tmp_path / "copy"
    shutil.copytree(teacher_folder, copy)
    tokenizer = json.loads((copy / "tokenizer.json").read_text())
    words = tokenizer["model"]["vocab"]
    one, other = sorted(words, key=words.get)[-2:]
    words[one], words[other] = words[other], words[one]
    (copy / "tokenizer.json").write_text(json.dumps(tokenizer))
    with pytest.raises(BookError, match="is not the corpus's"):
        pretrain(config, "full", 0, corpus, copy, tmp_path / "runs")


def test_a_student_is_measured_again_not_trained_again_when_the_measuring_code_has_changed(
    corpus, teacher_folder, config, tmp_path, monkeypatch
):
    first = pretrain(config, "full", 0, corpus, teacher_folder, tmp_path)
    model = (first.folder / "model" / "model.safetensors").stat().st_mtime_ns
    (first.folder / "model" / "README.md").write_text("a card, which is written anew at any time")
    monkeypatch.setattr("distilbook.pretraining.pretrain._train", lambda *_: pytest.fail("it is trained again"))
    stages = "distilbook.pretraining.pretrain.code_hash"
    monkeypatch.setattr(stages, lambda stage, now=code_hash: "other" if stage == "held_out" else now(stage))
    again = pretrain(config, "full", 0, corpus, teacher_folder, tmp_path)
    assert (again.folder, again.scores) == (first.folder, first.scores)
    (first.folder / "model" / "README.md").write_text("another card")
    assert PretrainRun.open(first.folder).scores == first.scores
    assert (first.measured_by, again.measured_by) == (code_hash("held_out"), "other")
    assert (again.folder / "model" / "model.safetensors").stat().st_mtime_ns == model
