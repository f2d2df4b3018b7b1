"""Which columns a column is made of, from a KPI back to the column of an export.

Belongs here: reading that from compiled SQL (``sql``), remembering it (``book``), and saying through the settings where
a raw column comes from (``exports``). Does not: showing it, which the documentation, the command line and Dagster do.
"""

from pipelines.lineage.book import LineageBook, Step
from pipelines.lineage.exports import exported_columns
from pipelines.lineage.sql import ROWS, Origin

__all__ = ["ROWS", "LineageBook", "Origin", "Step", "exported_columns"]
