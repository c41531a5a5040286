"""Inference: size, time and memory of models with random weights (Table 3 of the paper).
Models and inputs as plain data, the timing protocol, the processes that measure, breakdown and records.
"""
