"""Tables and claims of the paper (Sanh et al. 2019, arXiv 1910.01108), and the rule that judges each claim.

The rules were written before the runs they judge. A figure printed to some digits is reproduced by a value that
rounds to it: 77.0 / 79.5 is 96.9%, printed 97%, and 66.36 of 109.48 million parameters is 39.4% smaller, printed
40%. Where more is better, more than the figure reproduces it as well.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from statistics import mean

from ..core.config import BookError, nearest

#: The tasks of GLUE, in the order of Table 1.
GLUE = ("CoLA", "MNLI", "MRPC", "QNLI", "QQP", "RTE", "SST-2", "STS-B", "WNLI")
#: GLUE development sets, median of 5 seeds: the macro-score and the tasks' scores. CoLA: Matthews correlation; STS-B:
#: mean of Pearson and Spearman; MRPC and QQP: mean of F1 and accuracy; the rest: accuracy; all times 100.
TABLE_1: dict[str, dict[str, float]] = {
    model: dict(zip(("Score", *GLUE), scores, strict=True))
    for model, scores in {
        "ELMo": (68.7, 44.1, 68.6, 76.6, 71.1, 86.2, 53.4, 91.5, 70.4, 56.3),
        "BERT-base": (79.5, 56.3, 86.7, 88.6, 91.8, 89.6, 69.3, 92.7, 89.0, 53.5),
        "DistilBERT": (77.0, 51.3, 82.2, 87.5, 89.2, 88.5, 59.9, 91.3, 86.9, 56.3),
    }.items()
}

#: The MNLI score of BERT-base with which its row in Table 1 has the printed average.
BERT_MNLI_IN_THE_CODE = 84.7
TABLE_1_REMARK = (
    f"BERT-base's score of {TABLE_1['BERT-base']['Score']} is the mean of its row only with "
    f"{BERT_MNLI_IN_THE_CODE} for MNLI, as the README of the original code has it; the table prints "
    f"{TABLE_1['BERT-base']['MNLI']}."
)

#: IMDb test accuracy; SQuAD 1.1 development set, exact match and F1; all in percent.
TABLE_2: dict[str, dict[str, float]] = {
    "BERT-base": {"IMDb": 93.46, "SQuAD EM": 81.2, "SQuAD F1": 88.5},
    "DistilBERT": {"IMDb": 92.82, "SQuAD EM": 77.7, "SQuAD F1": 85.8},
    "DistilBERT, distilled twice": {"SQuAD EM": 79.1, "SQuAD F1": 86.9},
}

#: Millions of parameters; seconds for a full pass of STS-B's development set on a CPU at batch size 1.
TABLE_3: dict[str, dict[str, float]] = {
    "ELMo": {"parameters": 180, "seconds": 895},
    "BERT-base": {"parameters": 110, "seconds": 668},
    "DistilBERT": {"parameters": 66, "seconds": 410},
}
TABLE_3_REMARK = "ELMo has 93.6 million parameters at its published size; the table prints 180 million."

#: Change of the GLUE macro-score by ablation. The paper gives neither variance nor number of seeds.
TABLE_4: dict[str, float] = {
    "without_distillation": -2.96,
    "without_cosine": -1.46,
    "without_mlm": -0.31,
    "random_initialisation": -3.69,
}

#: The tasks whose scores the paper reports; a measurement on any other is a verdict in miniature.
PAPER_TASKS = frozenset(GLUE) | {"IMDb", "SQuAD"}
#: Examples of the tasks' training sets; fine-tuning on fewer gives a verdict in miniature.
TRAINING_SETS = {
    "CoLA": 8_551,
    "MNLI": 392_702,
    "MRPC": 3_668,
    "QNLI": 104_743,
    "QQP": 363_846,
    "RTE": 2_490,
    "SST-2": 67_349,
    "STS-B": 5_749,
    "WNLI": 635,
    "IMDb": 25_000,
}
#: The recorded names of a teacher and a student that have the published dimensions.
PAPER_PAIR = ("bert-base", "distilbert")


@dataclass(frozen=True)
class Claim:
    """One claim and the rule it is judged by.

    Attributes:
        kind: the measurement: ``size``, ``time``, ``retention``, ``gap`` or ``arm`` (an ablation).
        paper_value: the paper's figure, as a share or ratio; for gaps as a share of the examples, for ablations
            as a share of the GLUE score; None if the paper has none.
        source: section or table of the paper.
        statistic, rule: the statistic and its decision rule, in words.
        bound: the threshold; the claim holds from here on.
        seeds: number of seeds (for times: process starts) a verdict needs.
        arm: for ablations, the recipe that the full one is compared with.
    """

    id: str
    kind: str
    title: str
    statement: str
    paper_value: float | None
    source: str
    statistic: str
    rule: str
    bound: float
    seeds: int
    arm: str | None = None


ARM_STATISTIC = "masked accuracy on held-out text, full recipe minus ablation, paired by seed, at equal tokens"
ARM_RULE = (
    "Needs equal tokens and two seeds. From three seeds on, the 95% interval must lie on one side of zero; it combines "
    "in quadrature Student's interval over the seeds' paired differences and that over the blocks of held-out text. "
    "With two seeds, both differences must lie on one side of zero by more than the noise of seeds and text: twice "
    "the larger of the two recipes' ranges over seeds and the half-width over text, combined in quadrature."
)


def _arm(arm: str, title: str, statement: str, source: str) -> Claim:
    change = TABLE_4.get(arm)
    return Claim(
        id=arm,
        kind="arm",
        title=title,
        statement=statement,
        paper_value=None if change is None else -change / 100,
        source=source,
        statistic=ARM_STATISTIC,
        rule=ARM_RULE,
        bound=0.0,
        seeds=2,
        arm=arm,
    )


CLAIMS: tuple[Claim, ...] = (
    Claim(
        id="smaller",
        kind="size",
        title="40% smaller",
        statement="DistilBERT has 40% fewer parameters than BERT-base.",
        paper_value=0.40,
        source="abstract; Table 3",
        statistic="1 - student's parameters / teacher's parameters, without task heads, with BERT's pooler",
        rule="Printed to one digit, so the threshold is 35%; smaller still holds as well. The counts are exact.",
        bound=0.35,
        seeds=0,
    ),
    Claim(
        id="retention",
        kind="retention",
        title="97% of the score",
        statement="DistilBERT retains 97% of BERT-base's score on GLUE.",
        paper_value=0.97,
        source="abstract; Table 1 (77.0 / 79.5)",
        statistic="student's macro-score / teacher's macro-score: the mean, over this edition's tasks with both models, "
        "of the median over seeds of the task's official metric",
        rule="Printed to two digits, so the threshold is 96.5%. The 95% interval must lie on one side of it; it "
        "resamples each task's examples (or clusters of them) and the seeds, with a widening factor for fewer than five "
        "seeds. Two seeds of each model are needed. Seeds with constant predictions are reported and excluded. No "
        "verdict if the teacher is not significantly better than the majority class. Anything but all the tasks of "
        "GLUE, with their whole training sets and models of the paper's size, is in miniature.",
        bound=0.965,
        seeds=2,
    ),
    Claim(
        id="imdb",
        kind="gap",
        title="0.6 points behind on IMDb",
        statement="DistilBERT is at most 0.6 points behind BERT-base in test accuracy on IMDb.",
        paper_value=round((TABLE_2["DistilBERT"]["IMDb"] - TABLE_2["BERT-base"]["IMDb"]) / 100, 4),
        source="section 4.1; Table 2 (92.82 against 93.46)",
        statistic="student's accuracy - teacher's accuracy on the texts of this edition, medians over seeds",
        rule="Printed to one digit, so the threshold is -0.65 points; a smaller gap, or a lead, holds as well. Interval, "
        "seeds, the teacher's lead and verdicts in miniature are as for the score on GLUE.",
        bound=-0.0065,
        seeds=2,
    ),
    Claim(
        id="faster",
        kind="time",
        title="60% faster",
        statement="DistilBERT is 60% faster than BERT-base on a CPU at batch size 1.",
        paper_value=1.60,
        source="abstract; Table 3 (668 s / 410 s)",
        statistic="teacher's time / student's time, median over sentence pairs, at batch size 1",
        rule="Printed to one digit, so the threshold is a ratio of 1.55; faster still holds as well. The interval "
        "covers every process start, at every number of threads; it must lie on one side of 1.55 by more than the "
        "noise, the deviation from 1 of the teacher timed against itself. Two starts are needed. No verdict on a "
        "machine whose noise exceeds 10%.",
        bound=1.55,
        seeds=2,
    ),
    _arm("without_distillation", "The distillation loss helps", "Without L_ce the student is worse.", "Table 4"),
    _arm("without_cosine", "The cosine loss helps", "Without L_cos the student is worse.", "Table 4"),
    _arm("without_mlm", "The masked-LM loss helps a little", "Without L_mlm the student is slightly worse.", "Table 4"),
    _arm(
        "random_initialisation",
        "Copying the teacher's layers helps",
        "With the triple loss but random weights to start from, the student is worse.",
        "Table 4",
    ),
    _arm(
        "without_teacher",
        "The teacher's outputs help",
        "Copied layers trained by masked language modelling alone are worse than the full recipe.",
        "our question: the paper has no such control",
    ),
)


def claim(id: str) -> Claim:
    """Return the claim with this ``id``.

    Raises:
        BookError: for an unknown id, with the nearest known one.
    """
    known = {one.id: one for one in CLAIMS}
    if id not in known:
        raise BookError(f"there is no claim {id!r}", do=nearest(id, list(known), "claims"))
    return known[id]


def table_1_mean(model: str, tasks: Iterable[str]) -> float:
    """Return the mean of Table 1 over ``tasks`` of GLUE, with BERT-base's MNLI from the README of the original code.

    The mean over all tasks is the printed score.
    """
    row = TABLE_1[model] | ({"MNLI": BERT_MNLI_IN_THE_CODE} if model == "BERT-base" else {})
    return mean(row[task] for task in tasks)
