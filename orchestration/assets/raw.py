"""Sources and raw tables: one asset per source that brings in what is new, one per raw table.

A source feeds several tables and a table several sources, and a load is one transaction over all of a
source's tables: so the source's asset does the work, and the tables' assets tell what they hold.
"""

from collections.abc import Iterator, Mapping

import dagster as dg

from orchestration.keys import LAYER, OWNERS, SCHEMA, WRITER_POOL, raw_key, source_key, table_key
from orchestration.names import AS_OF, RAW_TABLES
from orchestration.presentation import bar_plot, markdown_table, table_metadata
from orchestration.resources import BusinessDate, Company, ProgressDisplay, night_of
from pipelines import contracts
from pipelines.contracts.dictionary import meaning
from pipelines.formats.registry import FORMATS
from pipelines.ingest import SourceResult, ingest_source
from pipelines.night import RawCounts, held, prepare_transformation, raw_counts
from pipelines.settings import DatabaseSource, FileSource, Settings, Source, customer_key_secret
from pipelines.warehouse import OUTCOMES
from pipelines.whole_night import begin_tables

READ_CHECK = "everything_was_read"
NUMBERS_CHECK = "no_made_up_number_was_taken"
COLUMNS_CHECK = "columns_are_as_known"
CHANGES_CHECK = "no_loaded_file_has_changed"
ROWS_CHECK = "there_is_something_to_publish"
_SHOWN_FILES = 5  # in the summary; the metadata has all
_LOADS = table_key("ingest.loads")
_RISKS = {
    "deleted": "What a snapshot, or a table without a watermark, no longer has is deleted, even if the other source "
    "still has it",
    "kept": "One keeps the oldest version of a row and the other the newest, so that each may replace the other's",
}
# Written beside the raw tables; dbt reads them as sources.
_PIPELINE_TABLES = {
    "ingest.loads": f"Counts of every load: {', '.join(OUTCOMES)}.",
    "privacy.customer_keys": "The keyed hash that stands for each customer in what is published.",
    "ops.run_settings": "The business date and the settings of this night.",
}
_PREPARED = {table_key("privacy.customer_keys"), table_key("ops.run_settings")}


def source_assets(settings: Settings) -> list[dg.AssetsDefinition]:
    """One asset per source in the settings."""
    return [_source_asset(name, source) for name, source in settings.sources.items()]


def _kinds(source: Source) -> set[str]:
    """What the asset's icons tell of it."""
    if isinstance(source, FileSource):
        return {*FORMATS[source.format].kinds, "polars"}
    if isinstance(source, DatabaseSource):
        return {source.database, "duckdb"}
    return {source.api}


def _description(name: str, source: Source) -> str:
    tables = ", ".join(dict.fromkeys(mapping.contract.raw_name for mapping in source.mappings))
    if isinstance(source, FileSource):
        origin = f"Files of source `{name}`"
    elif isinstance(source, DatabaseSource):
        origin = f"Tables of the {source.database} database `{name}`"
    else:
        origin = f"What {source.api} says to source `{name}`"
    return f"{origin}: reads what is new and loads it into {tables}, exactly once."


def _source_asset(name: str, source: Source) -> dg.AssetsDefinition:
    key = source_key(name)

    @dg.asset(
        key=key,
        group_name="sources",
        owners=OWNERS,
        kinds=_kinds(source),
        tags={LAYER: "source"},
        pool=WRITER_POOL,
        description=_description(name, source),
        check_specs=[
            dg.AssetCheckSpec(
                READ_CHECK,
                asset=key,
                description="No file was refused as a whole or was empty, and no table was read with doubts.",
            ),
            dg.AssetCheckSpec(
                NUMBERS_CHECK, asset=key, description="No row took another's place by a made-up number."
            ),
            dg.AssetCheckSpec(
                COLUMNS_CHECK, asset=key, description="No column is new to the source, and none is gone."
            ),
            dg.AssetCheckSpec(
                CHANGES_CHECK, asset=key, description="No file of a family has changed after it was loaded."
            ),
        ],
    )
    def source_asset(
        context: dg.AssetExecutionContext,
        company: dg.ResourceParam[Company],
        display: dg.ResourceParam[ProgressDisplay],
    ) -> dg.MaterializeResult:
        def progress(done: int, total: int, _file: str) -> None:
            display.report(f"reading {name}", done, total)

        result = ingest_source(company.home, company.settings, name, progress)
        for outcome in result.rejected:
            context.log.warning(f"{outcome.file} was not read: {outcome.reason}")
        is_family = isinstance(source, FileSource) and source.is_family
        return dg.MaterializeResult(
            metadata=_source_metadata(result),
            check_results=[
                _read_check(result, company.settings),
                _numbers_check(result),
                _columns_check(result),
                _changes_check(result, is_family=is_family),
            ],
        )

    return source_asset


