"""The training loop: steps, batches, schedule, precision, checkpoints, divergence guard, logs.
It trains any `Objective`; what is learnt is decided above.
"""
