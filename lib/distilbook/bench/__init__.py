"""Benchmarks as commands: pre-training against the original implementation.
Called by `distilbook bench`; never a timed test.
"""
