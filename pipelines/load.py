"""From the landing zone into the raw tables: one load, one transaction, exactly once.

Rows, quarantined rows, the files' cursor and the counts are committed together, so that a kill at any
instant and a second run leave what one undisturbed run leaves.

Rows with one key are versions of one row. In the order of ``_version`` (one without is the oldest), then of
arrival, a row that says the same as the one before it is an exact duplicate; of the others the last one wins
(the first, where the mapping keeps the oldest). Which row wins depends on the rows and the order in which
they arrive, not on how they are spread over nights. Only a mapping that gives no version at all is
different: whatever it brings is newer than what is there.

Rows that a source no longer has go last. One that comes back in a later load is new.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

import duckdb

from pipelines import contracts
from pipelines.contracts import Contract
from pipelines.landing import FileOutcome, LandingZone, Load, Tally
from pipelines.warehouse import MEASURES, OUTCOMES, raw_columns

_GIVEN_BY_THE_LOAD = ("_source", "_load_id")
_UNVERSIONED = "timestamp '0001-01-01'"


@dataclass(frozen=True)
class LoadedTable:
    """Counts of one table in one load; ``read = loaded + quarantined + duplicate``.

    ``superseded``, ``deleted``: of the rows loaded, now or earlier, those that a newer version has replaced,
    and those that the source no longer has. ``rows_changed``: by file, the rows that took the place of one
    with other content from an earlier load. ``rows_shared``: by source, the rows read that it has told, too.
    """

    table: str
    rows_read: int
    rows_loaded: int
    rows_superseded: int
    rows_quarantined: int
    rows_duplicate: int
    rows_deleted: int
    rows_excluded: int
    rows_changed: Mapping[str, int] = field(default_factory=dict)
    rows_shared: Mapping[str, int] = field(default_factory=dict)


def last_load_id(connection: duckdb.DuckDBPyConnection) -> int:
    """The newest load the warehouse holds; 0: none."""
    row = connection.execute("select coalesce(max(load_id), 0) from ingest.loads").fetchone()
    assert row is not None  # an aggregate always has a row
    return int(row[0])


def load(connection: duckdb.DuckDBPyConnection, zone: LandingZone, manifest: Load) -> list[LoadedTable]:
    """Merge one landed load into the warehouse, all of it or nothing."""
    connection.execute("begin")
    try:
        loaded = [
            _load_table(connection, zone, manifest, contracts.contract_named(name))
            for name in manifest.tables
        ]
        _insert_quarantined(connection, zone, manifest)
        remember_files(connection, manifest.source, manifest.files, load_id=manifest.load_id)
        _remember_cursors(connection, manifest)
        _remember_columns(connection, manifest)
        connection.execute("commit")
    except BaseException:  # also a keyboard interrupt must not leave half a load
        with suppress(duckdb.Error):  # a commit that failed on a full disk has rolled back already
            connection.execute("rollback")
        raise
    return loaded


def _load_table(
    connection: duckdb.DuckDBPyConnection, zone: LandingZone, manifest: Load, contract: Contract
) -> LoadedTable:
    parts = zone.parts(manifest.load_id, contract)
    merge = _Merge(connection, contract, manifest, parts)
    outcomes = merge.run() if parts else {}
    counts = manifest.tables[contract.name]
    duplicate = outcomes.get("duplicate", Tally())
    duplicate = Tally(
        duplicate.rows + counts.repeated.rows,
        duplicate.quantity + counts.repeated.quantity,
        duplicate.amount + counts.repeated.amount,
    )
    tallies = {
        "read": counts.read,
        "loaded": outcomes.get("loaded", Tally()),
        "superseded": outcomes.get("superseded", Tally()),
        "quarantined": counts.quarantined,
        "duplicate": duplicate,
        "deleted": _delete(connection, zone, manifest, contract),
    }
    _insert_counts(
        connection,
        contract,
        manifest.load_id,
        manifest.source,
        tallies,
        files=len(manifest.files),
        records_read=counts.records_read,
        rows_excluded=counts.rows_excluded,
    )
    for source, tally in merge.superseded_of_other_sources().items() if parts else ():
        _insert_counts(connection, contract, manifest.load_id, source, {"superseded": tally})
    return LoadedTable(
        contract.name,
        **{f"rows_{outcome}": tallies[outcome].rows for outcome in OUTCOMES},
        rows_excluded=counts.rows_excluded,
        rows_changed=merge.changed_by_file,
        rows_shared=merge.shared_with,
    )


def _delete(
    connection: duckdb.DuckDBPyConnection, zone: LandingZone, manifest: Load, contract: Contract
) -> Tally:
    """Delete the rows of this source whose keys were landed as gone."""
    parts = [str(path) for path in zone.deleted_parts(manifest.load_id, contract)]
    if not parts:
        return Tally()
    key = ", ".join(contract.key)
    connection.execute(
        f"create or replace temp table gone as select distinct {key} from read_parquet($parts)",
        {"parts": parts},
    )
    source = {"source": manifest.source}
    held = f"{contract.raw_name} semi join gone using ({key}) where _source = $source"
    deleted = _sums(connection, contract, held, source)
    joined = " and ".join(f"t.{name} = gone.{name}" for name in contract.key)
    connection.execute(
        f"delete from {contract.raw_name} as t using gone where {joined} and _source = $source", source
    )
    return deleted


class _Merge:
    """The rows of one load and one table, told apart and applied. Works in temporary tables."""

    def __init__(
        self, connection: duckdb.DuckDBPyConnection, contract: Contract, manifest: Load, parts: list[Path]
    ) -> None:
        self._connection = connection
        self._contract = contract
        self._manifest = manifest
        self._parts = [str(path) for path in parts]
        self._key = ", ".join(contract.key)
        self._oldest = contract.name in manifest.keep_oldest
        self._unversioned = contract.name in manifest.unversioned
        self.changed_by_file: dict[str, int] = {}
        self.shared_with: dict[str, int] = {}

    def run(self) -> dict[str, Tally]:
        """Apply the load; how many rows were loaded, superseded and duplicate."""
        self._read_parts()
        if not self._find_contested():
            self._connection.execute(
                "create or replace temp table replaced as select null::varchar as _source where false"
            )
            self._insert("incoming")
            return {"loaded": self._sums("incoming")}
        alone = f"incoming where hash({self._key}) not in (select key_hash from contested)"
        uncontested = self._sums(alone)
        outcomes = self._merge_versions()  # before the others are written: it looks up what was there
        self._insert(alone)
        return outcomes | {"loaded": _added(uncontested, outcomes["loaded"])}

    def _read_parts(self) -> None:
        """Make the view ``incoming``. A part that was landed before its table got a column has nulls for it."""
        listed = ", ".join("'" + part.replace("'", "''") + "'" for part in self._parts)
        parts = f"read_parquet([{listed}])"
        found = {name for name, *_ in self._connection.execute(f"describe from {parts}").fetchall()}
        lacking = [
            f"null::{type_} as {name}"
            for name, type_ in raw_columns(self._contract).items()
            if name not in found and name not in _GIVEN_BY_THE_LOAD
        ]
        columns = ", ".join(("*", *lacking))
        self._connection.execute(f"create or replace temp view incoming as select {columns} from {parts}")

    def superseded_of_other_sources(self) -> dict[str, Tally]:
        """Rows of other sources that this load has replaced; the counts are theirs, not this load's."""
        others = "replaced where _source <> $source group by _source"
        if not self._connection.execute("from duckdb_tables() where table_name = 'replaced'").fetchone():
            return {}
        has_measures = self._connection.execute(
            "from duckdb_columns() where table_name = 'replaced' and column_name = 'quantity'"
        ).fetchone()
        measures = _measures(self._contract) if has_measures else "0, 0"
        rows = self._connection.execute(
            f"select _source, count(*), {measures} from {others}", {"source": self._manifest.source}
        ).fetchall()
        return {source: Tally(*sums) for source, *sums in rows}

    def _find_contested(self) -> bool:
        """Collect the keys that occur twice, here or in the warehouse; a row alone needs no comparison.

        Keys are compared by hash, which is several times faster; a collision only costs a comparison. The raw
        table's keys are read this once: ``held`` keeps where its rows stand, and they are fetched from there.
        """
        connection, table = self._connection, self._contract.raw_name
        connection.execute(
            f"""create or replace temp table contested as
            select hash({self._key}) as key_hash from incoming group by key_hash having count(*) > 1"""
        )
        is_empty = connection.execute(f"select 1 from {table} limit 1").fetchone() is None
        known = f"{table} where false" if is_empty else f"{table} semi join incoming using ({self._key})"
        connection.execute(
            f"create or replace temp table held as select {self._key}, rowid as _row from {known}"
        )
        connection.execute(f"insert into contested select hash({self._key}) from held")
        return connection.execute("select 1 from contested limit 1").fetchone() is not None

    def _merge_versions(self) -> dict[str, Tally]:
        connection, contract = self._connection, self._contract
        content = ", ".join((*contract.column_names, "_extra", "_version"))
        version = f"coalesce(_version, {_UNVERSIONED})"
        best = f"{version}, _order" if self._oldest else f"{version} desc, _order desc"
        connection.execute(
            f"""create or replace temp table versions as
            with compared as (
                select *, row({content}) is not distinct from
                    lag(row({content})) over (partition by {self._key} order by {version}, _order) as is_copy
                from incoming
                where hash({self._key}) in (select key_hash from contested)
            )
            select *, not is_copy and row_number() over (
                partition by {self._key}, is_copy order by {best}) = 1 as is_best
            from compared"""
        )
        joined = " and ".join(f"v.{name} = t.{name}" for name in contract.key)
        theirs, ours = f"coalesce(t._version, {_UNVERSIONED})", f"coalesce(v._version, {_UNVERSIONED})"
        newer = (
            f"{ours} < {theirs}" if self._oldest else "true" if self._unversioned else f"{ours} >= {theirs}"
        )
        same = " and ".join(
            f"v.{name} is not distinct from t.{name}"
            for name in (*contract.column_names, "_extra")
            if name not in contract.key
        )
        connection.execute(
            f"""create or replace temp table verdicts as
            select v.*, t._row, t._source as _held_by, case
                when t._load_id is null then 'new'
                when ({same}) and v._version is not distinct from t._version then 'duplicate'
                when not ({newer}) then 'stale'
                when {same} and t._source = '{self._manifest.source}' then 'confirmed'
                else 'changed' end as verdict
            from versions v left join (
                select t.*, t.rowid as _row from {contract.raw_name} t semi join held on t.rowid = held._row
            ) t on {joined}
            where v.is_best"""
        )
        known = f"from {contract.raw_name} t semi join verdicts v on t.rowid = v._row"
        connection.execute(
            f"create or replace temp table replaced as select t.* {known} and v.verdict in ('changed', 'confirmed')"
        )
        self._apply()
        self.changed_by_file = dict(
            connection.execute(
                "select _file, count(*) from verdicts where verdict = 'changed' group by _file"
            ).fetchall()
        )
        self.shared_with = dict(
            connection.execute(
                "select _held_by, count(*) from verdicts where _held_by <> $source group by _held_by",
                {"source": self._manifest.source},
            ).fetchall()
        )
        superseded = [
            self._sums("versions where not is_copy and not is_best"),
            self._sums("verdicts where verdict = 'stale'"),
            self._sums(f"replaced where _source = '{self._manifest.source}'"),
        ]
        return {
            "loaded": _added(
                self._sums("versions where not is_copy and not is_best"),
                self._sums("verdicts where verdict <> 'duplicate'"),
            ),
            "superseded": _added(*superseded),
            "duplicate": _added(
                self._sums("versions where is_copy"), self._sums("verdicts where verdict = 'duplicate'")
            ),
        }

    def _apply(self) -> None:
        """Write what won. A version that says nothing new moves only the row's version and origin: what
        depends on the row need not be built again, so its ``_load_id`` stays. From another source it counts as
        changed: models carry a row's source."""
        table = self._contract.raw_name
        self._connection.execute(
            f"""update {table} as t set _version = v._version, _file = v._file, _line = v._line,
                _source = '{self._manifest.source}'
            from verdicts v where v.verdict = 'confirmed' and t.rowid = v._row"""
        )
        self._connection.execute(
            f"delete from {table} as t using verdicts v where v.verdict = 'changed' and t.rowid = v._row"
        )
        self._insert("verdicts where verdict in ('new', 'changed')")

    def _insert(self, rows: str) -> None:
        columns = raw_columns(self._contract)
        origin = {"_source": f"'{self._manifest.source}'", "_load_id": str(self._manifest.load_id)}
        values = ", ".join(origin.get(name, name) for name in columns)
        self._connection.execute(
            f"insert into {self._contract.raw_name} ({', '.join(columns)}) select {values} from {rows}"
        )

    def _sums(self, rows: str) -> Tally:
        return _sums(self._connection, self._contract, rows)


