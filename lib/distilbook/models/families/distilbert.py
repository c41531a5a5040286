"""DistilBERT (Sanh et al. 2019): a BERT without token types and pooler; never a teacher here."""

from ..family import Family

DISTILBERT = Family(
    model_type="distilbert",
    title="a DistilBERT",
    prefix="distilbert",
    classes={
        "encoder": "DistilBertModel",
        "masked_lm": "DistilBertForMaskedLM",
        "classifier": "DistilBertForSequenceClassification",
    },
    dimensions={
        "layers": "n_layers",
        "width": "dim",
        "heads": "n_heads",
        "feed_forward": "hidden_dim",
        "vocabulary": "vocab_size",
        "positions": "max_position_embeddings",
    },
    activation="activation",
    dropouts=("dropout", "attention_dropout"),
    layer="transformer.layer.{}",
    modules={
        "word_embeddings": "embeddings.word_embeddings",
        "position_embeddings": "embeddings.position_embeddings",
        "embedding_norm": "embeddings.LayerNorm",
        "query": "attention.q_lin",
        "key": "attention.k_lin",
        "value": "attention.v_lin",
        "attention_output": "attention.out_lin",
        "attention_norm": "sa_layer_norm",
        "widening": "ffn.lin1",
        "narrowing": "ffn.lin2",
        "output_norm": "output_layer_norm",
    },
    head={"head_dense": "vocab_transform", "head_norm": "vocab_layer_norm", "head_decoder": "vocab_projector"},
    head_bias="vocab_projector.bias",
    classifier=("pre_classifier", "classifier"),
    new_in_classifier=("pre_classifier", "classifier"),
    other_heads={"qa_outputs": 2},
    layer_norm_eps=1e-12,
)
