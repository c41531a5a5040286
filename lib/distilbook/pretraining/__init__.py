"""Pre-training: the teacher's head, students by recipe and ablation, held-out measurements, export.
Runs are found by their keys; their records are made here.
"""
