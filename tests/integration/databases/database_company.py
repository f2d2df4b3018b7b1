"""A company whose CRM is a database: its settings, its nights, and what is in its raw tables."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import yaml

from pipelines.home import Home
from pipelines.ingest import SourceResult, TableDeletions, compare_deletions, ingest_source, rebuild
from pipelines.settings import Settings, load_settings
from pipelines.warehouse import open_warehouse

VARIABLE = "KIZUNA_TEST_CRM"  # holds the connection string
ORDERS = {
    "table": "crm.orders",
    "from": "public.orders",
    "columns": {
        "order_id": "id",
        "customer_id": "customer",
        "ordered_at": "placed",
        "status": "state",
        "updated_at": "changed",
    },
}


@dataclass
class Company:
    """One source, ``crm``, and its state folder."""

    folder: Path
    database: str = "postgres"
    timezone: str = "UTC"

    @property
    def home(self) -> Home:
        return Home(self.folder / "home").create()

    def settings(self, *tables: dict) -> Settings:
        reached = {"path": "crm.sqlite"} if self.database == "sqlite" else {"connection": {"env": VARIABLE}}
        source = {"database": self.database, **reached, "timezone": self.timezone, "tables": list(tables)}
        content = {
            "company": {"name": "x"},
            "privacy": {"customer_key": {"public": "x"}},
            "sources": {"crm": source},
        }
        path = self.folder / "kizuna.yml"
        path.write_text(yaml.safe_dump(content), encoding="utf-8")
        return load_settings(path, {})

    def night(self, *tables: dict, progress: Callable[[int, int, str], None] | None = None) -> SourceResult:
        """Ingest, and check that every row that was read is accounted for."""
        result = ingest_source(self.home, self.settings(*tables), "crm", progress)
        assert (
            self.query(
                "select * from ingest.loads where rows_read <> rows_loaded + rows_quarantined + rows_duplicate"
            )
            == []
        )
        return result

    def deletions(self, *tables: dict, apply: bool = False) -> list[TableDeletions]:
        return compare_deletions(self.home, self.settings(*tables), "crm", apply=apply)

    def rebuild(self) -> None:
        rebuild(self.home)

    def query(self, sql: str) -> list[tuple]:
        with open_warehouse(self.home, read_only=True) as connection:
            return connection.execute(sql).fetchall()

    def raw(self, table: str = "crm.orders") -> list[tuple]:
        """The raw table without the numbers of its loads."""
        return self.query(f"select * exclude (_load_id) from raw_{table} order by all")

    def reasons(self) -> dict[str, int]:
        """Why rows are in quarantine, and how many."""
        return dict(self.query("select reason, count(*) from quarantine.rows group by reason"))


def incremental(table: dict = ORDERS, column: str = "changed", overlap: str | int = "1h") -> dict:
    """The table read by a watermark."""
    return {**table, "watermark": {"column": column, "overlap": overlap}}


def assert_says_nothing_secret(error: BaseException, *secrets: str) -> None:
    """Neither the error nor anything that a traceback would show beside it holds one of the texts."""
    said = str(error)
    while error.__cause__ or (error.__context__ and not error.__suppress_context__):
        error = error.__cause__ or error.__context__
        said += str(error)
    assert [secret for secret in secrets if secret in said] == []
