"""Distillation: the recipe and its ablations, the student, the triple loss and its objective.
Equations of the paper and the original code, without data or loops.
"""
