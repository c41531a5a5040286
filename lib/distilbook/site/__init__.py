"""The rendered book: executed notebooks as pages, and the budget page.
Nothing here computes a result.
"""
