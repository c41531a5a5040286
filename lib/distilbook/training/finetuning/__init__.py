"""Fine-tuning on labelled tasks: one run, the baselines beside it, and a grid of tasks, models and seeds."""
