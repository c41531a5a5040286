# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Sentence tasks
#
# **You will** fine-tune the teacher and every student on a task with labels, and hold them against two baselines that
# know nothing of language. **You will have learnt** what "97% of the score" hides, and what else to ask.
# **You need** the students of [chapter 06](06_pretraining.ipynb) and its [ablations](07_ablations/without_teacher.ipynb).

# %% tags=["parameters"]
edition: str = "laptop"
task: str = "wheel:reviews"
train_examples: int = 2000
epochs: int = 1
batch_size: int = 16
learning_rate: float = 1.0e-4
warmup_share: float = 0.1
max_length: int = 64
dropout: float = 0.0
seeds: list = [0, 1]

# %%
from distilbook.edition.chapter import open_chapter

chapter = open_chapter("08_sentence_tasks", globals())
config = chapter.config

# %% [markdown]
# ## The task
#
# The paper's tasks are those of GLUE {cite:p}`wang2018glue`; one of them, SST-2, asks whether a sentence of a film
# review praises the film {cite:p}`pang2005stars`. The parameter `task` names this edition's: a counterpart of the same
# family, from a pinned package or a file.

# %%
from distilbook.data.tasks import sentence_task
from distilbook.display.tables import say, show_source, table

task = sentence_task(config.task)
table(
    [
        {
            "split": name,
            "sentences": len(split),
            "groups (films)": len(set(split.groups)),
            "share of label 1": f"{split.labels.mean():.1%}",
        }
        for name, split in (("train", task.train), ("test", task.test))
    ]
)

# %%
table(
    [
        {"sentence": task.train.sentences[i], "label": int(task.train.labels[i])}
        for i in (0, len(task.train) // 2, len(task.train) - 1)
    ]
)

# %% [markdown]
# *Our remark.* Sentences about one film are not independent: who knows that a film was panned can guess the next
# sentence's label without reading it. So no film is in both splits, and intervals resample films, not sentences.

# %% [markdown]
# ## Fine-tuning
#
# A new linear head on the first position's hidden state; all weights are trained. Sentences of similar length share a
# batch, so that little is spent on padding. The paper states neither learning rates nor epochs for this step.

# %%
from distilbook.training.finetune import baseline, finetune, length_batches

show_source(finetune, length_batches)

# %% [markdown]
# Each seed draws its own training examples and its own head. A student's seed is also that of the pre-training run it
# comes from, where there are as many.

# %%
from distilbook.training.arms import published_runs
from distilbook.training.measurements import finetuning_records

students = {
    arm: published_runs(chapter.workspace, arm, made_by)
    for arm, made_by in (
        ("full", "06_pretraining"),
        ("without_teacher", "07_ablations/without_teacher"),
        ("random_initialisation", "07_ablations/random_initialisation"),
    )
}
teacher = chapter.find("teacher", made_by="03_teacher")
folder = chapter.workspace.results / "finetuning"

# %%
results = {name: [] for name in ("teacher", *students, "tfidf", "majority")}
for seed in config.seeds:
    results["teacher"].append(finetune(config, teacher, task, seed, folder, "the teacher"))
    for arm, runs in students.items():
        run = runs[config.seeds.index(seed) % len(runs)]
        results[arm].append(finetune(config, run.folder / "model", task, seed, folder, arm))
    for kind in ("tfidf", "majority"):
        results[kind].append(baseline(kind, config, task, seed, folder))

# %%
sources = {arm: [run.seed for run in runs] for arm, runs in students.items()}
records = chapter.record(finetuning_records(chapter.id, config, task, results, sources))

# %% [markdown]
# ## The scores

# %%
from distilbook.display.figures import scores

scores(
    {name: [run.accuracy for run in runs] for name, runs in results.items()},
    "test accuracy",
    f"Accuracy on {task.name}, a mark a seed",
)

# %%
from distilbook.display.rows import answer_rows, lead_rows, score_rows

table(score_rows(results))

# %% [markdown]
# A seed is *constant* when it says the same of every sentence. That is a collapse, whatever its accuracy, and a median
# over such seeds measures the class balance of the test set.
#
# ## Retention, and what it hides
#
# The student's score over the teacher's is *retention*. It flatters: on a balanced task a coin keeps at least half of
# any teacher's score. So beside it stands the share of the teacher's *lead* over a baseline that the student keeps,
#
# $$ \text{share of the lead} = \frac{\text{student} - \text{baseline}}{\text{teacher} - \text{baseline}} , $$
#
# once over the majority class and once over TF-IDF with logistic regression, which reads words and knows no language.

# %%
from distilbook.claims import claim, judge

verdict = judge(claim("retention"), chapter.records.current())
say(verdict.sentence)

# %%
rows = lead_rows(verdict.shares)
table(rows) if rows else say("No baseline is led for certain: there is no share to show.")

# %% [markdown]
# ## Did the teacher's outputs help here?
#
# The held-out text can favour a student and the task need not. So the same comparison once more, on the task: each
# model's right and wrong answers to the same sentences, differences with an interval over films and seeds.

# %%
from distilbook.training.measurements import right_answers

right = {name: right_answers(runs) for name, runs in results.items()}
questions = [("full", arm) for arm in students if arm != "full"] + [("teacher", "tfidf")]
table(answer_rows(right, questions, task.test.groups))

# %% [markdown]
# ## Summary
#
# - Retention by itself says little; the share of the lead says what pre-training and distillation are for.
# - What helps on held-out text need not show on a task; the last table says what this edition could see.
# - Sentences about one film have something in common. An interval over films allows for that, one over sentences
#   does not.
#
# ## Exercises
#
# 1. Raise `train_examples`. Does the baseline or the student gain more?
# 2. Compute the accuracy of the full recipe's student on each film from the kept predictions. Which films are hardest?
# 3. What retention would a model have that always says "fresh"?
