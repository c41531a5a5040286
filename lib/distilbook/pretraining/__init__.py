"""Pre-training: the teacher's head, students with the recipe and its ablations, held-out measurements, export.
Runs are kept by key, and their records made here.
"""
