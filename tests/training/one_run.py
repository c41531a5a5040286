"""One pre-training run on the CPU, on as many processes as the launcher starts: ``one_run.py INPUTS OUTPUT VALUES``."""

import json
import sys
from pathlib import Path

import torch
from accelerate import PartialState
from distilbook.corpus.corpus import Corpus
from distilbook.pretraining.pretrain import PretrainConfig, pretrain

if __name__ == "__main__":
    torch.set_num_threads(1)
    PartialState(cpu=True)
    corpus, teacher, output, values = sys.argv[1:]
    pretrain(PretrainConfig(**json.loads(values)), "full", 0, Corpus.open(Path(corpus)), Path(teacher), Path(output))
    print(f"{PartialState().num_processes} processes")
