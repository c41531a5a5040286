"""The gradient of one step, on as many processes as the launcher starts: ``one_gradient.py CORPUS TEACHER OUTPUT VALUES``."""

import json
import sys
from pathlib import Path

import torch
from accelerate import Accelerator
from distilbook.corpus.corpus import Corpus
from distilbook.corpus.masking import Masking
from distilbook.distillation.objectives import TripleLoss
from distilbook.distillation.student import build_student
from distilbook.models.loading import load_teacher, load_tokenizer
from distilbook.pretraining.pretrain import PretrainConfig
from distilbook.training.batches import Blocks
from distilbook.training.precision import accelerator_for
from distilbook.training.step import accumulate
from safetensors.torch import save_file


def gradient(corpus: Path, teacher_folder: Path, config: PretrainConfig, dropout: float) -> dict[str, torch.Tensor]:
    """Return the gradient that ``config``'s micro-batches and this process's neighbours give, in float64."""
    accelerator = accelerator_for("float32", cpu=True)  # whatever the precision of an earlier one
    corpus = Corpus.open(corpus)
    teacher = load_teacher(teacher_folder, new_head=False).double()
    student = build_student(teacher, config.recipe, dropout, seed=0).double()
    objective = TripleLoss(student, teacher, config.recipe).train()
    if config.compile:
        objective.compile_encoders()
    blocks = Blocks(corpus.train, Masking.smoothed(corpus.counts, load_tokenizer(teacher_folder)), config, seed=0)
    batches = blocks.step(0, accelerator.process_index, accelerator.num_processes)
    accumulate(accelerator, accelerator.prepare(objective), batches, seed=0, step=0)
    return {name: parameter.grad.clone() for name, parameter in student.named_parameters()}


if __name__ == "__main__":
    torch.set_num_threads(1)
    corpus, teacher, output, values = sys.argv[1:]
    made = {
        f"{dropout}.{name}": tensor
        for dropout in (0.0, 0.1)
        for name, tensor in gradient(Path(corpus), Path(teacher), PretrainConfig(**json.loads(values)), dropout).items()
    }
    if Accelerator().is_main_process:
        save_file(made, output)
