"""The method itself: the recipe, its losses.
Equations of the paper and of the original code, without data or loops.
"""
