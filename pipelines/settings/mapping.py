"""How the records of a source become rows of a canonical table: the part of the settings that users write most of."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

import polars as pl
from pydantic import AfterValidator, Field, model_validator

from pipelines import contracts
from pipelines.settings.base import Model, Name

# What an expression must not do. The words are looked for in the text too, because polars rewrites some.
_BEYOND_THE_RECORD = re.compile(r"\bover\s*\(|\bcurrent_(date|time|timestamp)\b", re.IGNORECASE)
_AGGREGATES = ('"Agg":', '"Over":', '"Len"')  # as polars serialises an expression


def _of_one_record(sql: str) -> str:
    """Refuse what is no SQL, and what looks at other records: which records share a file must not matter."""
    try:
        expression = pl.sql_expr(sql).meta.serialize(format="json")
    except pl.exceptions.PolarsError as error:
        raise ValueError(f"this is no SQL expression that polars knows: {error}") from None
    if _BEYOND_THE_RECORD.search(sql) or any(sign in expression for sign in _AGGREGATES):
        raise ValueError(
            "aggregates, window functions and the clock depend on more than the record itself; "
            "write number_within: [column, ...] to number records"
        )
    return sql


Sql = Annotated[str, AfterValidator(_of_one_record)]


class ColumnMapping(Model):
    """Where one canonical column comes from. Exactly one of the first four keys."""

    column: Name | None = None
    sql: Sql | None = None
    constant: str | int | float | bool | None = None
    number_within: Annotated[tuple[Name, ...], Field(min_length=1)] | None = None
    format: str | None = None  # of dates and times, strptime's letters; default ISO 8601
    optional: bool = False  # null where the file does not have the column, instead of an error
    values: dict[str, str] | None = None  # replaces labels by canonical values; what is not listed stays

    @model_validator(mode="before")
    @classmethod
    def _plain_text_is_a_column(cls, value: Any) -> Any:
        return {"column": value} if isinstance(value, str) else value

    @model_validator(mode="after")
    def _one_origin(self) -> ColumnMapping:
        origins = [n for n in ("column", "sql", "constant", "number_within") if getattr(self, n) is not None]
        if len(origins) != 1:
            raise ValueError("write exactly one of column, sql, constant and number_within")
        return self


class TableMapping(Model):
    """How the records of a source become rows of one canonical table."""

    table: str
    columns: dict[str, ColumnMapping]
    where: Sql | None = None  # SQL condition: which records are rows of this table
    explode: str | None = None  # JSON Lines: the list whose elements are the rows
    version: ColumnMapping | None = (
        None  # which of two rows with one key is newer; default: updated_at, then arrival
    )
    keep: Literal["newest", "oldest"] = "newest"

    @model_validator(mode="after")
    def _follows_its_contract(self) -> TableMapping:
        try:
            contract = contracts.contract_named(self.table)
        except KeyError as error:
            raise ValueError(error.args[0]) from None
        unknown = [name for name in self.columns if name not in contract.column_names]
        if unknown:
            raise ValueError(
                f"{self.table} has no column {unknown[0]!r}; it has {', '.join(contract.column_names)}"
            )
        missing = [c.name for c in contract.columns if contract.is_required(c) and c.name not in self.columns]
        if missing:
            raise ValueError(f"{self.table} needs {', '.join(missing)}: map it to a column, sql or constant")
        if self.keep == "oldest" and self.version is None:
            raise ValueError("keep: oldest needs version, the column or sql that tells which row is older")
        return self

    @property
    def contract(self) -> contracts.Contract:
        return contracts.contract_named(self.table)
