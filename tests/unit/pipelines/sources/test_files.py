"""Which files a source has, under which names, and how each is read."""

from __future__ import annotations

import errno
import gzip
import hashlib
import os
from pathlib import Path

import pytest

from pipelines.settings import FileSource, Settings, SettingsError, load_settings
from pipelines.sources.files import content_hash, find_files, has_changed, read_file

CAMPAIGNS = {"table": "crm.campaigns", "columns": {"campaign_id": "id", "starts_on": "s", "ends_on": "s"}}
ASSIGNMENTS = {
    "table": "support.ticket_assignments",
    "explode": "l",
    "columns": {"ticket_id": "id", "sequence_number": "l._position", "assigned_at": "l.at"},
}
TICKETS = {"table": "support.tickets", "columns": {"ticket_id": "id", "opened_at": "at"}}


def source(files: str = "*.csv", **keys: object) -> FileSource:
    return FileSource.model_validate({"files": files, "format": "csv", "tables": [CAMPAIGNS]} | keys)


def settings_in(folder: Path) -> Settings:
    settings = Settings.model_validate({"company": {"name": "x"}, "sources": {}})
    settings._path = folder / "kizuna.yml"
    return settings


def names(folder: Path, pattern: str, **keys: object) -> list[str]:
    return [file.name for file in find_files("s", source(pattern, **keys), settings_in(folder))]


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "settings"
    for name in ("b.csv", "a b.csv", "注文.csv", "x[1].csv", "deep/er/c.csv", "other.txt"):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("id,s\n")
    (folder / "folder.csv").mkdir()
    (tmp_path / "outside.csv").write_text("id,s\n")
    return folder


def test_files_are_named_by_their_place_below_the_settings(folder):
    assert names(folder, "*.csv") == ["a b.csv", "b.csv", "x[1].csv", "注文.csv"]
    assert names(folder, "**/c.csv") == ["deep/er/c.csv"]
    assert names(folder, "b.csv") == ["b.csv"]
    assert names(folder, "../out*.csv") == ["../outside.csv"]


def test_files_elsewhere_are_named_from_the_fixed_part_of_the_pattern(folder, tmp_path):
    assert names(tmp_path / "no", str(folder / "deep" / "*" / "*.csv")) == ["er/c.csv"]
    assert names(tmp_path / "no", str(folder / "b.csv")) == ["b.csv"]


def test_no_file_at_all_is_an_error_unless_it_is_expected(folder):
    with pytest.raises(SettingsError, match=r"sources\.s\.files: no file matches nothing\*"):
        names(folder, "nothing*")
    assert names(folder, "nothing*", required=False) == []


def test_a_file_that_vanishes_while_listing_is_left_to_the_reader(folder, monkeypatch):
    true_stat = Path.stat

    def stat(self, **keys):
        if self.name == "b.csv":
            raise FileNotFoundError(errno.ENOENT, "gone")
        return true_stat(self, **keys)

    monkeypatch.setattr(Path, "stat", stat)
    assert "b.csv" in names(folder, "*.csv")


def test_the_hash_is_of_the_bytes_as_they_lie_there(folder):
    assert content_hash(folder / "b.csv") == hashlib.sha256(b"id,s\n").hexdigest()
    assert content_hash(folder / "gone.csv") == ""
    assert content_hash(folder / "folder.csv") == ""


def test_what_is_no_file_is_listed_but_never_opened(folder):
    """A folder is none of the files; a pipe or a link into nothing is one that cannot be read."""
    (folder / "nowhere.csv").symlink_to(folder / "absent")
    os.mkfifo(folder / "pipe.csv")
    listed = names(folder, "*.csv")
    assert {"nowhere.csv", "pipe.csv"} < set(listed)
    assert "folder.csv" not in listed
    assert content_hash(folder / "pipe.csv") == content_hash(folder / "nowhere.csv") == ""


def test_a_file_that_grows_or_goes_has_changed(folder):
    [file] = find_files("s", source("b.csv"), settings_in(folder))
    assert not has_changed(file)
    file.path.write_text("id,s\n1")
    assert has_changed(file)
    file.path.unlink()
    assert has_changed(file)


def test_one_file_is_read_for_each_of_its_tables(tmp_path):
    path = tmp_path / "t.jsonl.gz"
    path.write_bytes(
        gzip.compress(b'{"id":1,"at":"2024-01-01","l":[{"at":"2024-01-01"},{"at":"2024-01-02"}]}\n')
    )
    jsonl = source("*.gz", format="jsonl", tables=[TICKETS, ASSIGNMENTS])
    [file] = find_files("s", jsonl, settings_in(tmp_path))
    read = {mapping.table: records for mapping, records in read_file(file, jsonl)}
    assert read["support.tickets"].count == 1
    assert read["support.ticket_assignments"].frame["l._position"].to_list() == ["1", "2"]


@pytest.mark.parametrize(
    ("keys", "text"),
    [
        ({}, "id,s\n1,2\n"),
        ({"delimiter": ";", "quote": "'"}, "id;s\n'1';2\n"),
        ({"format": "whitespace"}, " id  s\n  1  2\n"),
        ({"encoding": "utf-16"}, "id,s\n1,2\n"),
    ],
)
def test_the_declared_dialect_is_used(tmp_path, keys, text):
    (tmp_path / "x.csv").write_bytes(text.encode(keys.get("encoding", "utf-8")))
    declared = source(**keys)
    [file] = find_files("s", declared, settings_in(tmp_path))
    [(_, records)] = read_file(file, declared)
    assert records.frame.select("id", "s").rows() == [("1", "2")]


def test_a_pattern_from_a_variable_is_shown_with_the_variables_name(tmp_path):
    (tmp_path / "kizuna.yml").write_text(
        "company: {name: x}\nsources:\n  s:\n    files: ${EXPORTS}/*.csv\n    format: csv\n"
        "    tables: [{table: org.departments, columns: {department: id}}]\n"
    )
    settings = load_settings(tmp_path / "kizuna.yml", {"EXPORTS": "/secret/machine/path"})
    with pytest.raises(SettingsError) as raised:
        find_files("s", settings.sources["s"], settings)
    assert "no file matches ${EXPORTS}/*.csv" in str(raised.value)
    assert "machine" not in str(raised.value)
