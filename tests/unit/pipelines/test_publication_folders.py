"""Copies of what is published where the user wants them."""

from __future__ import annotations

import datetime as dt
import os
import stat
import sys
from pathlib import Path

import duckdb
import pytest

from pipelines.home import Home
from pipelines.publication import PublicationError, TableDoc, Version, publish
from pipelines.publication.folders import FILE_AND_PAGE, PARQUET, copy_to_folder

DOCS = {
    "kpi.changing": TableDoc("Changes.", {"night": "N."}),
    "kpi.staying": TableDoc("Stays.", {"one": "1."}),
}


def night(home: Home, number: int, *, parquet: bool = True) -> Version:
    with duckdb.connect(str(home.warehouse)) as con:
        con.execute("create schema if not exists kpi; create or replace table kpi.staying as select 1 as one")
        con.execute(f"create or replace table kpi.changing as select {number} as night")
    return publish(
        home, as_of=dt.date(2023, 4, 30), run_id="run", docs=DOCS, checks=[], keep_versions=9,
        parquet=parquet, scorecard=lambda _: f"<p>night {number}</p>",
    ).version  # fmt: skip


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "state").create()


def seen_in_parquet(folder: Path) -> list[tuple]:
    return duckdb.sql(
        f"""
        select night, one, version
        from '{folder}/current/kpi/changing/*.parquet', '{folder}/current/kpi/staying/*.parquet',
            '{folder}/current/meta/publication/*.parquet'
        """
    ).fetchall()


def open_copy(folder: Path) -> duckdb.DuckDBPyConnection:
    return duckdb.connect(str(folder / "current/kizuna.duckdb"), read_only=True)


def seen(folder: Path) -> tuple[int, str, str]:
    """The night in the file, its version, and the page beside it."""
    with open_copy(folder) as copy:
        [(number, version)] = copy.execute(
            "select night, version from kpi.changing, meta.publication"
        ).fetchall()
    return number, version, (folder / "current/scorecard.html").read_text()


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_current_leads_to_the_version_and_unchanged_files_are_shared(home, tmp_path):
    folder = tmp_path / "lake" / "kizuna"
    first = night(home, 1)
    copy_to_folder(first, folder, 2, PARQUET)
    assert seen_in_parquet(folder) == [(1, 1, first.name)]
    second = night(home, 2)
    assert (
        copy_to_folder(second, folder, 2, PARQUET) == 5
    )  # what changed, three about the version, the manifest
    assert seen_in_parquet(folder) == [(2, 1, second.name)]
    assert (folder / "current/kpi/staying/all.parquet").stat().st_nlink == 2
    assert (folder / "current/kpi/changing/all.parquet").stat().st_nlink == 1


def test_the_file_comes_with_its_page_and_who_has_it_open_keeps_it(home, tmp_path):
    folder = tmp_path / "shared"
    first = night(home, 1)
    copy_to_folder(first, folder, 2, FILE_AND_PAGE)
    assert {path.name for path in (folder / "current").iterdir()} == {
        "kizuna.duckdb", "scorecard.html", "manifest.json",
    }  # fmt: skip
    with open_copy(folder) as reader:
        second = night(home, 2)
        copy_to_folder(second, folder, 1, FILE_AND_PAGE)  # the copy that the reader has open is removed
        assert seen(folder) == (2, second.name, "<p>night 2</p>")
        assert reader.execute("select night from kpi.changing").fetchall() == [(1,)]


@pytest.mark.parametrize(
    ("rights", "of_files", "of_folders"),
    [(0o2750, 0o640, 0o2750), (0o2770, 0o640, 0o2750), (0o755, 0o644, 0o755), (0o700, 0o600, 0o700)],
)
def test_who_may_read_the_folder_may_read_the_copies_whatever_the_umask(
    home, tmp_path, rights, of_files, of_folders
):
    folder = tmp_path / "shared"
    folder.mkdir()
    folder.chmod(rights)
    before = os.umask(0o077)
    try:
        for selection in (FILE_AND_PAGE, PARQUET):
            place = folder / selection.setting
            place.mkdir()
            place.chmod(rights)
            copy_to_folder(night(home, 1), place, 2, selection)
            copies = list((place / "current").resolve().rglob("*"))
            assert {mode(path) for path in copies if path.is_file()} == {of_files}
            assert {mode(path) for path in copies if path.is_dir()} <= {of_folders}
            assert mode((place / "current").resolve()) == of_folders
    finally:
        os.umask(before)


