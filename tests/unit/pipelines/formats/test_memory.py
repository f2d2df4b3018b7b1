"""A file that does not fit into memory is refused, before it is read."""

from __future__ import annotations

import pytest

from pipelines.formats import memory
from pipelines.formats.delimited import split_records
from pipelines.formats.memory import available_memory, require_memory
from pipelines.formats.records import UnreadableFileError
from pipelines.formats.text import read_bytes


def test_the_memory_of_this_machine_is_known():
    assert available_memory() > 64 * 1024**2
    require_memory(1024**2)


def test_a_container_has_no_more_than_its_limit(tmp_path, monkeypatch):
    (tmp_path / "max").write_text("max\n")
    (tmp_path / "limit").write_text("1048576\n")
    monkeypatch.setattr(memory, "_LIMITS", (tmp_path / "max", tmp_path / "absent"))
    without = available_memory()
    monkeypatch.setattr(memory, "_LIMITS", (tmp_path / "max", tmp_path / "limit"))
    assert available_memory() == 1048576 < without
    with pytest.raises(
        UnreadableFileError, match=r"takes about 2 MiB of memory, and 1 MiB are free; split it"
    ):
        require_memory(2 * 1048576)


def test_a_file_that_memory_does_not_hold_is_refused(tmp_path, monkeypatch):
    (tmp_path / "limit").write_text("4096")
    monkeypatch.setattr(memory, "_LIMITS", (tmp_path / "limit",))
    path = tmp_path / "a.csv"
    path.write_bytes(b"a\n" * 100)
    assert len(read_bytes(path)) == 200
    with pytest.raises(UnreadableFileError, match="split it"):
        split_records(path.read_bytes(), ",", None)  # a hundred records in two hundred bytes
    path.write_bytes(bytes(1000))
    with pytest.raises(UnreadableFileError, match="split it"):
        read_bytes(path)
