"""Databases as sources: PostgreSQL, MySQL or MariaDB, and SQLite, read through DuckDB's extensions.

Belongs here: reaching a database, asking it for no more than is needed, and saying what went wrong without
repeating a secret. Does not: what becomes of the rows (``pipelines.ingest``).
"""

from pipelines.sources.database.errors import DatabaseError
from pipelines.sources.database.reading import Database, TableRead, open_database

__all__ = ["Database", "DatabaseError", "TableRead", "open_database"]
