"""Models in folders: what a folder holds, loading, the student made from a teacher, the encoder, the LM head, sizes.
BERT and its relatives; a model is always addressed by a folder, a pinned wheel or the Hub.
"""
