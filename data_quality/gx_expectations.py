"""Two expectations that Great Expectations lacks. Importing this module imports Great Expectations.

Both only count. Its own ``UnexpectedRowsExpectation`` runs its query twice and fetches the rows, which may
hold personal data; and its column expectations look at one column at a time.
"""

from __future__ import annotations

from typing import Any, ClassVar

import sqlalchemy as sa
from great_expectations.core.metric_domain_types import MetricDomainTypes
from great_expectations.core.metric_function_types import MetricPartialFunctionTypes
from great_expectations.execution_engine import SqlAlchemyExecutionEngine
from great_expectations.expectations.expectation import BatchExpectation
from great_expectations.expectations.metrics.metric_provider import metric_partial, metric_value
from great_expectations.expectations.metrics.table_metric_provider import TableMetricProvider


class RowsWhere(TableMetricProvider):
    """How many rows meet a condition. An aggregate, so that all of a suite share one scan of the table."""

    metric_name = "table.rows_where"
    value_keys = ("condition",)

    @metric_partial(
        engine=SqlAlchemyExecutionEngine,
        partial_fn_type=MetricPartialFunctionTypes.AGGREGATE_FN,
        domain_type=MetricDomainTypes.TABLE,
    )
    def _sqlalchemy(
        cls,  # noqa: N805 - Great Expectations calls it with the class
        execution_engine: SqlAlchemyExecutionEngine,  # noqa: ARG002
        metric_domain_kwargs: dict[str, Any],
        metric_value_kwargs: dict[str, Any],
        metrics: dict[str, Any],  # noqa: ARG002
        runtime_configuration: dict[str, Any],  # noqa: ARG002
    ) -> tuple[Any, dict[str, Any], dict[str, Any]]:
        condition = sa.literal_column(f"({metric_value_kwargs['condition']})")
        return sa.func.count(sa.case((condition, 1))), metric_domain_kwargs, {}


class RowsFound(TableMetricProvider):
    """How many rows a query over any tables finds."""

    metric_name = "table.rows_found"
    value_keys = ("query",)

    @metric_value(engine=SqlAlchemyExecutionEngine)
    def _sqlalchemy(
        cls,  # noqa: N805 - Great Expectations calls it with the class
        execution_engine: SqlAlchemyExecutionEngine,
        metric_domain_kwargs: dict[str, Any],  # noqa: ARG002
        metric_value_kwargs: dict[str, Any],
        metrics: dict[str, Any],  # noqa: ARG002
        runtime_configuration: dict[str, Any],  # noqa: ARG002
    ) -> int:
        query = sa.literal_column(f"(select count(*) from ({metric_value_kwargs['query']}) as found)")
        return execution_engine.execute_query(sa.select(query)).scalar_one()


class ExpectNoRowsWhere(BatchExpectation):
    """No row of the table meets ``condition``, a SQL expression; null counts as not meeting it."""

    condition: str
    metric_dependencies: ClassVar[tuple[str, ...]] = ("table.rows_where", "table.row_count")
    domain_keys: ClassVar[tuple[str, ...]] = ("batch_id",)
    success_keys: ClassVar[tuple[str, ...]] = ("condition",)

    def _validate(
        self,
        metrics: dict[str, Any],
        runtime_configuration: dict[str, Any] | None = None,  # noqa: ARG002
        execution_engine: Any = None,  # noqa: ARG002
    ) -> dict[str, Any]:
        found, rows = metrics["table.rows_where"], metrics["table.row_count"]
        return {
            "success": found == 0,
            "result": {
                "observed_value": _rows(found),
                "unexpected_count": found,
                "unexpected_percent": 100 * found / rows if rows else None,
                "element_count": rows,
            },
        }


class ExpectQueryToFindNothing(BatchExpectation):
    """``query``, over any tables of the database, finds no row."""

    query: str
    metric_dependencies: ClassVar[tuple[str, ...]] = ("table.rows_found",)
    domain_keys: ClassVar[tuple[str, ...]] = ("batch_id",)
    success_keys: ClassVar[tuple[str, ...]] = ("query",)

    def _validate(
        self,
        metrics: dict[str, Any],
        runtime_configuration: dict[str, Any] | None = None,  # noqa: ARG002
        execution_engine: Any = None,  # noqa: ARG002
    ) -> dict[str, Any]:
        found = metrics["table.rows_found"]
        return {"success": found == 0, "result": {"observed_value": _rows(found), "rows_found": found}}


def _rows(count: int) -> str:
    return f"{count} unexpected {'row' if count == 1 else 'rows'}"