def _source_metadata(result: SourceResult) -> dict[str, dg.MetadataValue]:
    metadata: dict[str, dg.MetadataValue] = {
        "rows_read": dg.MetadataValue.int(result.total("rows_read")),
        "rows_quarantined": dg.MetadataValue.int(result.total("rows_quarantined")),
    }
    if result.streams:
        metadata["streams"] = markdown_table(
            ("stream", "records", "read up to"),
            [(stream.stream, stream.records, stream.cursor or "") for stream in result.streams],
        )
    else:
        metadata |= {
            "files_found": dg.MetadataValue.int(result.files_found),
            "files_new": dg.MetadataValue.int(len(result.outcomes)),
            "files_unchanged": dg.MetadataValue.int(result.files_unchanged),
            "files_rejected": dg.MetadataValue.int(len(result.rejected)),
            "files_changed": dg.MetadataValue.int(len(result.changed_files)),
        }
    if result.changed_files:
        metadata["changed_files"] = markdown_table(
            ("file", "rows that read differently"),
            [(file, result.rows_changed(file)) for file in result.changed_files],
        )
    if result.columns.kept or result.columns.gone:
        metadata["columns"] = markdown_table(
            ("column", "what became of it"),
            [
                *((column, "new, kept in _extra") for column in result.columns.kept),
                *((column, "gone") for column in result.columns.gone),
            ],
        )
    if result.tables:
        metadata["rows"] = markdown_table(
            ("table", *OUTCOMES),
            [(t.table, *(getattr(t, f"rows_{outcome}") for outcome in OUTCOMES)) for t in result.tables],
        )
        metadata["rows_loaded"] = bar_plot([(t.table, t.rows_loaded) for t in result.tables], " rows")
    return metadata


def _read_check(result: SourceResult, settings: Settings) -> dg.AssetCheckResult:
    troubled = [(outcome.file, outcome.reason or "") for outcome in (*result.rejected, *result.doubtful)]
    troubled += [(stream.stream, note) for stream in result.streams for note in stream.notes]
    troubled += [
        (
            f"{result.source}, {shared.table}",
            f"{shared.rows:,} rows are told by source {shared.other}, too. {_RISKS[shared.risk]}. "
            f"Let one source tell each row (where)",
        )
        for shared in result.rows_at_risk(settings)
    ]
    return dg.AssetCheckResult(
        check_name=READ_CHECK,
        passed=not troubled,
        severity=dg.AssetCheckSeverity.WARN,
        description="\n".join(f"{what}: {reason}" for what, reason in troubled[:_SHOWN_FILES]) or None,
        metadata={"troubled": markdown_table(("file, table or endpoint", "reason"), troubled)}
        if troubled
        else {},
    )


def _numbers_check(result: SourceResult) -> dg.AssetCheckResult:
    replaced = result.replaced_by_made_up_keys
    return dg.AssetCheckResult(
        check_name=NUMBERS_CHECK,
        passed=not replaced,
        severity=dg.AssetCheckSeverity.WARN,
        description="\n".join(
            f"{result.source}: {rows:,} rows of {table} were replaced by rows with the same made-up number. "
            f"Right if a file was exported again; if what number_within groups is spread over files, map a key"
            for table, rows in replaced.items()
        )
        or None,
    )


def _columns_check(result: SourceResult) -> dg.AssetCheckResult:
    kept, gone = result.columns.kept, result.columns.gone
    lines = []
    if kept:
        lines.append(
            f"{result.source}: new columns are kept in _extra: {', '.join(kept)}. "
            f"Map them, or name them under ignored_columns"
        )
    if gone:
        lines.append(
            f"{result.source}: columns are gone: {', '.join(gone)}. "
            f"If that is right, name them under ignored_columns"
        )
    return dg.AssetCheckResult(
        check_name=COLUMNS_CHECK,
        passed=not lines,
        severity=dg.AssetCheckSeverity.WARN,
        description="\n".join(lines) or None,
    )


def _changes_check(result: SourceResult, *, is_family: bool) -> dg.AssetCheckResult:
    """A single file is exported again every night by design; of a family, each is expected to stay as it was."""
    changed = result.changed_files if is_family else []
    more = f" and {len(changed) - _SHOWN_FILES:,} more" if len(changed) > _SHOWN_FILES else ""
    shown = ", ".join(
        f"{file} ({result.rows_changed(file):,} rows read differently)" for file in changed[:_SHOWN_FILES]
    )
    return dg.AssetCheckResult(
        check_name=CHANGES_CHECK,
        passed=not changed,
        severity=dg.AssetCheckSeverity.WARN,
        description=f"{result.source}: files have changed after they were loaded, and were read again: {shown}{more}"
        if changed
        else None,
    )


