"""Fine-tuning on tasks: heads, runs, the grid over tasks, models and seeds, baselines, the token-type probe.
Predictions are kept for every example.
"""
