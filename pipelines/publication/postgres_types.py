"""Which type of PostgreSQL holds a type of DuckDB without loss."""

from __future__ import annotations

import re

# As PostgreSQL's own format_type() writes them: what stands there is compared with this.
_TYPES = {
    "BOOLEAN": "boolean",
    "TINYINT": "smallint",
    "SMALLINT": "smallint",
    "UTINYINT": "smallint",
    "INTEGER": "integer",
    "USMALLINT": "integer",
    "BIGINT": "bigint",
    "UINTEGER": "bigint",
    "FLOAT": "real",
    "DOUBLE": "double precision",
    "VARCHAR": "text",
    "DATE": "date",
    "TIME": "time without time zone",
    "TIMESTAMP": "timestamp without time zone",
    "TIMESTAMP WITH TIME ZONE": "timestamp with time zone",
    "UUID": "uuid",
    "BLOB": "bytea",
}
_DECIMAL = re.compile(r"DECIMAL\((\d+),(\d+)\)")


def postgres_type(kind: str) -> str | None:
    """The type that holds every value of a DuckDB type as it is; None: there is none."""
    if kind.endswith("[]"):
        of = postgres_type(kind[:-2])
        # A list of lists may be ragged, an array of arrays may not.
        return None if of is None or of.endswith("[]") else f"{of}[]"
    decimal = _DECIMAL.fullmatch(kind)
    if decimal:
        return f"numeric({decimal.group(1)},{decimal.group(2)})"
    return _TYPES.get(kind)
