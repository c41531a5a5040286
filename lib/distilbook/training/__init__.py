"""Training loop of all stages: objectives, batches, optimiser steps, precision, checkpoints, divergence guard, logs.
Recipes and tasks are defined in the packages above.
"""
