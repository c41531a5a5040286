"""Training: objectives, batches, the loop over optimiser steps, precision, checkpoints, divergence guard and logs.
One loop trains every stage; without knowledge of recipes and tasks.
"""
