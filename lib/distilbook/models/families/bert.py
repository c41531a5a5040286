"""BERT (Devlin et al. 2019): uncased, cased and multilingual; its students are DistilBERTs."""

from ..family import Family

BERT = Family(
    model_type="bert",
    title="a BERT",
    prefix="bert",
    classes={"encoder": "BertModel", "masked_lm": "BertForMaskedLM", "classifier": "BertForSequenceClassification"},
    dimensions={
        "layers": "num_hidden_layers",
        "width": "hidden_size",
        "heads": "num_attention_heads",
        "feed_forward": "intermediate_size",
        "vocabulary": "vocab_size",
        "positions": "max_position_embeddings",
        "token_types": "type_vocab_size",
    },
    activation="hidden_act",
    dropouts=("hidden_dropout_prob", "attention_probs_dropout_prob"),
    layer="encoder.layer.{}",
    modules={
        "word_embeddings": "embeddings.word_embeddings",
        "position_embeddings": "embeddings.position_embeddings",
        "token_type_embeddings": "embeddings.token_type_embeddings",
        "embedding_norm": "embeddings.LayerNorm",
        "query": "attention.self.query",
        "key": "attention.self.key",
        "value": "attention.self.value",
        "attention_output": "attention.output.dense",
        "attention_norm": "attention.output.LayerNorm",
        "widening": "intermediate.dense",
        "narrowing": "output.dense",
        "output_norm": "output.LayerNorm",
        "pooler": "pooler.dense",
    },
    head={
        "head_dense": "cls.predictions.transform.dense",
        "head_norm": "cls.predictions.transform.LayerNorm",
        "head_decoder": "cls.predictions.decoder",
    },
    head_bias="cls.predictions.bias",
    classifier=("pooler.dense", "classifier"),
    new_in_classifier=("classifier",),
    other_heads={"qa_outputs": 2, "cls.seq_relationship": 2},
    inputs=("input_ids", "token_type_ids", "attention_mask"),
    student="distilbert",
)
