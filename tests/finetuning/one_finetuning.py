"""One fine-tuning run on as many processes as the launcher starts: ``one_finetuning.py MODEL OUTPUT ORDER``."""

import json
import sys
from pathlib import Path

import torch
from accelerate import PartialState
from distilbook.finetuning.config import Settings
from distilbook.finetuning.run import finetune
from distilbook.tasks import TaskSource, load_task

if __name__ == "__main__":
    torch.set_num_threads(1)
    PartialState(cpu=True)
    model, output, order = sys.argv[1:]
    order = json.loads(order)
    task = load_task(TaskSource(**order["source"]))
    finetune(Settings(**order["settings"]), Path(model), task, 0, Path(output), "a model")
    print(f"{PartialState().num_processes} processes")
