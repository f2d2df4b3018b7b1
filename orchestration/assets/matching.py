"""Probabilistic matching as a step between the raw tables and dbt. It runs only where the settings switch it on."""

from collections.abc import Iterator

import dagster as dg

from orchestration.keys import LAYER, OWNERS, SCHEMA, WRITER_POOL, raw_key, table_key
from orchestration.presentation import markdown_table, table_metadata
from orchestration.resources import Company
from pipelines import contracts
from pipelines.matching.links import LinkCounts, refresh_links
from pipelines.night import held
from pipelines.settings import Settings

CLUSTERS_CHECK = "no_cluster_is_too_large"
_COMPARED = ("crm.customers", "support.tickets", "survey.responses")
# As dbt knows them: its sources.
_TABLES = {
    "matching.people": "People of the CRM who are probably one, linked by Splink.",
    "matching.contacts": "Tickets and responses without a declared match, and from whom they probably come.",
}


def matching_assets(settings: Settings) -> list[dg.AssetsDefinition]:
    """One multi-asset that proposes links; where matching is switched off, the two tables that dbt finds empty."""
    compared = [raw_key(contracts.contract_named(name)) for name in _COMPARED]
    specs = [
        dg.AssetSpec(
            table_key(table),
            deps=compared,
            group_name="matching",
            owners=OWNERS,
            kinds={"splink", "duckdb"},
            tags={LAYER: "matching", SCHEMA: "matching"},
            description=description if settings.matching.enabled else f"{description} Empty: switched off.",
            metadata={"dagster/table_name": table},
        )
        for table, description in _TABLES.items()
    ]
    if not settings.matching.enabled:
        return [_empty_tables(specs)]
    check = dg.AssetCheckSpec(
        CLUSTERS_CHECK,
        asset=table_key("matching.people"),
        description="Nothing hangs together in more people than matching.maximum_cluster.",
    )

    @dg.multi_asset(name="probable_links", specs=specs, check_specs=[check], pool=WRITER_POOL)
    def probable_links(company: dg.ResourceParam[Company]) -> Iterator[dg.MaterializeResult]:
        counts = refresh_links(company.home, company.settings)
        people, contacts = map(table_metadata, held(company.home, _TABLES).values())
        yield dg.MaterializeResult(
            asset_key=table_key("matching.people"),
            metadata={**_metadata(company.settings, counts), **people},
            check_results=[_clusters_check(company.settings, counts)],
        )
        yield dg.MaterializeResult(
            asset_key=table_key("matching.contacts"),
            metadata={
                "contacts": dg.MetadataValue.int(counts.contacts),
                "records_linked": dg.MetadataValue.int(counts.records_linked),
                **contacts,
            },
        )

    return [probable_links]


def _empty_tables(specs: list[dg.AssetSpec]) -> dg.AssetsDefinition:
    """Says each night that they are empty on purpose: else they would look forgotten."""

    @dg.multi_asset(name="no_probable_links", specs=specs)
    def no_probable_links() -> Iterator[dg.MaterializeResult]:
        for spec in specs:
            yield dg.MaterializeResult(
                asset_key=spec.key,
                metadata={"dagster/row_count": 0, "state": "switched off: matching.enabled in the settings"},
            )

    return no_probable_links


def _metadata(settings: Settings, counts: LinkCounts) -> dict[str, dg.MetadataValue]:
    return {
        "people_linked": dg.MetadataValue.int(counts.people_linked),
        "clusters_refused": dg.MetadataValue.int(counts.clusters_refused),
        "run": markdown_table(
            ("what", "number"),
            [
                ("accounts compared", counts.accounts),
                ("contacts compared", counts.contacts),
                ("people taken for another one", counts.people_linked),
                ("tickets and responses linked", counts.records_linked),
                ("clusters refused", counts.clusters_refused),
                ("probability from which on", settings.matching.threshold),
                ("people in a cluster, at most", settings.matching.maximum_cluster),
            ],
        ),
    }


def _clusters_check(settings: Settings, counts: LinkCounts) -> dg.AssetCheckResult:
    return dg.AssetCheckResult(
        check_name=CLUSTERS_CHECK,
        asset_key=table_key("matching.people"),
        passed=not counts.clusters_refused,
        severity=dg.AssetCheckSeverity.WARN,
        description=(
            f"{counts.clusters_refused:,} clusters with more than {settings.matching.maximum_cluster} people (the "
            f"largest has {counts.largest_refused:,}) were not merged: see matching.refused_clusters in the warehouse"
            if counts.clusters_refused
            else None
        ),
    )
