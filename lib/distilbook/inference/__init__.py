"""Inference speed and memory: models, the timing protocol, worker processes, records.
Sizes and times of the paper's Table 3 and of the edition's own pair.
"""
