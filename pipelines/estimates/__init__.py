"""Statistical models fitted on the warehouse, between the models of dbt that feed them and those that read them.

Belongs here: what is read from DuckDB for an estimate, which estimator is chosen, the tables in schema ``estimates``
that are written back, and the page that says how far to trust them. Does not: the mathematics
(``pipelines.estimators``), and what readers see, which dbt makes of these tables.
"""

from pipelines.estimates.lifetime_value import refresh_lifetime_value
from pipelines.estimates.outcome import Outcome
from pipelines.estimates.page import write_page
from pipelines.estimates.tables import create_tables

__all__ = ["Outcome", "create_tables", "refresh_lifetime_value", "write_page"]
