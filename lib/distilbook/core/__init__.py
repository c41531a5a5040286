"""Foundations every layer uses: configuration and errors, files and their formats, records, provenance, progress.
Nothing here knows of models, text or tasks.
"""