def _rows_check(counts: Mapping[str, RawCounts]) -> dg.AssetCheckResult:
    """Where every source may be without files, a night without any must not look like a good one."""
    is_empty = not any(count.rows for count in counts.values())
    return dg.AssetCheckResult(
        check_name=ROWS_CHECK,
        asset_key=_LOADS,
        passed=not is_empty,
        severity=dg.AssetCheckSeverity.WARN,
        description="no source has brought a row yet: the published tables are empty. Are the files where "
        "kizuna.yml looks for them? (required: true makes their absence an error)"
        if is_empty
        else None,
    )


def raw_tables(settings: Settings) -> dg.AssetsDefinition:
    """All raw tables, and the tables that the pipeline itself writes for dbt."""
    feeding = {
        contract.name: sorted(
            name
            for name, source in settings.sources.items()
            if contract.name in {m.table for m in source.mappings}
        )
        for contract in contracts.ALL
    }
    specs = [
        dg.AssetSpec(
            raw_key(contract),
            deps=[source_key(name) for name in feeding[contract.name]],
            group_name="raw",
            owners=OWNERS,
            kinds={"duckdb"},
            tags={LAYER: "raw", SCHEMA: f"raw_{contract.schema}"},
            description=contract.description,
            metadata={
                "dagster/table_name": contract.raw_name,
                "dagster/column_schema": _column_schema(contract),
            },
        )
        for contract in contracts.ALL
    ] + [
        dg.AssetSpec(
            table_key(name),
            deps=[source_key(source) for source in settings.sources],
            group_name="raw",
            owners=OWNERS,
            kinds={"duckdb"},
            tags={LAYER: "raw", SCHEMA: name.split(".")[0]},
            description=description,
            metadata={"dagster/table_name": name},
        )
        for name, description in _PIPELINE_TABLES.items()
    ]

    rows_check = dg.AssetCheckSpec(ROWS_CHECK, asset=_LOADS, description="The raw tables are not all empty.")

    @dg.multi_asset(name=RAW_TABLES, specs=specs, check_specs=[rows_check], pool=WRITER_POOL, can_subset=True)
    def raw_tables_asset(
        context: dg.AssetExecutionContext, company: dg.ResourceParam[Company], business_date: BusinessDate
    ) -> Iterator[dg.MaterializeResult | dg.AssetCheckResult]:
        home, selected = company.home, context.selected_asset_keys
        said: dict[str, str] = {}
        if selected & _PREPARED:  # else somebody only wants to see what a raw table holds
            begin_tables(home, night_of(context.run))
            as_of = business_date.resolve(company.settings)
            prepare_transformation(home, company.settings, as_of, customer_key_secret(company.settings))
            said = {"as_of_date": as_of.isoformat()}
            context.instance.add_run_tags(context.run.run_id, {AS_OF: as_of.isoformat()})
        counts = raw_counts(home)
        for contract in contracts.ALL:
            if raw_key(contract) in selected:
                yield dg.MaterializeResult(
                    asset_key=raw_key(contract), metadata=_table_metadata(counts[contract.name])
                )
        for name, found in held(home, _PIPELINE_TABLES).items():
            if table_key(name) in selected:
                yield dg.MaterializeResult(
                    asset_key=table_key(name), metadata={**table_metadata(found), **said}
                )
        if context.selected_asset_check_keys:
            yield _rows_check(counts)

    return raw_tables_asset


def _column_schema(contract: contracts.Contract) -> dg.TableSchema:
    """The contract's columns; those that identify a person are tagged as such."""
    return dg.TableSchema(
        [
            dg.TableColumn(
                column.name,
                column.kind.value,
                description=meaning(column),
                constraints=dg.TableColumnConstraints(nullable=not contract.is_required(column)),
                tags={"personal": ""} if column.personal else {},
            )
            for column in contract.columns
        ]
    )


def _table_metadata(counts: RawCounts) -> dict[str, dg.MetadataValue]:
    metadata: dict[str, dg.MetadataValue] = {
        "dagster/row_count": dg.MetadataValue.int(counts.rows),
        "rows_quarantined": dg.MetadataValue.int(counts.quarantined),
    }
    if counts.reasons:
        metadata["quarantine_reasons"] = markdown_table(("reason", "rows"), counts.reasons)
        metadata["quarantine_newest"] = markdown_table(("reason", "source", "file", "line"), counts.samples)
    return metadata
