"""The families of models, one file each: BERT and its students, RoBERTa.
A new file with a :class:`~distilbook.models.family.Family` in it is all that a further family takes.
"""