def test_rights_that_were_changed_since_reach_a_copy_that_is_there(home, tmp_path):
    folder = tmp_path / "shared"
    version = night(home, 1)
    copy_to_folder(version, folder, 2, FILE_AND_PAGE)
    folder.chmod(0o700)
    assert copy_to_folder(version, folder, 2, FILE_AND_PAGE) == 0
    assert mode(folder / "current/kizuna.duckdb") == 0o600


def test_old_copies_go_and_what_is_not_ours_stays(home, tmp_path):
    folder = tmp_path / "lake"
    (folder / "mine").mkdir(parents=True)
    (folder / ".building-x").mkdir()  # of a killed run
    versions = [night(home, number) for number in range(4)]
    for version in versions:
        copy_to_folder(version, folder, 2, PARQUET)
    names = {path.name for path in folder.iterdir()}
    assert names == {"mine", "current", versions[2].name, versions[3].name}


@pytest.mark.parametrize("selection", [FILE_AND_PAGE, PARQUET], ids=lambda selection: selection.setting)
def test_going_back_keeps_the_version_that_is_gone_back_to(home, tmp_path, selection):
    folder = tmp_path / "lake"
    versions = [night(home, number) for number in range(3)]
    for version in [*versions, versions[0]]:
        copy_to_folder(version, folder, 1, selection)
    assert (folder / "current").readlink() == Path(versions[0].name)
    assert {path.name for path in folder.iterdir()} == {"current", versions[0].name, versions[2].name}


@pytest.mark.parametrize("selection", [FILE_AND_PAGE, PARQUET], ids=lambda selection: selection.setting)
def test_a_copy_that_somebody_damaged_is_made_again(home, tmp_path, selection):
    folder = tmp_path / "lake"
    version = night(home, 1)
    copy_to_folder(version, folder, 2, selection)
    whole = sorted(path.relative_to(folder) for path in folder.rglob("*"))
    for path in (folder / version.name).rglob("*.*"):
        path.write_text("x")
    assert copy_to_folder(version, folder, 2, selection) > 1
    assert sorted(path.relative_to(folder) for path in folder.rglob("*")) == whole
    assert (folder / "current/manifest.json").read_text() != "x"


def test_a_version_without_parquet_is_no_empty_copy(home, tmp_path):
    with pytest.raises(PublicationError, match=r"publication.parquet: .* has no such files; the next night"):
        copy_to_folder(night(home, 1, parquet=False), tmp_path / "lake", 1, PARQUET)
    assert not (tmp_path / "lake/current").exists()


def test_a_folder_that_cannot_be_made_is_an_error_with_its_mend(home, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(PublicationError, match=r"publication.folder: .* kizuna publication export"):
        copy_to_folder(night(home, 1), tmp_path / "file", 1, FILE_AND_PAGE)


class Killed(BaseException):
    """Stands for the end of the process: nothing catches it."""


class DiesAtStep:
    """Ends the copying just before the n-th time that it changes the file system; a hook cannot be removed."""

    CHANGES = frozenset(
        {"os.mkdir", "os.rename", "os.symlink", "os.link", "os.remove", "os.rmdir", "os.chmod"}
    )

    def __init__(self) -> None:
        self.steps: int | None = None
        sys.addaudithook(self)

    def __call__(self, event: str, _arguments: object) -> None:
        if self.steps is not None and event in self.CHANGES:
            self.steps -= 1
            if self.steps < 0:
                self.steps = None
                raise Killed


def test_readers_see_one_whole_version_wherever_the_copying_is_killed(home, tmp_path):
    first, second = night(home, 1), night(home, 2)
    whole = {(1, first.name, "<p>night 1</p>"), (2, second.name, "<p>night 2</p>")}
    dies, killed = DiesAtStep(), 0
    while True:
        folder = tmp_path / f"shared{killed}"
        copy_to_folder(first, folder, 1, FILE_AND_PAGE)
        dies.steps = killed
        try:
            copy_to_folder(second, folder, 1, FILE_AND_PAGE)
            break
        except Killed:
            killed += 1
        assert seen(folder) in whole
        copy_to_folder(first, folder, 2, FILE_AND_PAGE)  # the night is rolled back, then taken after all
        assert seen(folder)[1] == first.name
        copy_to_folder(second, folder, 1, FILE_AND_PAGE)
        assert seen(folder)[1] == second.name
        assert {path.name for path in folder.iterdir()} == {"current", second.name}
    dies.steps = None
    assert (
        killed >= 10
    )  # the copy's folder, its rights, two renames, the link, and four removals of the one before
