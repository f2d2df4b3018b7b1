"""The gate's suites as blocking asset checks: one check per table, its expectations as metadata.

A failed error stops what comes after the table, and with it the publication; a warning is shown.
"""

from collections.abc import Iterator, Sequence

import dagster as dg

from data_quality.expectations import Suite
from data_quality.gate import run_gate
from data_quality.results import ExpectationResult, GateResult, TableResult
from data_quality.suites.published import published_suites
from data_quality.suites.raw import raw_suites
from orchestration.assets.dbt import WHOLE
from orchestration.keys import table_key
from orchestration.presentation import markdown_table
from orchestration.resources import Company, night_of
from orchestration.ui import pages
from pipelines.night import models_built
from pipelines.settings import Settings
from pipelines.whole_night import remember_checks

CHECK = "great_expectations"


def raw_checks(settings: Settings) -> dg.AssetChecksDefinition:
    """Suites on the rows that came in since the models were built; they block the transformation."""
    tables = [suite.table for suite in raw_suites(settings.thresholds, newer_than=0)]

    @dg.multi_asset_check(name="raw_gate", specs=_specs(tables), can_subset=True)
    def raw_gate(
        context: dg.AssetCheckExecutionContext, company: dg.ResourceParam[Company]
    ) -> Iterator[dg.AssetCheckResult]:
        newer_than = models_built(company.home, WHOLE).last_load_id
        suites = raw_suites(company.settings.thresholds, newer_than=newer_than)
        yield from _results(context, _run_selected(context, company, suites, "raw"))

    return raw_gate


def published_checks() -> dg.AssetChecksDefinition:
    """Suites on every table that will be published; they block the publication."""
    tables = [suite.table for suite in published_suites()]

    @dg.multi_asset_check(name="published_gate", specs=_specs(tables), can_subset=True)
    def published_gate(
        context: dg.AssetCheckExecutionContext, company: dg.ResourceParam[Company]
    ) -> Iterator[dg.AssetCheckResult]:
        suites = published_suites()
        result = _run_selected(context, company, suites, "published")
        if len(result.tables) == len(suites):
            remember_checks(company.home, night_of(context.run), result.records())
        yield from _results(context, result)

    return published_gate


def _specs(tables: Sequence[str]) -> list[dg.AssetCheckSpec]:
    return [
        dg.AssetCheckSpec(
            CHECK, asset=table_key(table), blocking=True, description=f"Great Expectations suite of {table}."
        )
        for table in tables
    ]


def _run_selected(
    context: dg.AssetCheckExecutionContext, company: Company, suites: Sequence[Suite], name: str
) -> GateResult:
    """Run the suites of the tables that people have selected in the UI; in a night, all.

    The pages of some tables go to a folder of their own: those of the last night stay whole.
    """
    selected = {check.asset_key for check in context.selected_asset_check_keys}
    chosen = [suite for suite in suites if table_key(suite.table) in selected]
    folder = name if len(chosen) == len(suites) else f"{name}_selected"
    return run_gate(company.home.warehouse, chosen, company.home.quality, folder)


def _results(context: dg.AssetCheckExecutionContext, result: GateResult) -> Iterator[dg.AssetCheckResult]:
    if result.errors:  # in red: what Dagster says of a failed check below names the table alone
        page = pages.link(pages.checks(result.name)).value
        context.log.error(f"{result.summary()}\nAll expectations: {page}. What to do: docs/runbook.md")
    elif result.warnings:
        context.log.warning(result.summary())
    return (_check_result(table, result.name) for table in result.tables)


def _check_result(table: TableResult, folder: str) -> dg.AssetCheckResult:
    failed = [found for found in table.results if not found.success]
    worst = dg.AssetCheckSeverity.WARN if table.passed else dg.AssetCheckSeverity.ERROR
    metadata: dict[str, dg.MetadataValue] = {
        "expectations": markdown_table(
            ("expectation", "severity", "result", "observed", "expected"), map(_row, table.results)
        ),
        "expectations_failed": dg.MetadataValue.int(len(failed)),
        "data_docs": pages.link(pages.checks_of(table.table, folder)),
    }
    if failed:
        metadata["failing_keys"] = markdown_table(
            ("expectation", "keys"), [(found.expectation, "; ".join(found.failing_keys)) for found in failed]
        )
    return dg.AssetCheckResult(
        asset_key=table_key(table.table),
        check_name=CHECK,
        passed=not failed,
        severity=worst,
        description="\n".join(found.line for found in failed) or None,
        metadata=metadata,
    )


def _row(found: ExpectationResult) -> tuple[object, ...]:
    return (
        found.expectation,
        found.severity,
        "passed" if found.success else "FAILED",
        found.finding if not found.success else found.observed,
        found.expected,
    )
