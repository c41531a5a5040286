"""Training: the loop, and the stages that use it."""
