"""RoBERTa (Liu et al. 2019): no token types, positions counted behind the padding; its students are RoBERTas."""

from ..family import Family
from .bert import BERT

ROBERTA = Family(
    model_type="roberta",
    title="a RoBERTa",
    prefix="roberta",
    classes={
        "encoder": "RobertaModel",
        "masked_lm": "RobertaForMaskedLM",
        "classifier": "RobertaForSequenceClassification",
    },
    dimensions=BERT.dimensions,
    activation=BERT.activation,
    dropouts=BERT.dropouts,
    layer=BERT.layer,
    modules=BERT.modules,
    head={"head_dense": "lm_head.dense", "head_norm": "lm_head.layer_norm", "head_decoder": "lm_head.decoder"},
    head_bias="lm_head.bias",
    head_activation="gelu",
    classifier=("classifier.dense", "classifier.out_proj"),
    new_in_classifier=("classifier.dense", "classifier.out_proj"),
    other_heads={"qa_outputs": 2},
    special=("<unk>", "<pad>", "<s>", "</s>", "<mask>"),
    separators=2,
    pad_id=1,
    positions_after_padding=True,
    student="roberta",
)
