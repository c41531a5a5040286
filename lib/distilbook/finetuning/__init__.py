"""Fine-tuning on tasks: heads, runs, the grid of tasks x models x seeds, baselines, the token-type probe.
Predictions and scores of every example are kept.
"""
