"""The book: its chapters, their parameters and notebooks, and what each chapter opens.
The only layer that knows chapters by name, besides the runner and the site above it.
"""
