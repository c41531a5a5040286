"""Fine-tuning on a sentence task, and the two baselines any language model has to beat."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from accelerate import Accelerator
from pydantic import Field
from transformers import AutoModelForSequenceClassification

from ..config import BookError, ChapterConfig, Seed, short_hash
from ..data.tasks import Examples, SentenceTask
from ..files import read_json, write_json
from ..metrics import accuracy
from ..model.teacher import load_tokenizer, quiet_loading, weights_fingerprint
from ..progress import Progress
from ..provenance import code_hash

#: Batches whose examples are sorted by length together: enough to save padding, few enough to stay shuffled.
BATCHES_SORTED = 16
#: Weights that fine-tuning adds and that may therefore be missing in a pre-trained model.
NEW_WEIGHTS = ("classifier.", "pre_classifier.", "bert.pooler.")
MAX_GRADIENT_NORM = 1.0


class FinetuneConfig(ChapterConfig):
    """What is fine-tuned on, and how. The paper leaves its learning rates and epochs unstated."""

    task: str = Field(description="wheel:reviews, or a tab-separated file")
    train_examples: int = Field(ge=2, description="training examples; each seed draws its own")
    epochs: int = Field(ge=1)
    batch_size: int = Field(ge=1)
    learning_rate: float = Field(gt=0, lt=1)
    warmup_share: float = Field(ge=0, lt=1)
    dropout: float = Field(ge=0, lt=1, description="in every model alike, whatever it was pre-trained with")
    max_length: int = Field(ge=8, le=512, description="word pieces; longer sentences are cut")
    seeds: tuple[Seed, ...] = Field(min_length=1)


@dataclass(frozen=True)
class FinetuneRun:
    """A finished run: ``predictions.npz`` in ``folder`` holds the test set's labels, predictions and groups.

    A run is ``constant`` when it predicts the same of every example: it has collapsed.
    """

    folder: Path
    seed: int
    accuracy: float
    constant: bool
    n: int
    seconds: float

    @property
    def predictions(self) -> Path:
        return self.folder / "predictions.npz"


def finetune(config: FinetuneConfig, model: Path, task: SentenceTask, seed: int, root: Path, name: str) -> FinetuneRun:
    """Return the run of the pre-trained ``model`` with ``seed`` below ``root``, trained unless it is there.

    Args:
        name: what the progress line calls the model.

    Raises:
        BookError: when the model's folder lacks weights that fine-tuning does not add itself.
    """
    key = short_hash(
        [
            config.fingerprint(),
            seed,
            weights_fingerprint(model),
            task.fingerprint,
            code_hash("distilbook.training.finetune"),
        ]
    )
    folder = root / key
    if not (folder / "done.json").exists():
        started = time.perf_counter()
        predicted = _train_and_predict(config, model, task, seed, name)
        _finish(folder, seed, task.test, predicted, time.perf_counter() - started)
    return FinetuneRun(folder=folder, **read_json(folder / "done.json"))


def baseline(kind: str, config: FinetuneConfig, task: SentenceTask, seed: int, root: Path) -> FinetuneRun:
    """Return the run of a baseline: ``majority``, or ``tfidf`` with logistic regression, on the same examples."""
    folder = root / short_hash(
        [kind, config.fingerprint(), seed, task.fingerprint, code_hash("distilbook.training.finetune")]
    )
    if not (folder / "done.json").exists():
        started = time.perf_counter()
        train = task.train.sample(config.train_examples, seed)
        predicted = _majority(train, task.test) if kind == "majority" else _tfidf(train, task.test)
        _finish(folder, seed, task.test, predicted, time.perf_counter() - started)
    return FinetuneRun(folder=folder, **read_json(folder / "done.json"))


def _majority(train: Examples, test: Examples) -> np.ndarray:
    return np.full(len(test), np.bincount(train.labels).argmax())


def _tfidf(train: Examples, test: Examples) -> np.ndarray:
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    words = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True)
    return (
        make_pipeline(words, LogisticRegression(C=4.0, max_iter=1000))
        .fit(train.sentences, train.labels)
        .predict(test.sentences)
    )


def _finish(folder: Path, seed: int, test: Examples, predicted: np.ndarray, seconds: float) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(folder / "predictions.npz", labels=test.labels, predictions=predicted, groups=test.groups)
    write_json(
        folder / "done.json",
        {
            "seed": seed,
            "accuracy": accuracy(test.labels, predicted),
            "constant": len(set(predicted.tolist())) == 1,
            "n": len(test),
            "seconds": seconds,
        },
    )


def set_dropout(model, share: float) -> None:
    """Give every dropout of ``model``, those of the attention among them, the same ``share``."""
    for module in model.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = share


def load_classifier(folder: Path, labels: int):
    """Return the pre-trained model in ``folder`` with a new classification head.

    Raises:
        BookError: naming any other weight that was not loaded.
    """
    with quiet_loading():
        model, report = AutoModelForSequenceClassification.from_pretrained(
            folder, num_labels=labels, output_loading_info=True, local_files_only=True
        )
    missing = sorted(name for name in report["missing_keys"] if not name.startswith(NEW_WEIGHTS))
    if missing:
        raise BookError(
            f"{len(missing)} weights were not loaded: {', '.join(missing[:4])}",
            where=folder,
            expected="a whole pre-trained model",
            do="save it with save_pretrained",
        )
    return model


def _train_and_predict(config: FinetuneConfig, folder: Path, task: SentenceTask, seed: int, name: str) -> np.ndarray:
    accelerator = Accelerator()
    torch.manual_seed(seed)
    model = accelerator.prepare(load_classifier(folder, labels=2))
    set_dropout(model, config.dropout)
    tokenizer = load_tokenizer(folder)
    train = task.train.sample(config.train_examples, seed)
    pieces, test_pieces = (_tokens(split.sentences, tokenizer, config.max_length) for split in (train, task.test))
    batches = [
        batch for epoch in range(config.epochs) for batch in length_batches(pieces, config.batch_size, seed, epoch)
    ]
    optimizer = torch.optim.AdamW(model.parameters(), lr=config.learning_rate, weight_decay=0.01, fused=True)
    warmup = max(1, round(config.warmup_share * len(batches)))
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: min((step + 1) / warmup, (len(batches) - step) / max(1, len(batches) - warmup), 1.0)
    )
    progress = Progress(f"fine-tuning {name}, seed {seed}", total=len(batches), unit="batches")
    model.train()
    for batch in batches:
        inputs = tokenizer.pad({"input_ids": [pieces[i] for i in batch]}, return_tensors="pt").to(accelerator.device)
        loss = model(**inputs, labels=torch.from_numpy(train.labels[batch]).to(accelerator.device)).loss
        accelerator.backward(loss)
        accelerator.clip_grad_norm_(model.parameters(), MAX_GRADIENT_NORM)
        optimizer.step()
        schedule.step()
        optimizer.zero_grad()
        progress.advance(1, loss=loss.item())
    progress.close()
    return predict_labels(model.eval(), test_pieces, tokenizer, config.batch_size)


@torch.inference_mode()
def predict_labels(model, pieces: list[list[int]], tokenizer, batch_size: int) -> np.ndarray:
    """Return the label of each of ``pieces``, every one exactly once and in order, (examples,)."""
    predicted = np.empty(len(pieces), dtype=np.int64)
    order = np.argsort([len(piece) for piece in pieces], kind="stable")
    for batch in np.array_split(order, max(1, -(-len(order) // (2 * batch_size)))):
        inputs = tokenizer.pad({"input_ids": [pieces[i] for i in batch]}, return_tensors="pt").to(model.device)
        predicted[batch] = model(**inputs).logits.argmax(-1).cpu().numpy()
    return predicted


def length_batches(pieces: list[list[int]], batch_size: int, seed: int, epoch: int) -> Iterator[np.ndarray]:
    """Yield an epoch's batches of example numbers: shuffled, then sorted by length within a few batches at a time."""
    generator = np.random.default_rng([seed, epoch])
    order = generator.permutation(len(pieces))
    batches = []
    for start in range(0, len(order), batch_size * BATCHES_SORTED):
        group = order[start : start + batch_size * BATCHES_SORTED]
        group = group[np.argsort([len(pieces[i]) for i in group], kind="stable")]
        batches += [group[i : i + batch_size] for i in range(0, len(group), batch_size)]
    for number in generator.permutation(len(batches)):
        yield batches[number]


def _tokens(sentences: list[str], tokenizer, max_length: int) -> list[list[int]]:
    return tokenizer(sentences, truncation=True, max_length=max_length)["input_ids"]
