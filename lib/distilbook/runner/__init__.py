"""Executing an edition: what is due, in which order, on which cores; status and cleaning.
Notebooks run through papermill in their own processes.
"""
