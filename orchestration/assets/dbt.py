"""The dbt models as assets of the same graph, built by two calls of dbt.

The first builds what estimates are fitted on: the models that carry the tag ``estimates_input``, and all before
them. The second builds everything else, estimates among its sources.
"""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb
from dagster_dbt import DagsterDbtTranslator, dbt_assets
from dagster_dbt.asset_utils import get_subset_selection_for_context
from dagster_dbt.core.dbt_cli_event import DbtCoreCliEventMessage
from dagster_dbt.dbt_manifest import validate_manifest

from orchestration.keys import LAYER, OWNERS, SCHEMA, WRITER_POOL
from orchestration.resources import Company, night_of
from orchestration.ui import pages
from pipelines.home import Home
from pipelines.lineage import ROWS, LineageBook, Origin
from pipelines.night import models_fingerprint, remember_models_built, why_models_are_built_anew
from pipelines.publication import SCHEMAS
from pipelines.transformation import build, compiled_sql, drop_orphans, ensure_manifest
from pipelines.warehouse import open_warehouse
from pipelines.whole_night import add_tables

PROJECT = Path(__file__).resolve().parents[2] / "dbt_project"
INPUTS, WHOLE = "dbt_inputs", "dbt_models"
ESTIMATES_INPUT = "estimates_input"  # the tag of a model that estimates are fitted on
_INPUTS = f"+tag:{ESTIMATES_INPUT}"
_EVERYTHING = "fqn:*"
# Dagster's own names of what its pages of an asset show.
_ROWS, _COLUMNS, _LINEAGE = "dagster/row_count", "dagster/column_schema", "dagster/column_lineage"
_NO_UNIT_TESTS = "resource_type:unit_test"  # they test the SQL, not the night's data: make test runs them


class Translator(DagsterDbtTranslator):
    """Asset keys are ``schema/table``, as people write the tables; groups come from the models' meta."""

    def get_asset_key(self, dbt_resource_props: Mapping[str, Any]) -> dg.AssetKey:
        return dg.AssetKey(
            [dbt_resource_props["schema"], dbt_resource_props.get("identifier") or dbt_resource_props["name"]]
        )

    def get_tags(self, dbt_resource_props: Mapping[str, Any]) -> Mapping[str, str]:
        schema = dbt_resource_props["schema"]
        layer = dbt_resource_props["fqn"][1] if dbt_resource_props["resource_type"] == "model" else schema
        return {**super().get_tags(dbt_resource_props), LAYER: layer, SCHEMA: schema}

    def get_metadata(self, dbt_resource_props: Mapping[str, Any]) -> Mapping[str, Any]:
        metadata = super().get_metadata(dbt_resource_props)
        if dbt_resource_props["schema"] not in SCHEMAS:
            return metadata
        table = _table(dbt_resource_props)
        return {
            **metadata,
            "data_docs": pages.link(pages.checks_of(table)),
            "data_dictionary": pages.link(pages.DICTIONARY, table),
        }

    def get_owners(self, dbt_resource_props: Mapping[str, Any]) -> list[str]:  # noqa: ARG002
        return OWNERS


def model_assets(home: Home, project: Path = PROJECT) -> list[dg.AssetsDefinition]:
    """All models, seeds and tests as two multi-assets: before the estimates and after them."""
    manifest = validate_manifest(ensure_manifest(home, project))
    return [
        _part(INPUTS, manifest, project, select=_INPUTS, exclude=_NO_UNIT_TESTS),
        _part(WHOLE, manifest, project, select=_EVERYTHING, exclude=f"{_INPUTS} {_NO_UNIT_TESTS}"),
    ]


def inputs_of_estimates(manifest: Path) -> list[dg.AssetKey]:
    """The models that estimates are fitted on."""
    translator = Translator()
    nodes = validate_manifest(manifest)["nodes"].values()
    return [translator.get_asset_key(node) for node in nodes if ESTIMATES_INPUT in node["tags"]]


