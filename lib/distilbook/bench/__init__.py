"""Measurements of the library's own speed and memory, to be run by hand: ``distilbook bench``."""
