"""What a source's asset tells of its columns and files, as people meet it: checks, metadata, the night's warnings."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import dagster as dg
import pytest

from orchestration.assets.raw import (
    CHANGES_CHECK,
    COLUMNS_CHECK,
    READ_CHECK,
    ROWS_CHECK,
    raw_tables,
    source_assets,
)
from orchestration.resources import BusinessDate, Company, ProgressDisplay
from pipelines.home import Home
from pipelines.night import business_date
from pipelines.settings import load_settings

CONFIG = """
company: {{name: x}}
privacy: {{customer_key: {{public: x}}}}
sources:
  shop:
    files: "{files}"
    format: csv
    required: false
    tables: [{{table: org.departments, columns: {{department: id, name: n}}}}]
"""


class Exports:
    """A folder of exports whose source is read as Dagster does it."""

    def __init__(self, folder: Path, files: str = "*.csv", more: str = "") -> None:
        """``more``: keys of the source."""
        self.folder = folder
        (folder / "kizuna.yml").write_text(CONFIG.format(files=files).rstrip() + f"\n{more}\n")
        self.company = Company(load_settings(folder / "kizuna.yml", {}), Home(folder / "state").create())

    def checks(self, source: str = "shop", tables: bool = False) -> dict[str, tuple[bool, str]]:
        """Of one night: whether each check passed, and what it says."""
        settings = self.company.settings
        by_source = dict(zip(settings.sources, source_assets(settings), strict=True))
        assets = [raw_tables(settings)] if tables else [by_source[source]]
        resources = {
            "company": self.company,
            "display": ProgressDisplay(lambda *_: None),
            "business_date": BusinessDate(),
        }
        result = dg.materialize(assets, resources=resources)
        return {
            found.check_name: (found.passed, found.description or "")
            for found in result.get_asset_check_evaluations()
        }


@pytest.fixture
def exports(tmp_path: Path) -> Exports:
    return Exports(tmp_path)


def test_new_and_gone_columns_are_named(exports: Exports) -> None:
    (exports.folder / "1.csv").write_text("id,n,size\na,A,1\n")
    assert exports.checks()[COLUMNS_CHECK] == (True, "")
    (exports.folder / "2.csv").write_text("id,n,colour\nb,B,red\n")
    passed, text = exports.checks()[COLUMNS_CHECK]
    assert not passed
    assert text.splitlines() == [
        "shop: new columns are kept in _extra: 'colour' of org.departments. "
        "Map them, or name them under ignored_columns",
        "shop: columns are gone: 'size' of org.departments. If that is right, name them under ignored_columns",
    ]


@pytest.mark.parametrize(("files", "passes"), [("*.csv", False), ("1.csv", True)])
def test_a_changed_file_of_a_family_is_a_warning_and_a_single_one_is_not(
    tmp_path: Path, files: str, passes: bool
) -> None:
    exports = Exports(tmp_path, files)
    (tmp_path / "1.csv").write_text("id,n\na,A\nb,B\n")
    exports.checks()
    (tmp_path / "1.csv").write_text("id,n\na,Aa\nb,B\n")
    passed, text = exports.checks()[CHANGES_CHECK]
    assert passed == passes
    assert passes or text.endswith("and were read again: 1.csv (1 rows read differently)")


def test_a_night_without_any_row_says_so(exports: Exports) -> None:
    assert exports.checks()[READ_CHECK][0]
    passed, text = exports.checks(tables=True)[ROWS_CHECK]
    assert not passed
    assert text.startswith("no source has brought a row yet")
    (exports.folder / "1.csv").write_text("id,n\na,A\n")
    exports.checks()
    assert exports.checks(tables=True)[ROWS_CHECK] == (True, "")


def test_to_look_at_one_raw_table_leaves_the_date_of_the_night_alone(exports: Exports) -> None:
    """Run for the table alone, nobody has said for which date the others would have to be computed anew."""
    (exports.folder / "1.csv").write_text("id,n\na,A\nb,\n")
    exports.checks()
    settings, home = exports.company.settings, exports.company.home
    asset, chosen = raw_tables(settings), dg.AssetKey(["raw_org", "departments"])

    def run(as_of: str, selection: list[dg.AssetKey] | None) -> list[dg.AssetMaterialization]:
        resources = {"company": exports.company, "business_date": BusinessDate(as_of=as_of)}
        result = dg.materialize([asset], resources=resources, selection=selection)
        assert result.success
        return [event.materialization for event in result.get_asset_materialization_events()]

    assert {found.asset_key for found in run("2024-02-29", None)} == asset.keys
    (found,) = run("2025-01-01", [chosen])
    assert (found.asset_key, found.metadata["dagster/row_count"].value) == (chosen, 2)
    assert business_date(home) == dt.date(2024, 2, 29)


def test_a_snapshot_that_is_exported_again_is_no_surprise(tmp_path):
    exports = Exports(tmp_path, more="    snapshot: true")
    for number in range(2):
        (tmp_path / "all.csv").write_text(f"id,n\na,{number}\n")
        checks = exports.checks()
    assert checks[CHANGES_CHECK] == (True, "")


def test_rows_that_a_snapshot_may_delete_though_another_source_tells_them_are_a_warning(tmp_path):
    second = """
  hr:
    files: hr/*.csv
    format: csv
    tables: [{table: org.departments, columns: {department: id, name: n}}]"""
    exports = Exports(tmp_path, more="    snapshot: true" + second)
    (tmp_path / "all.csv").write_text("id,n\na,A\nb,B\n")
    (tmp_path / "hr").mkdir()
    (tmp_path / "hr" / "1.csv").write_text("id,n\nb,B\nc,C\n")
    assert exports.checks("shop")[READ_CHECK] == (True, "")
    passed, told = exports.checks("hr")[READ_CHECK]
    assert not passed
    assert told.startswith("hr, org.departments: 1 rows are told by source shop, too.")
    (tmp_path / "hr" / "2.csv").write_text("id,n\nd,D\n")  # one that the snapshot never had
    assert exports.checks("hr")[READ_CHECK] == (True, "")


def test_rows_of_which_one_source_keeps_the_oldest_and_another_the_newest_are_a_warning(tmp_path):
    second = """
  hr:
    files: hr/*.csv
    format: csv
    tables: [{table: org.departments, keep: oldest, version: at, columns: {department: id, name: n}}]"""
    exports = Exports(tmp_path, more=second)
    (tmp_path / "all.csv").write_text("id,n\na,A\n")
    (tmp_path / "hr").mkdir()
    (tmp_path / "hr" / "1.csv").write_text("id,n,at\na,Z,2024-01-01\n")
    exports.checks("shop")
    passed, told = exports.checks("hr")[READ_CHECK]
    assert not passed
    assert "One keeps the oldest version of a row" in told
