"""Everything between a source system and a published file that is not a dbt model.

No module in here imports Dagster: every part runs, and is tested, alone.
"""
