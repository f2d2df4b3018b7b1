"""A look at the beginning of a long file ends with a whole record."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from pipelines.formats.document import ReadOptions
from pipelines.formats.records import UnreadableFileError
from pipelines.formats.registry import FORMATS
from pipelines.formats.text import read_beginning


@pytest.mark.parametrize("encoding", ["utf-8", "cp932", "utf-16"])
@pytest.mark.parametrize("size", range(20, 90, 7))
def test_no_record_is_cut_at_whatever_byte_the_beginning_ends(
    tmp_path: Path, encoding: str, size: int
) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes('id,text\n1,"一\n二"\n2,"三"\n3,"四\n\n五"\n4,x\n5,y\n6,z\n'.encode(encoding))
    options = ReadOptions(encoding=encoding, beginning=size)
    records = FORMATS["csv"].open(path, options).records([], None)
    assert records.rejected.height == 0
    assert records.frame["id"].to_list() == [str(n) for n in range(1, records.frame.height + 1)]
    whole = len(path.read_bytes()) <= size
    assert (records.frame.height == 6) == whole


def test_a_stray_quote_does_not_cost_the_beginning(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text('id,text\n1,in"ch\n' + "2,x\n" * 5000)
    assert len(read_beginning(path, 10_000, "utf-8", '"')) > 9_000


def test_a_compressed_file_is_read_no_further_than_wanted(tmp_path: Path) -> None:
    path = tmp_path / "a.csv.gz"
    path.write_bytes(gzip.compress(b"id\n" + b"1\n" * 1000))
    assert read_beginning(path, 9, "utf-8", None) == b"id\n1\n1\n1\n"[:9]
    path.write_bytes(gzip.compress(b"id\n" + b"1\n" * 100_000)[:60])
    with pytest.raises(UnreadableFileError, match="damaged or cut off"):
        read_beginning(path, 10_000_000, "utf-8", None)
