"""Models of the BERT family: addresses, checks of a model's folder, loading, encoder, LM head, parameter counts."""
