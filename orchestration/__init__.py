"""Dagster, and the command line. What runs, when, in what order; no business logic.

Nothing here computes a number: assets call ``pipelines``, checks call ``data_quality``, models are dbt's.
"""

import gc

# By default Python looks for cycles after every 700 new objects. Dagster, dbt and its parsed project are a million that
# stay: looking at them again and again was a tenth of the processor time of a night.
gc.set_threshold(50_000)
