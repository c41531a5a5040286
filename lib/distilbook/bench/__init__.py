"""Benchmarks behind ``distilbook bench``: pre-training steps against the original implementation.
They print their findings; no test depends on a time.
"""
