"""Text as blocks of tokens: tokenising, packing into blocks of one length, and token masking.

:mod:`~distilbook.corpus.build` makes a corpus; :mod:`~distilbook.corpus.corpus` opens one and imports nothing that makes it.
"""
