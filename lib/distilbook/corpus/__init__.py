"""Text as blocks of tokens: tokenising, packing, and the masks of training and evaluation.
`build` makes a corpus, `corpus` opens one.
"""
