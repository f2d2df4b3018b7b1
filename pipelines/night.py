"""What has to stand in the warehouse between loading and dbt, and what a night tells about itself.

Belongs here: the settings of the night as a table, what dbt was built from, counts for people. Does not:
any measure, which is dbt's.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from pipelines import contracts, estimates
from pipelines.home import Home
from pipelines.load import last_load_id
from pipelines.matching import tables as matching
from pipelines.privacy import update_customer_keys
from pipelines.settings import Settings
from pipelines.warehouse import create_tables, open_warehouse

_SHOWN_REASONS = 5
_SHOWN_SAMPLES = 10


@dataclass(frozen=True)
class RawCounts:
    """One raw table: its rows, the rows ever quarantined on their way to it, and the commonest reasons.

    ``samples`` are the newest of those rows, as reason, source, file and line: where to look, and no value.
    """

    rows: int = 0
    quarantined: int = 0
    reasons: list[tuple[str, int]] = field(default_factory=list)
    samples: list[tuple[str, str, str | None, int | None]] = field(default_factory=list)


def prepare_transformation(home: Home, settings: Settings, as_of: dt.date, secret: str) -> None:
    """Write the customer keys and the settings that the models read; drop probable links that nobody wants any more.

    Raises:
        CustomerKeySecretChangedError: see ``pipelines.privacy``.
    """
    with open_warehouse(home) as connection:
        create_tables(connection)
        matching.create_tables(connection)
        estimates.create_tables(connection)
        connection.execute("begin")
        if not settings.matching.enabled:
            matching.forget_links(connection)
        update_customer_keys(connection, secret)
        connection.execute("delete from ops.run_settings")
        connection.execute(
            """insert into ops.run_settings (
                as_of_date, timezone, currency, minimum_answers, clv_basis, assumed_margin_rate, holdout_days,
                clv_horizon_days, fiscal_year_first_month
            ) values (?, ?, ?, ?, ?, ?, ?, ?, ?)""",
            [
                as_of,
                settings.company.timezone,
                settings.company.currency,
                settings.thresholds.minimum_answers,
                settings.lifetime_value.basis,
                settings.lifetime_value.assumed_margin_rate,
                settings.lifetime_value.holdout_days,
                settings.lifetime_value.horizon_days,
                settings.company.fiscal_year_first_month,
            ],
        )
        connection.execute("commit")


def business_date(home: Home) -> dt.date:
    """The date that ``prepare_transformation`` wrote: all steps of a run use this one."""
    with open_warehouse(home, read_only=True) as connection:
        row = connection.execute("select as_of_date from ops.run_settings").fetchone()
    assert row is not None  # prepare_transformation has run: assets depend on it
    return row[0]


def raw_counts(home: Home) -> dict[str, RawCounts]:
    """What the raw tables hold, by contract name."""
    with open_warehouse(home, read_only=True) as connection:
        quarantined = connection.execute(
            "select table_name, reason, count(*) from quarantine.rows group by all order by 3 desc, 2"
        ).fetchall()
        samples = connection.execute(
            """select table_name, reason, source, file, line from quarantine.rows
            qualify row_number() over (partition by table_name order by load_id desc, source, file, line) <= ?
            order by table_name, load_id desc, source, file, line""",
            [_SHOWN_SAMPLES],
        ).fetchall()
        rows = {
            contract.name: connection.execute(f"select count(*) from {contract.raw_name}").fetchall()[0][0]
            for contract in contracts.ALL
        }
    return {
        name: RawCounts(
            count,
            sum(n for table, _, n in quarantined if table == name),
            [(reason, n) for table, reason, n in quarantined if table == name][:_SHOWN_REASONS],
            [tuple(sample) for table, *sample in samples if table == name],
        )
        for name, count in rows.items()
    }


@dataclass(frozen=True)
class Held:
    """What a table of the warehouse holds: its rows, and its columns with their types."""

    rows: int
    columns: dict[str, str]


def held(home: Home, tables: Iterable[str]) -> dict[str, Held]:
    """What stands in tables that the pipeline itself writes, each named ``schema.table``."""
    with open_warehouse(home, read_only=True) as connection:
        return {
            table: Held(
                connection.execute(f"select count(*) from {table}").fetchall()[0][0],
                {column: type_ for column, type_, *_ in connection.execute(f"describe {table}").fetchall()},
            )
            for table in tables
        }


@dataclass(frozen=True)
class ModelsBuilt:
    """What a part of the models was built from. ``fingerprint`` is empty before the first build."""

    fingerprint: str = ""
    last_load_id: int = 0


def models_built(home: Home, part: str) -> ModelsBuilt:
    """The last successful build of one part of the models."""
    with open_warehouse(home, read_only=True) as connection:
        row = connection.execute(
            "select fingerprint, last_load_id from ops.models_built where part = ?", [part]
        ).fetchone()
    return ModelsBuilt(*row) if row else ModelsBuilt()


def why_models_are_built_anew(home: Home, part: str, fingerprint: str) -> str | None:
    """Why the incremental models of a part cannot go on from the last build; None: they can.

    They follow rows that a load brought. A row that is gone brings nothing: what was made of it stays, unless
    all is made again.
    """
    built = models_built(home, part)
    if built.fingerprint != fingerprint:
        return "the models or their settings have changed"
    with open_warehouse(home, read_only=True) as connection:
        row = connection.execute(
            "select coalesce(sum(rows_deleted), 0) from ingest.loads where load_id > ?", [built.last_load_id]
        ).fetchone()
    assert row is not None  # an aggregate always has a row
    return f"{row[0]:,} rows are gone from their sources" if row[0] else None


def remember_models_built(home: Home, part: str, fingerprint: str) -> None:
    """Note that a part of the models now holds every load, built from this version of the project."""
    with open_warehouse(home) as connection:
        connection.execute("begin")
        connection.execute("delete from ops.models_built where part is null or part = ?", [part])
        connection.execute(
            "insert into ops.models_built (fingerprint, last_load_id, part) values (?, ?, ?)",
            [fingerprint, last_load_id(connection), part],
        )
        connection.execute("commit")


def models_fingerprint(project: Path, settings: Settings, version: str) -> str:
    """Changes where an incremental model's stored rows no longer are what it would build now."""
    company, people = settings.company, settings.matching.model_dump_json()
    digest = hashlib.sha256(f"{version} {company.timezone} {company.currency} {people}".encode())
    for path in sorted(_project_files(project)):
        digest.update(path.relative_to(project).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def _project_files(project: Path) -> Iterable[Path]:
    for folder in ("models", "macros", "seeds"):
        yield from (path for path in (project / folder).rglob("*") if path.suffix in (".sql", ".csv", ".yml"))
    yield project / "dbt_project.yml"
