"""What a contract is made of. No table of any source belongs here."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

import polars as pl

DECIMAL_PRECISION = 18
DECIMAL_SCALE = (
    4  # a tenth of a cent's tenth: unit prices of bulk goods have four decimals, amounts never more
)


class Kind(Enum):
    """The types a canonical column can have; ``timestamp`` is naive UTC with microseconds."""

    TEXT = "text"
    INTEGER = "integer"
    DECIMAL = "decimal"
    TIMESTAMP = "timestamp"
    DATE = "date"
    BOOLEAN = "boolean"
    JSON = "json"

    @property
    def polars(self) -> pl.DataType | type[pl.DataType]:
        return _POLARS[self]

    @property
    def duckdb(self) -> str:
        return _DUCKDB[self]


_POLARS: dict[Kind, pl.DataType | type[pl.DataType]] = {
    Kind.TEXT: pl.String,
    Kind.INTEGER: pl.Int64,
    Kind.DECIMAL: pl.Decimal(DECIMAL_PRECISION, DECIMAL_SCALE),
    Kind.TIMESTAMP: pl.Datetime("us"),
    Kind.DATE: pl.Date,
    Kind.BOOLEAN: pl.Boolean,
    Kind.JSON: pl.String,
}
_DUCKDB: dict[Kind, str] = {
    Kind.TEXT: "varchar",
    Kind.INTEGER: "bigint",
    Kind.DECIMAL: f"decimal({DECIMAL_PRECISION}, {DECIMAL_SCALE})",
    Kind.TIMESTAMP: "timestamp",
    Kind.DATE: "date",
    Kind.BOOLEAN: "boolean",
    Kind.JSON: "varchar",
}


@dataclass(frozen=True)
class Column:
    """One column: its meaning, and what a value must be to be let in."""

    name: str
    kind: Kind
    description: str
    required: bool = False
    allowed: tuple[str, ...] = ()
    personal: bool = False  # identifies a person directly: never leaves the warehouse


@dataclass(frozen=True)
class RowCheck:
    """A rule inside one row. ``fails`` is true for the rows that break it."""

    reason: str
    fails: pl.Expr


@dataclass(frozen=True)
class Contract:
    """A canonical table. ``key`` columns are required and together name one row."""

    schema: str
    table: str
    key: tuple[str, ...]
    description: str
    columns: tuple[Column, ...]
    row_checks: tuple[RowCheck, ...] = field(default=())

    @property
    def name(self) -> str:
        """As settings and messages write it: ``crm.orders``."""
        return f"{self.schema}.{self.table}"

    @property
    def raw_name(self) -> str:
        """As the warehouse writes it: ``raw_crm.orders``."""
        return f"raw_{self.schema}.{self.table}"

    @property
    def column_names(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns)

    def is_required(self, column: Column) -> bool:
        return column.required or column.name in self.key

    @property
    def has_column_updated_at(self) -> bool:
        return "updated_at" in self.column_names