def _sums(
    connection: duckdb.DuckDBPyConnection,
    contract: Contract,
    rows: str,
    parameters: Mapping[str, object] = MappingProxyType({}),
) -> Tally:
    found = connection.execute(f"select count(*), {_measures(contract)} from {rows}", parameters).fetchone()
    assert found is not None  # an aggregate always has a row
    return Tally(*found)


def _measures(contract: Contract) -> str:
    if contract.name != "crm.order_lines":
        return "0, 0"
    return "coalesce(sum(quantity), 0), coalesce(sum(quantity::decimal(38, 4) * unit_price), 0)"


def _added(*tallies: Tally) -> Tally:
    return Tally(
        sum(t.rows for t in tallies),
        sum((t.quantity for t in tallies), start=Tally().quantity),
        sum((t.amount for t in tallies), start=Tally().amount),
    )


def _insert_counts(
    connection: duckdb.DuckDBPyConnection,
    contract: Contract,
    load_id: int,
    source: str,
    tallies: dict[str, Tally],
    *,
    files: int = 0,
    records_read: int = 0,
    rows_excluded: int = 0,
) -> None:
    measured = contract.name == "crm.order_lines"
    values: dict[str, object] = {
        "load_id": load_id,
        "source": source,
        "table_name": contract.name,
        "files": files,
        "records_read": records_read,
        "rows_excluded": rows_excluded,
    }
    for outcome in OUTCOMES:
        tally = tallies.get(outcome, Tally())
        values[f"rows_{outcome}"] = tally.rows
        for measure in MEASURES:
            values[f"{measure}_{outcome}"] = getattr(tally, measure) if measured else None
    names = ", ".join(values)
    bound = ", ".join(f"${name}" for name in values)
    connection.execute(
        f"insert into ingest.loads ({names}, loaded_at) values ({bound}, now() at time zone 'UTC')", values
    )