def _part(
    name: str, manifest: Mapping[str, Any], project: Path, *, select: str, exclude: str
) -> dg.AssetsDefinition:
    translator = Translator()

    @dbt_assets(
        name=name,
        manifest=manifest,
        dagster_dbt_translator=translator,
        pool=WRITER_POOL,
        select=select,
        exclude=exclude,
    )
    def models(context: dg.AssetExecutionContext, company: dg.ResourceParam[Company]) -> Iterator[Any]:
        fingerprint = models_fingerprint(project, company.settings, f"duckdb {duckdb.__version__}")
        arguments = _selection(context, manifest, translator, select, exclude)
        if reason := why_models_are_built_anew(company.home, name, fingerprint):
            context.log.info(f"Incremental models are built anew: {reason}.")
            arguments.append("--full-refresh")
        book = _lineage_book(company.home, manifest)
        add_tables(company.home, night_of(context.run), whole=not context.is_subset)
        for event in build(company.home, project, arguments):
            more = _metadata(company.home, manifest, translator, book, event)
            for told in DbtCoreCliEventMessage(event, {}).to_default_asset_events(
                manifest, translator, context
            ):
                yield told.with_metadata({**told.metadata, **more}) if isinstance(told, dg.Output) else told
        book.save()
        for orphan in drop_orphans(company.home, manifest):
            context.log.info(f"Dropped {orphan}: no model builds it any more.")
        if not context.is_subset:  # the models that were not selected still wait for what is new
            remember_models_built(company.home, name, fingerprint)

    return models


def _lineage_book(home: Home, manifest: Mapping[str, Any]) -> LineageBook:
    """The book of this company's tables, with the columns of those that no model makes."""
    book = LineageBook(home.lineage)
    nodes = [node for node in manifest["nodes"].values() if node["resource_type"] == "model"]
    book.keep_only({_table(node) for node in nodes})
    with open_warehouse(home, read_only=True) as connection:
        for table, columns in connection.execute(
            """select schema_name || '.' || table_name, list(column_name order by column_index)
            from duckdb_columns() where not internal group by all"""
        ).fetchall():
            book.know(table, columns)
    return book


def _metadata(
    home: Home,
    manifest: Mapping[str, Any],
    translator: Translator,
    book: LineageBook,
    event: Mapping[str, Any],
) -> dict[str, Any]:
    """Rows, columns and where the columns come from, of the model or seed that an event tells was built."""
    if not (built := event.get("built")):
        return {}
    node = manifest["nodes"][event["data"]["node_info"]["unique_id"]]
    metadata: dict[str, Any] = {_COLUMNS: _column_schema(node, built["columns"])}
    if built["row_count"] is not None:
        metadata[_ROWS] = built["row_count"]
    sql = compiled_sql(home, node)
    if sql is None:
        book.know(_table(node), list(built["columns"]))
        return metadata
    parents = [_resource(manifest, parent) for parent in node["depends_on"]["nodes"]]
    book.learn(_table(node), sql, [_table(parent) for parent in parents])
    assets = {_table(parent): translator.get_asset_key(parent) for parent in parents}
    return {**metadata, _LINEAGE: _column_lineage(book, _table(node), built["columns"], assets)}


def _column_schema(node: Mapping[str, Any], types: Mapping[str, str]) -> dg.TableSchema:
    described = {name: column["description"] for name, column in node["columns"].items()}
    return dg.TableSchema(
        [dg.TableColumn(name, type_, description=described.get(name)) for name, type_ in types.items()]
    )


def _column_lineage(
    book: LineageBook, table: str, columns: Iterable[str], assets: Mapping[str, dg.AssetKey]
) -> dg.TableColumnLineage:
    return dg.TableColumnLineage(
        {
            column: [
                dg.TableColumnDep(assets[origin.table], origin.column)
                for origin in book.before(Origin(table, column))
                if origin.table in assets and origin.column != ROWS
            ]
            for column in columns
        }
    )


def _resource(manifest: Mapping[str, Any], unique_id: str) -> Mapping[str, Any]:
    return manifest["nodes"].get(unique_id) or manifest["sources"][unique_id]


def _table(node: Mapping[str, Any]) -> str:
    """``schema.table``, of a model, a seed or a source."""
    return f"{node['schema']}.{node.get('alias') or node['identifier']}"


def _selection(
    context: dg.AssetExecutionContext,
    manifest: Mapping[str, Any],
    translator: DagsterDbtTranslator,
    select: str,
    exclude: str,
) -> list[str]:
    """dbt's arguments for what people have selected in the UI; by default all but the unit tests."""
    arguments, tests = get_subset_selection_for_context(
        context, manifest, select, exclude, None, translator, None
    )
    # Cautious: a test of models of both parts waits for the second.
    return [*arguments, "--indirect-selection", tests or "cautious"]
