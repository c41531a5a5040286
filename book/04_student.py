# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # The student
#
# **You will** build a network with half of the teacher's layers, decide which of them it copies, and account for
# every parameter of BERT-base and DistilBERT. **You will have learnt** where the 40% goes, and why it is not 50%.
# **You need** the [teacher](03_teacher.ipynb).

# %% tags=["parameters"]
edition: str = "laptop"
layers: list = [0, 2, 4]

# %%
from distilbook.edition.chapter import open_chapter

chapter = open_chapter("04_student", globals())
config = chapter.config

# %% [markdown]
# ## Half the layers, all of the width
#
# The paper halves the number of layers and keeps the width: on the hardware of its time, and of ours, a narrower
# network saves less time than a shallower one of the same size. It also drops the token-type embeddings and the
# pooler. What is left has the same shapes as the teacher's, so it can be copied.

# %%
from distilbook.display.figures import layer_map
from distilbook.display.tables import say, show_source, table
from distilbook.model.student import build_student, module_map
from distilbook.model.teacher import load_teacher

teacher = load_teacher(chapter.find("teacher", made_by="03_teacher"), new_head=False)
layer_map(config.layers, teacher.config.num_hidden_layers)

# %% [markdown]
# *Which layers?* The original takes 0, 2, 4, 7, 9 and 11 of BERT's twelve: every other one, but with the pattern
# shifted in the middle so that both the first and the last are among them. The paper says only "one layer out of
# two". It is a parameter here; [pre-training](06_pretraining.ipynb) has its own. The original's choice looks like this:

# %%
layer_map([0, 2, 4, 7, 9, 11], 12)

# %% [markdown]
# ## What is copied
#
# Embeddings, the chosen layers, and the masked-LM head. The original copies the head's transform only on request;
# here it is part of copying. Token types are dropped: how a network without them tells two sentences apart is no
# riddle, it has the `[SEP]` between them.

# %%
show_source(build_student, module_map)

# %%
from distilbook.recipe import Recipe

recipe = Recipe(
    distillation_weight=5.0,
    masked_lm_weight=2.0,
    cosine_weight=1.0,
    temperature=2.0,
    distilled_positions="all",
    initialisation="copied",
    layers=config.layers,
)
student = build_student(teacher, recipe, dropout=0.0, seed=0)
copied = module_map(config.layers)
same = [
    bool((student.get_submodule(ours).weight == teacher.get_submodule(theirs).weight).all())
    for ours, theirs in copied.items()
]
say(f"{sum(same)} of {len(same)} copied modules equal their source, number for number.")

# %% [markdown]
# ## Every parameter
#
# Size does not depend on what the weights are, so the published configurations settle it, on any machine. The paper's
# 110 million are BERT-base with its pooler, and its 66 million DistilBERT without a head.

# %%
from distilbook.model.sizes import parameter_table


def by_part(kind):
    """Sum a model's parameters over its layers, part by part."""
    parts = {}
    for row in parameter_table(kind):
        name = row.part if row.layer is None else f"{row.part} (all layers)"
        parts[name] = parts.get(name, 0) + row.count
    return parts


models = {"BERT-base": by_part("BertModel"), "DistilBERT": by_part("DistilBertModel")}
parts = list(dict.fromkeys(part for counts in models.values() for part in counts))
table(
    [
        {"part": part, **{name: counts.get(part, 0) for name, counts in models.items()}}
        for part in parts
    ]
    + [{"part": "together", **{name: sum(counts.values()) for name, counts in models.items()}}]
)

# %%
from distilbook.display.figures import parameter_bars


def coarse(counts):
    """Gather the parts into embeddings, attention, feed-forward and the rest."""
    groups = {"embeddings": 0, "attention": 0, "feed-forward": 0, "LayerNorm, pooler": 0}
    for part, count in counts.items():
        found = next((group for group in groups if group in part), "LayerNorm, pooler")
        groups[found] += count
    return groups


parameter_bars({name: coarse(counts) for name, counts in models.items()})

# %%
bert, distilbert = (sum(counts.values()) for counts in models.values())
inside = bert - sum(
    count for part, count in models["BERT-base"].items() if "embeddings" in part
)
say(
    f"From {bert:,} to {distilbert:,} parameters: {1 - distilbert / bert:.1%} smaller. Half of the layers are gone, but "
    f"{(bert - inside) / bert:.0%} of BERT are embeddings, and of these almost nothing is saved."
)

# %% [markdown]
# And this edition's own pair:

# %%
from distilbook.model.sizes import parameters_of

ours = {
    "teacher": parameters_of(teacher.base_model),
    "student": parameters_of(student.base_model),
}
table([{"model": name, "parameters": count} for name, count in ours.items()])

# %%
say(
    f"Here the student is {1 - ours['student'] / ours['teacher']:.1%} smaller. A narrow network is mostly vocabulary, "
    "so halving its layers saves less."
)

# %% [markdown]
# ## Summary
#
# - The student is a plain DistilBERT: fewer layers, no token types, no pooler, the same width.
# - Copying is exact: what is copied equals the teacher's number for number.
# - Halving the depth does not halve the size, because the embeddings stay.
#
# ## Exercises
#
# 1. Copy the *last* layers instead (change `layers`). Which other parts would you then expect to fit less well?
# 2. How many layers could be taken away before the student is half as large as BERT-base?
# 3. Add the first token-type embedding to every position embedding of the student. For which inputs are its
#    embeddings now exactly the teacher's?
