import numpy as np
import torch
import torch.nn.functional as F
from distilbook.corpus.masking import Masking
from distilbook.distillation.student import build_student
from distilbook.models.loading import load_teacher, load_tokenizer
from distilbook.pretraining.held_out import HeldOut, compare, predict, projections
from distilbook.pretraining.pretrain import PretrainConfig


def held_out_of(corpus, teacher_folder, limit=5) -> HeldOut:
    return HeldOut.of(corpus.held_out, Masking.smoothed(corpus.counts, load_tokenizer(teacher_folder)), limit)


def models(teacher_folder, values):
    teacher = load_teacher(teacher_folder, new_head=False)
    return teacher, build_student(teacher, PretrainConfig(**values).recipe, dropout=0.1, seed=0)


def test_masks_are_the_same_for_every_model_and_every_time(corpus, teacher_folder):
    one, again = held_out_of(corpus, teacher_folder), held_out_of(corpus, teacher_folder)
    assert torch.equal(one.input_ids, again.input_ids) and torch.equal(one.labels, again.labels)
    assert (one.input_ids[one.labels != -100] == load_tokenizer(teacher_folder).mask_token_id).all()


def test_predictions_equal_those_of_the_whole_model(corpus, teacher_folder, pretrain_values):
    """The library projects masked positions only; transformers' own forward pass projects them all."""
    held_out = held_out_of(corpus, teacher_folder)
    for model in models(teacher_folder, pretrain_values):
        with torch.inference_mode():
            logits = model.eval()(input_ids=held_out.input_ids).logits
        chosen = held_out.labels != -100
        made = predict(model, held_out)
        np.testing.assert_array_equal(made.predicted, logits[chosen].argmax(-1))
        np.testing.assert_allclose(
            made.loss, F.cross_entropy(logits[chosen], held_out.labels[chosen], reduction="none"), atol=1e-5
        )
        np.testing.assert_array_equal(made.labels, held_out.labels[chosen])
        np.testing.assert_allclose(made.scores()["perplexity"], np.exp(made.loss.mean()), rtol=1e-6)


def test_divergence_and_agreement_equal_the_formula(corpus, teacher_folder, pretrain_values):
    held_out = held_out_of(corpus, teacher_folder)
    teacher, student = models(teacher_folder, pretrain_values)
    chosen = held_out.labels != -100
    with torch.inference_mode():
        p, q = (m.eval()(input_ids=held_out.input_ids).logits[chosen].double().softmax(-1) for m in (teacher, student))
    got = compare(projections(student, held_out), projections(teacher, held_out))
    np.testing.assert_allclose(got["kl_to_teacher"], (p * (p.log() - q.log())).sum(-1).mean(), rtol=1e-4)
    np.testing.assert_allclose(got["top1_agreement"], (p.argmax(-1) == q.argmax(-1)).double().mean())


def test_a_model_agrees_with_itself(corpus, teacher_folder, pretrain_values):
    held_out = held_out_of(corpus, teacher_folder)
    teacher, _ = models(teacher_folder, pretrain_values)
    got = compare(projections(teacher, held_out), projections(teacher, held_out))
    assert abs(got["kl_to_teacher"]) < 1e-6 and got["top1_agreement"] == 1


def test_measuring_leaves_a_model_in_training_mode(corpus, teacher_folder, pretrain_values):
    _, student = models(teacher_folder, pretrain_values)
    predict(student.train(), held_out_of(corpus, teacher_folder))
    assert student.training


def test_predictions_are_kept_whole(corpus, teacher_folder, pretrain_values, tmp_path):
    made = predict(models(teacher_folder, pretrain_values)[0], held_out_of(corpus, teacher_folder))
    made.save(tmp_path / "p.npz")
    kept = np.load(tmp_path / "p.npz")
    assert all((kept[name] == value).all() for name, value in vars(made).items())
