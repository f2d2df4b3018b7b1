"""How the records of a source become rows of a canonical table: the part of the settings that users write most of."""

from __future__ import annotations

import re
import unicodedata
from typing import Annotated, Any, Literal, Self

import polars as pl
from pydantic import AfterValidator, Field, PrivateAttr, model_validator

from pipelines import contracts
from pipelines.settings.base import Model, Name
from pipelines.settings.questions import Labels, Question

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
    labels: Labels | None = None  # answers in words, and the number that each stands for; others are refused

    @model_validator(mode="before")
    @classmethod
    def _plain_text_is_a_column(cls, value: Any) -> Any:
        return {"column": value} if isinstance(value, str) else value

    @model_validator(mode="after")
    def _one_origin(self) -> ColumnMapping:
        origins = [n for n in ("column", "sql", "constant", "number_within") if getattr(self, n) is not None]
        if len(origins) != 1:
            raise ValueError("write exactly one of column, sql, constant and number_within")
        if self.labels is not None and (self.column is None or self.values is not None):
            raise ValueError("labels go with column, and not with values")
        return self

    def normalized(self, form: Literal["NFC", "NFKC"]) -> Self:
        """As it meets values that were normalised: people write a label as the file has it."""
        changed = {
            name: {unicodedata.normalize(form, text): meaning for text, meaning in listed.items()}
            for name in ("values", "labels")
            if (listed := getattr(self, name))
        }
        return self.model_copy(update=changed)


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
    questions: Annotated[dict[Name, Question], Field(min_length=1)] | None = None  # by question_id

    _question: str | None = PrivateAttr(default=None)

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
        filled = self._filled_by_questions()
        given = [name for name in filled if name in self.columns]
        if given:
            raise ValueError(
                f"questions fills {given[0]}: remove it from columns, or write the question there"
            )
        missing = [
            c.name
            for c in contract.columns
            if contract.is_required(c) and c.name not in {*self.columns, *filled}
        ]
        if missing:
            instead = ", or list the survey's questions" if "question_id" in missing else ""
            raise ValueError(
                f"{self.table} needs {', '.join(missing)}: map it to a column, sql or constant{instead}"
            )
        if self.keep == "oldest" and self.version is None:
            raise ValueError("keep: oldest needs version, the column or sql that tells which row is older")
        return self

    def _filled_by_questions(self) -> tuple[str, ...]:
        if self.questions is None:
            return ()
        if self.table != "survey.responses":
            raise ValueError(f"questions is for survey.responses, not for {self.table}")
        asked = [(question.column or name, question.metric) for name, question in self.questions.items()]
        twice = [column for column, metric in asked if asked.count((column, metric)) > 1]
        if twice:
            raise ValueError(f"questions: two of them read the column {twice[0]!r} for the same metric")
        return ("question_id", "metric", "score", "scale_min", "scale_max", "comment")

    @property
    def question(self) -> str | None:
        """The question that this mapping is for, where it is one of several of a table."""
        return self._question

    def plain(self) -> tuple[Self, ...]:
        """The mappings that this one stands for: one for each of its questions, else itself."""
        if self.questions is None:
            return (self,)
        return tuple(self._asking(name, question) for name, question in self.questions.items())

    def _asking(self, name: str, question: Question) -> Self:
        filled = {
            column: ColumnMapping.model_validate(origin) for column, origin in question.columns(name).items()
        }
        mapping = self.model_copy(update={"columns": {**self.columns, **filled}, "questions": None})
        mapping._question = name
        return mapping

    def normalized(self, form: Literal["NFC", "NFKC"]) -> Self:
        """As it meets records whose values were normalised."""
        return self.model_copy(
            update={"columns": {name: spec.normalized(form) for name, spec in self.columns.items()}}
        )

    @property
    def stream(self) -> str:
        """The records that it reads, for what is remembered of their columns."""
        return self.explode or self.table

    @property
    def contract(self) -> contracts.Contract:
        return contracts.contract_named(self.table)
