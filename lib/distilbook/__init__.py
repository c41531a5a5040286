"""The library behind the DistilBERT book: a half-depth student, its triple loss, and the claims made of it."""
