"""Files as Japanese offices write them, and the corners of CSV, read through mappings as users write them."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest
import yaml

from pipelines.home import Home
from pipelines.ingest import ingest_source
from pipelines.settings import load_settings
from pipelines.warehouse import open_warehouse

from .conftest import real_data

pytestmark = pytest.mark.real_data

JAPANESE = {
    "syukujitsu.csv": (
        "org.initiatives",
        {"initiative_id": "国民の祝日・休日月日", "name": "国民の祝日・休日名称", "starts_on": "国民の祝日・休日月日"},
        1_067,
    ),
    "derived_from_100knocks/customer_cp932.csv": (
        "crm.customers",
        {
            "customer_id": "customer_id",
            "full_name": "customer_name",
            "registered_at": {"column": "application_date", "format": "%Y%m%d"},
        },
        21_971,
    ),
    "derived_from_100knocks/product_cp932.csv": (
        "crm.products",
        {"product_id": "product_cd", "category": "category_small_cd", "unit_cost": "unit_cost"},
        10_030,
    ),
    "derived_from_100knocks/store_cp932.csv": (
        "org.departments",
        {"department": "store_cd", "name": "store_name", "parent_department": "prefecture"},
        53,
    ),
    "derived_from_100knocks/category_cp932.csv": (
        "org.departments",
        {"department": "category_small_cd", "name": "category_small_name"},
        228,
    ),
}  # fmt: skip
TEXT_COLUMNS = ("order_id", "customer_id", "sales_channel", "department", "campaign_id")
SPECTRUM = (
    "comma_in_quotes", "empty", "empty_crlf", "escaped_quotes", "json", "location_coordinates", "newlines",
    "newlines_crlf", "quotes_and_newlines", "simple", "simple_crlf", "utf8",
)  # fmt: skip


class Reading:
    """One file, read as a source of its own."""

    def __init__(
        self, folder: Path, path: Path, table: str, columns: dict[str, object], **options: object
    ) -> None:
        source = {
            "files": str(path),
            "format": "csv",
            "tables": [{"table": table, "columns": columns}],
            **options,
        }
        settings = {
            "company": {"name": "x"},
            "privacy": {"customer_key": {"public": "x"}},
            "sources": {"s": source},
        }
        (folder / "kizuna.yml").write_text(yaml.safe_dump(settings), encoding="utf-8")
        self._home = Home(folder / "state").create()
        self.result = ingest_source(self._home, load_settings(folder / "kizuna.yml", {}), "s")
        self._table = table

    @property
    def counts(self) -> dict[str, int]:
        """Rows by what became of them; those read are all of them."""
        (table,) = self.result.tables
        assert table.rows_read == table.rows_loaded + table.rows_quarantined + table.rows_duplicate
        return {"loaded": table.rows_loaded, "quarantined": table.rows_quarantined}

    def rows(self, *columns: str) -> list[tuple]:
        with open_warehouse(self._home, read_only=True) as connection:
            return connection.execute(
                f"select {', '.join(columns)} from raw_{self._table} order by _line"
            ).fetchall()

    @property
    def quarantined(self) -> list[str]:
        with open_warehouse(self._home, read_only=True) as connection:
            return [
                reason for (reason,) in connection.execute("select reason from quarantine.rows").fetchall()
            ]


@pytest.mark.parametrize("name", JAPANESE)
def test_cp932_is_read_to_the_count_and_to_the_letter(tmp_path: Path, name: str) -> None:
    table, columns, count = JAPANESE[name]
    path = real_data("jp_cp932") / name
    reading = Reading(tmp_path, path, table, columns, encoding="cp932")
    assert reading.counts == {"loaded": count, "quarantined": 0}
    text = pl.read_csv(path.read_bytes().decode("cp932").encode(), infer_schema=False)
    named = {canonical: column for canonical, column in columns.items() if isinstance(column, str)}
    plain = [canonical for canonical in named if canonical not in ("starts_on", "unit_cost")]
    assert reading.rows(*plain) == text.select(named[canonical] for canonical in plain).rows()


def test_cp932_that_is_declared_as_something_else_is_refused_with_its_place(tmp_path: Path) -> None:
    table, columns, _ = JAPANESE["syukujitsu.csv"]
    path = real_data("jp_cp932") / "syukujitsu.csv"
    for encoding in ("utf-8", "utf-16"):
        folder = tmp_path / encoding
        folder.mkdir()
        reading = Reading(folder, path, table, columns, encoding=encoding)
        assert f"not {encoding}: " in reading.result.rejected[0].reason
    assert (
        "line 1, byte 1 reads 8d 91 96 af"
        in Reading(tmp_path, path, table, columns, encoding="utf-8").result.rejected[0].reason
    )


@pytest.mark.parametrize("name", SPECTRUM)
def test_corners_of_csv_have_the_expected_values_or_are_in_quarantine(tmp_path: Path, name: str) -> None:
    folder = real_data("csv_spectrum")
    expected = json.loads((folder / "json" / f"{name}.json").read_text(encoding="utf-8"))
    expected = expected if isinstance(expected, list) else [expected]
    header = list(expected[0])
    columns = dict(zip(TEXT_COLUMNS, header, strict=False))
    moment = {"ordered_at": {"constant": "2024-01-01"}}
    reading = Reading(tmp_path, folder / "csvs" / f"{name}.csv", "crm.orders", columns | moment)
    if name == "location_coordinates":  # inches, written as quotes inside a field that has none around it
        assert reading.counts == {"loaded": 0, "quarantined": 1}
        assert reading.quarantined == ["a quote opens or closes in the wrong place"]
        (tmp_path / "again").mkdir()
        path = folder / "csvs" / f"{name}.csv"
        reading = Reading(tmp_path / "again", path, "crm.orders", columns | moment, quote=None)
        expected[0]["Contact Phone Number"] = "2095257564"  # the data set's own slip
    assert reading.counts == {"loaded": len(expected), "quarantined": 0}
    found = reading.rows(*columns)
    assert [[value or "" for value in row] for row in found] == [
        [row[name] for name in header] for row in expected
    ]