def _insert_quarantined(connection: duckdb.DuckDBPyConnection, zone: LandingZone, manifest: Load) -> None:
    parts = [str(path) for path in zone.quarantine_parts(manifest.load_id)]
    if parts:
        connection.execute(
            """insert into quarantine.rows
            select $load_id, $source, file, line, table_name, reason, original_text from read_parquet($parts)""",
            {"load_id": manifest.load_id, "source": manifest.source, "parts": parts},
        )


def remember_files(
    connection: duckdb.DuckDBPyConnection, source: str, files: Iterable[FileOutcome], *, load_id: int | None
) -> None:
    """Set the cursor of files. ``load_id``: the load that read them; None: there was nothing to load."""
    rows = [
        (source, o.file, o.sha256, o.bytes, o.modified_ns, o.status, load_id, o.records, o.reason)
        for o in files
    ]
    if not rows:
        return
    connection.executemany(
        "delete from ingest.files where source = ? and file = ?", [row[:2] for row in rows]
    )
    connection.executemany(f"insert into ingest.files values ({', '.join('?' * 9)})", rows)


def _remember_cursors(connection: duckdb.DuckDBPyConnection, manifest: Load) -> None:
    for stream, value in manifest.cursors.items():
        connection.execute(
            "delete from ingest.cursors where source = ? and stream = ?", [manifest.source, stream]
        )
        connection.execute(
            "insert into ingest.cursors values (?, ?, ?, ?)",
            [manifest.source, stream, value, manifest.load_id],
        )


def _remember_columns(connection: duckdb.DuckDBPyConnection, manifest: Load) -> None:
    for stream, columns in manifest.columns.items():
        for name, type_ in columns.items():
            column = [manifest.source, stream, name]
            known = connection.execute(
                """update ingest.columns set type = ? where source = ? and stream = ? and column_name = ?
                returning 1""",
                [type_, *column],
            ).fetchone()
            if not known:
                connection.execute(
                    "insert into ingest.columns values (?, ?, ?, ?, ?)", [*column, type_, manifest.load_id]
                )
