"""Estimators of customer lifetime value and their like, on arrays.

Belongs here: likelihoods, fits and predictions with NumPy and SciPy, each with the paper it comes from. Does not:
DuckDB, settings, or which estimate a company uses (``pipelines.estimates``).
"""
