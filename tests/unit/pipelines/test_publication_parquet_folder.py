"""A copy of the Parquet files where the user wants one."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import duckdb
import pytest

from pipelines.home import Home
from pipelines.publication import PublicationError, TableDoc, Version, publish
from pipelines.publication.parquet_folder import copy_to_folder

DOCS = {
    "kpi.changing": TableDoc("Changes.", {"night": "N."}),
    "kpi.staying": TableDoc("Stays.", {"one": "1."}),
}


def night(home: Home, number: int) -> Version:
    with duckdb.connect(str(home.warehouse)) as con:
        con.execute("create schema if not exists kpi; create or replace table kpi.staying as select 1 as one")
        con.execute(f"create or replace table kpi.changing as select {number} as night")
    return publish(
        home, as_of=dt.date(2023, 4, 30), run_id="run", docs=DOCS, checks=[], keep_versions=9
    ).version  # fmt: skip


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "state").create()


def seen(folder: Path) -> list[tuple]:
    return duckdb.sql(
        f"""
        select night, one, version
        from '{folder}/current/kpi/changing/*.parquet', '{folder}/current/kpi/staying/*.parquet',
            '{folder}/current/meta/publication/*.parquet'
        """
    ).fetchall()


def test_current_leads_to_the_version_and_unchanged_files_are_shared(home, tmp_path):
    folder = tmp_path / "lake" / "kizuna"
    first = night(home, 1)
    copy_to_folder(first, folder, keep=2)
    assert seen(folder) == [(1, 1, first.name)]
    second = night(home, 2)
    assert copy_to_folder(second, folder, keep=2) == 4  # the changed table, and the three about the version
    assert seen(folder) == [(2, 1, second.name)]
    assert (folder / "current/kpi/staying/all.parquet").stat().st_nlink == 2
    assert (folder / "current/kpi/changing/all.parquet").stat().st_nlink == 1


def test_old_copies_go_and_what_is_not_ours_stays(home, tmp_path):
    folder = tmp_path / "lake"
    (folder / "mine").mkdir(parents=True)
    (folder / ".building-x").mkdir()  # of a killed run
    versions = [night(home, number) for number in range(4)]
    for version in versions:
        copy_to_folder(version, folder, keep=2)
    names = {path.name for path in folder.iterdir()}
    assert names == {"mine", "current", versions[2].name, versions[3].name}


def test_going_back_keeps_the_version_that_is_gone_back_to(home, tmp_path):
    folder = tmp_path / "lake"
    versions = [night(home, number) for number in range(3)]
    for version in [*versions, versions[0]]:
        copy_to_folder(version, folder, keep=1)
    assert seen(folder) == [(0, 1, versions[0].name)]


def test_a_folder_that_cannot_be_made_is_an_error_with_its_mend(home, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(PublicationError, match="kizuna publication export"):
        copy_to_folder(night(home, 1), tmp_path / "file", keep=1)
