"""The estimates: between the models of dbt that feed them and those that read them."""

from collections.abc import Callable, Iterator
from pathlib import Path
from time import monotonic
from typing import Any

import dagster as dg
import polars as pl

from orchestration.assets.dbt import inputs_of_estimates
from orchestration.keys import LAYER, OWNERS, SCHEMA, WRITER_POOL, table_key
from orchestration.presentation import markdown_table, picture, table_metadata
from orchestration.resources import Company, ProgressDisplay, night_of
from orchestration.ui import pages
from pipelines.estimates import Outcome, refresh_lifetime_value, write_page
from pipelines.estimates.plots import as_file, bars, lines
from pipelines.night import business_date, held
from pipelines.settings import Settings
from pipelines.warehouse import open_warehouse
from pipelines.whole_night import add_tables

BIAS_CHECK = "lifetime_value_meets_the_holdout"
_QUIET_SECONDS = 2.0  # what takes longer is shown as it goes
_STEP = "fitting the models of lifetime value"  # the step's own line in the terminal

# As dbt knows them: its sources.
_PARAMETERS, _VALIDATION = "estimates.clv_parameters", "estimates.clv_validation"
_TABLES = {
    "estimates.clv_groups": "What is expected of customers with the same history: alive, purchases, by model.",
    _PARAMETERS: "Parameters of the models of lifetime value, with standard errors.",
    _VALIDATION: "What the models predicted for the holdout, and what came.",
    "estimates.clv_segments": "Lifetime value of each RFM segment with its standard error.",
    "estimates.clv_outcome": "The chosen model, or the reason why there is none.",
}


def estimates_asset(manifest: Path) -> dg.AssetsDefinition:
    """One multi-asset that fits the models of lifetime value on what dbt has prepared."""
    inputs = inputs_of_estimates(manifest)
    specs = [
        dg.AssetSpec(
            table_key(table),
            deps=inputs,
            group_name="estimates",
            owners=OWNERS,
            kinds={"scipy", "duckdb"},
            tags={LAYER: "estimates", SCHEMA: "estimates"},
            description=description,
            metadata={"dagster/table_name": table},
        )
        for table, description in _TABLES.items()
    ]
    check = dg.AssetCheckSpec(
        BIAS_CHECK,
        asset=table_key(_VALIDATION),
        description="Purchases in the holdout were predicted within thresholds.warn_lifetime_value_bias of what came.",
    )

    @dg.multi_asset(name="lifetime_value", specs=specs, check_specs=[check], pool=WRITER_POOL)
    def lifetime_value(
        context: dg.AssetExecutionContext,
        company: dg.ResourceParam[Company],
        display: dg.ResourceParam[ProgressDisplay],
    ) -> Iterator[dg.MaterializeResult]:
        settings, page = company.settings, company.home.quality / "lifetime_value.html"
        add_tables(company.home, night_of(context.run), whole=True)
        with open_warehouse(company.home) as connection:
            outcome = refresh_lifetime_value(connection, settings.lifetime_value, _patiently(display))
        as_of = business_date(company.home)
        write_page(page, outcome, settings.company.name, settings.company.currency, as_of)
        context.log.info(outcome.verdict)
        tables = held(company.home, _TABLES)
        own = {_PARAMETERS: _parameters(outcome), _VALIDATION: _validation(outcome)}
        for table in _TABLES:
            yield dg.MaterializeResult(
                asset_key=table_key(table),
                metadata={**_verdict(outcome), **own.get(table, {}), **table_metadata(tables[table])},
                check_results=[_bias_check(outcome, settings)] if table == _VALIDATION else [],
            )

    return lifetime_value


def _patiently(display: ProgressDisplay) -> Callable[[int, int], None]:
    """Progress for whoever watches, once there has been something to wait for."""
    started = monotonic()

    def report(done: int, total: int) -> None:
        if monotonic() - started > _QUIET_SECONDS:
            display.report(_STEP, done, total)

    return report


def _verdict(outcome: Outcome) -> dict[str, dg.MetadataValue]:
    metadata: dict[str, dg.MetadataValue] = {
        "model": dg.MetadataValue.text(outcome.model or "none"),
        "reason": dg.MetadataValue.text(outcome.reason),
        "verdict": dg.MetadataValue.text(outcome.verdict),
        "customers": dg.MetadataValue.int(outcome.customers),
        "page": pages.link(pages.LIFETIME_VALUE),
    }
    if outcome.bias_percent is not None:
        metadata["bias_percent"] = dg.MetadataValue.float(round(outcome.bias_percent, 2))
    return metadata


def _parameters(outcome: Outcome) -> dict[str, dg.MetadataValue]:
    if not outcome.parameters.height:
        return {}
    names = (
        "dataset",
        "model",
        "parameter",
        "estimate",
        "standard error",
        "log-likelihood",
        "chosen",
        "why not",
    )
    return {"parameters": markdown_table(names, map(_parameter_row, outcome.parameters.to_dicts()))}


def _validation(outcome: Outcome) -> dict[str, dg.MetadataValue]:
    """What was predicted beside what came, as plots and as a table."""
    deciles = outcome.part("decile")
    if not deciles.height:
        return {}
    columns = ("customers", "actual_purchases", "predicted_purchases", "actual_value", "predicted_value")
    return {
        "deciles_plot": picture(
            as_file(bars(outcome)), "Purchases by tenth of the customers. Grey: came. Blue: predicted."
        ),
        "weeks_plot": picture(
            as_file(lines(outcome)), "Purchases so far, week by week. Grey: came. Blue, dashed: predicted."
        ),
        "deciles": markdown_table(
            ("tenth", *(name.replace("_", " ") for name in columns)),
            deciles.select("position", *columns)
            .with_columns(pl.col("actual_value").cast(pl.Float64))
            .iter_rows(),
        ),
    }


def _parameter_row(row: dict[str, Any]) -> tuple[object, ...]:
    """Four decimals: half of the parameters are below one."""
    numbers = (row[name] for name in ("estimate", "standard_error", "log_likelihood"))
    return (
        row["dataset"],
        row["model"],
        row["parameter"],
        *("" if number is None else f"{number:,.4f}" for number in numbers),
        row["is_chosen"],
        row["reason"],
    )


def _bias_check(outcome: Outcome, settings: Settings) -> dg.AssetCheckResult:
    """Warns, and does not stop the night: a biased prediction beside its bias is worth more than none."""
    allowed = 100 * settings.thresholds.warn_lifetime_value_bias
    bias = outcome.bias_percent
    return dg.AssetCheckResult(
        check_name=BIAS_CHECK,
        asset_key=table_key(_VALIDATION),
        passed=bias is None or abs(bias) <= allowed,
        severity=dg.AssetCheckSeverity.WARN,
        description=outcome.verdict,
        metadata={
            "bias_percent": dg.MetadataValue.float(round(bias or 0.0, 2)),
            "allowed_percent": dg.MetadataValue.float(allowed),
        },
    )
