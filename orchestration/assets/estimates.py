"""The estimates: between the models of dbt that feed them and those that read them."""

from collections.abc import Iterator
from pathlib import Path

import dagster as dg

from orchestration.assets.dbt import inputs_of_estimates
from orchestration.keys import OWNERS, WRITER_POOL, table_key
from orchestration.resources import Company
from pipelines.estimates import refresh_lifetime_value
from pipelines.warehouse import open_warehouse

# As dbt knows them: its sources.
_TABLES = {
    "estimates.clv_groups": "What is expected of customers with the same history: alive, purchases, by model.",
    "estimates.clv_parameters": "Parameters of the models of lifetime value, with standard errors.",
    "estimates.clv_validation": "What the models predicted for the holdout, and what came.",
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
            description=description,
            metadata={"dagster/table_name": table},
        )
        for table, description in _TABLES.items()
    ]

    @dg.multi_asset(name="lifetime_value", specs=specs, pool=WRITER_POOL)
    def lifetime_value(company: dg.ResourceParam[Company]) -> Iterator[dg.MaterializeResult]:
        with open_warehouse(company.home) as connection:
            fitted = refresh_lifetime_value(connection, company.settings.lifetime_value)
        for table in _TABLES:
            yield dg.MaterializeResult(
                asset_key=table_key(table),
                metadata={
                    "model": dg.MetadataValue.text(fitted.model or "none"),
                    "reason": dg.MetadataValue.text(fitted.reason),
                    "customers": dg.MetadataValue.int(fitted.customers),
                },
            )

    return lifetime_value
