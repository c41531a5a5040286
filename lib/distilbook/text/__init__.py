"""Running text from files, the Hub and pinned wheels.

:mod:`~distilbook.text.sources` yields it as documents with names and paragraphs; nothing is tokenised here.
"""
