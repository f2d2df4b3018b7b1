"""Dagster, and the command line. What runs, when, in what order; no business logic.

Nothing here computes a number: assets call ``pipelines``, checks call ``data_quality``, models are dbt's.
"""
