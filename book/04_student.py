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
# **You will** build a network with fewer layers than its teacher, decide which of them it copies, and account for
# every parameter of BERT-base and DistilBERT. **You will have learnt** where the 40% goes, and why it is not 50%.
# **You need** the [teacher](03_teacher.ipynb).

# %% tags=["parameters"]
edition: str = "laptop"
layers: list = [0, 2, 4]

# %%
from distilbook.book.chapter import open_chapter

chapter = open_chapter("04_student", globals())
config = chapter.config

# %% [markdown]
# ## Half the layers, all of the width
#
# The paper halves the number of layers and keeps the width: it reports that, at the same number of parameters, fewer
# layers save more computing time than a smaller width. It also drops the token-type embeddings and the pooler. What is
# left has the same shapes as the teacher's, so it can be copied.

# %%
from distilbook.views.models import layer_map
from distilbook.views.style import say, show_source, table
from distilbook.distillation.student import (
    build_student,
    copied_weights,
    module_map,
)
from distilbook.models.loading import load_teacher

teacher = load_teacher(
    chapter.find("teacher", made_by="03_teacher"), new_head=False
)
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
show_source(build_student, copied_weights)

# %% [markdown]
# Of a recipe only two fields matter here, what the weights start from and which layers are copied: nothing is trained.

# %%
from distilbook.distillation.recipe import ORIGINAL

recipe = ORIGINAL.model_copy(update={"layers": config.layers})
student = build_student(teacher, recipe, dropout=0.0, seed=0)

# %%
from distilbook.views.models import copies

same = [
    bool(
        (
            student.get_submodule(ours).weight
            == teacher.get_submodule(theirs).weight
        ).all()
    )
    for ours, theirs in module_map(teacher, config.layers).items()
]
say(copies(same))

# %% [markdown]
# ## Every parameter
#
# Size does not depend on what the weights are, so the published configurations settle it, on any machine. The paper's
# 110 million are BERT-base with its pooler, and its 66 million DistilBERT without a head.

# %%
from distilbook.views.models import coarse, parameters_by_part, part_rows

published = {
    "BERT-base": parameters_by_part("BertModel"),
    "DistilBERT": parameters_by_part("DistilBertModel"),
}
table(part_rows(published))

# %%
from distilbook.views.models import parameter_bars

parameter_bars({name: coarse(parts) for name, parts in published.items()})

# %%
from distilbook.views.models import published_sizes

say(published_sizes(published["BERT-base"], published["DistilBERT"]))

# %% [markdown]
# And this edition's own pair, counted as the paper counts: the teacher with a pooler, neither with a head.

# %%
own = {
    "teacher": parameters_by_part(teacher.config),
    "student": parameters_by_part(student.config, pooler=False),
}
table(
    [
        {"model": name, "parameters": sum(parts.values())}
        for name, parts in own.items()
    ]
)

# %%
from distilbook.views.models import own_sizes

say(own_sizes(list(own.values()), list(published.values())))

# %% [markdown]
# With the same vocabulary and depth, the narrower a network, the larger the part of it that is embeddings: they grow
# with the width, and layers with its square. Then halving the layers saves less.

# %% [markdown]
# ## Summary
#
# - The student of a BERT is a plain DistilBERT: fewer layers, no token types, no pooler, the same width.
# - What is copied is compared with its source, number for number.
# - Halving the depth does not halve the size, because the embeddings stay.
#
# ## Exercises
#
# 1. Copy the *last* layers instead (change `layers`). Which other parts would you then expect to fit less well?
# 2. How many layers could be taken away before the student is half as large as BERT-base?
# 3. Add the first token-type embedding to every position embedding of the student. For which inputs are its
#    embeddings now exactly the teacher's?
