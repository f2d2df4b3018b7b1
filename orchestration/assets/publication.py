"""The last asset of a night: what the gate let through becomes the version that BI tools open."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg

from orchestration.keys import LAYER, OWNERS, PUBLICATION, WAYS_OUT, WRITER_POOL
from orchestration.presentation import bar_plot, markdown_table
from orchestration.resources import Company, ProgressDisplay, night_of
from orchestration.ui import pages
from pipelines.home import Home
from pipelines.night import business_date
from pipelines.publication import SCHEMAS, Published, TableDoc, current_version, publish
from pipelines.publication.contract import promised, read_deprecation
from pipelines.publication.ways_out import take_ways_out, ways_out
from pipelines.semantic_layer import write_metrics_folder
from pipelines.settings import Settings
from pipelines.transformation import semantic_manifest
from pipelines.whole_night import checks_of


def published_models(manifest: Path) -> Iterator[dict[str, Any]]:
    """The dbt models that BI tools will see."""
    nodes = json.loads(manifest.read_text(encoding="utf-8"))["nodes"].values()
    return (node for node in nodes if node["resource_type"] == "model" and node["schema"] in SCHEMAS)


def table_docs(manifest: Path) -> dict[str, TableDoc]:
    """Descriptions of all published tables and columns, as the models' YAML has them."""
    return {
        f"{node['schema']}.{node['name']}": TableDoc(
            description=node["description"],
            columns={name: column["description"] for name, column in node["columns"].items()},
            date_column=_meta(node).get("publication_date_column"),
            display_name=_meta(node).get("display_name"),
            display_names={
                name: _meta(column)["display_name"]
                for name, column in node["columns"].items()
                if "display_name" in _meta(column)
            },
            deprecated=read_deprecation(_meta(node)),
            deprecated_columns={
                name: deprecated
                for name, column in node["columns"].items()
                if (deprecated := read_deprecation(_meta(column)))
            },
        )
        for node in published_models(manifest)
    }


def _meta(described: dict[str, Any]) -> dict[str, Any]:
    """What the YAML of a model or column says in ``config: {meta: ...}``."""
    return described.get("config", {}).get("meta", {})


def publication_asset(manifest: Path) -> dg.AssetsDefinition:
    """The asset of the published DuckDB file."""
    tables = [dg.AssetKey([node["schema"], node["name"]]) for node in published_models(manifest)]

    @dg.asset(
        key=PUBLICATION,
        deps=tables,
        group_name="publication",
        owners=OWNERS,
        kinds={"duckdb", "parquet"},
        tags={LAYER: "publication"},
        pool=WRITER_POOL,
        description="The DuckDB file that BI tools open, its Parquet copy and its manifest; switched in one step.",
    )
    def publication(
        context: dg.AssetExecutionContext,
        company: dg.ResourceParam[Company],
        display: dg.ResourceParam[ProgressDisplay],
    ) -> dg.MaterializeResult:
        home = company.home
        published = publish(
            home,
            as_of=business_date(home),
            run_id=context.run.run_id,
            docs=table_docs(manifest),
            checks=checks_of(home, night_of(context.run)),
            keep_versions=company.settings.publication.keep_versions,
            parquet=bool(company.settings.publication.parquet),
            contract_version=promised().version_text,
            scorecard=lambda database: _scorecard(database, company),
            progress=lambda step: display.report(step, 0, 0),
        )
        write_metrics_folder(home.metrics, semantic_manifest(home), home.published_file)
        return dg.MaterializeResult(metadata=_metadata(home, published))

    return publication


def _scorecard(database: Path, company: Company) -> str:
    from pipelines.scorecard.page import (
        scorecard,
    )  # charts take a while to load, and only publications have any

    said = company.settings.company
    return scorecard(database, said.name, said.currency, cache=company.home.cache)


def ways_out_assets(settings: Settings) -> list[dg.AssetsDefinition]:
    """The asset of what the settings ask for beside the file; none where they ask for nothing.

    An asset of its own: when it fails, the run fails, and the file stays published.
    """
    wanted = settings.publication
    kinds = {
        kind
        for kind, is_wanted in (
            ("duckdb", wanted.folder),
            ("parquet", isinstance(wanted.parquet, str)),
            ("postgres", wanted.postgres),
        )
        if is_wanted
    }
    if not kinds:
        return []

    @dg.asset(
        key=WAYS_OUT,
        deps=[PUBLICATION],
        group_name="publication",
        owners=OWNERS,
        kinds=kinds,
        tags={LAYER: "publication"},
        pool=WRITER_POOL,
        description="What is published where the settings want it, too: a folder for others, a schema in PostgreSQL.",
    )
    def the_ways_out(
        company: dg.ResourceParam[Company], display: dg.ResourceParam[ProgressDisplay]
    ) -> dg.MaterializeResult:
        display.report("writing what is published to its other places", 0, 0)
        version = current_version(company.home)
        assert version is not None  # the asset before this one has published it
        done = take_ways_out(ways_out(company.home, company.settings), version)
        texts = {name: dg.MetadataValue.text(text) for name, text in done.items()}
        return dg.MaterializeResult(metadata={"version": dg.MetadataValue.text(version.name), **texts})

    return [the_ways_out]


def _metadata(home: Home, published: Published) -> dict[str, dg.MetadataValue]:
    rows = sorted(published.rows.items(), key=lambda entry: -entry[1])
    return {
        "version": dg.MetadataValue.text(published.version.name),
        "as_of_date": dg.MetadataValue.text(published.version.as_of.isoformat()),
        "build": dg.MetadataValue.text(f"{published.build}: {published.reason}"),
        "dagster/row_count": dg.MetadataValue.int(sum(published.rows.values())),
        "rows_written": dg.MetadataValue.int(published.rows_written),
        "bytes": dg.MetadataValue.int(published.bytes),
        "checks_passed": dg.MetadataValue.int(published.checks_passed),
        "checks_warned": dg.MetadataValue.int(published.checks_warned),
        "file": dg.MetadataValue.path(str(home.published_file)),
        "scorecard": pages.link(pages.SCORECARD),
        "data_docs": pages.link(pages.checks()),
        "documentation": pages.link(pages.DOCUMENTATION),
        "tables": markdown_table(("table", "rows"), rows),
        "rows": bar_plot(rows, " rows"),
    }
