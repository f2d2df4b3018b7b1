"""Static pages about the tables: a data dictionary with the lineage of each column, and dbt's own pages.

Belongs here: what is on the pages, and that they open offline and show no personal data and no path of this machine.
Does not: descriptions (the models' YAML, the contracts), and what the lineage is (``pipelines.lineage``).
"""

from pipelines.documentation.writing import refresh_documentation, write_documentation

__all__ = ["refresh_documentation", "write_documentation"]
