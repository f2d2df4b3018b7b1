"""Bytes to UTF-8: archives, size limits, and encodings that are declared."""

from __future__ import annotations

import bz2
import gzip

import pyarrow as pa
import pytest

from pipelines.formats.records import UnreadableFileError
from pipelines.formats.text import as_utf8, read_bytes

TEXT = b"a,b\n1,2\n" * 1000
PACKED = {
    ".csv": TEXT,
    ".gz": gzip.compress(TEXT),
    ".BZ2": bz2.compress(TEXT),
    ".zst": pa.compress(TEXT, codec="zstd", asbytes=True),
}


@pytest.mark.parametrize("suffix", PACKED)
def test_archives_are_unpacked_by_their_suffix(tmp_path, suffix):
    path = tmp_path / f"x{suffix}"
    path.write_bytes(PACKED[suffix])
    assert read_bytes(path) == TEXT


@pytest.mark.parametrize("suffix", [".gz", ".BZ2", ".zst"])
def test_an_archive_that_is_cut_off_is_an_error_not_a_shorter_file(tmp_path, suffix):
    path = tmp_path / f"x{suffix}"
    path.write_bytes(PACKED[suffix][:-9])
    with pytest.raises(UnreadableFileError, match="damaged or cut off"):
        read_bytes(path)


@pytest.mark.parametrize("suffix", PACKED)
def test_more_text_than_fits_is_an_error(tmp_path, suffix):
    path = tmp_path / f"x{suffix}"
    path.write_bytes(PACKED[suffix])
    with pytest.raises(UnreadableFileError, match="MiB"):
        read_bytes(path, maximum_bytes=len(TEXT) - 1)
    assert read_bytes(path, maximum_bytes=len(TEXT)) == TEXT


@pytest.mark.parametrize("suffix", [".gz", ".bz2", ".zst"])
def test_what_is_no_archive_is_an_error(tmp_path, suffix):
    path = tmp_path / f"x{suffix}"
    path.write_bytes(TEXT)
    with pytest.raises(UnreadableFileError):
        read_bytes(path)


@pytest.mark.parametrize("encoding", ["utf-8", "cp932", "utf-16", "utf-16-le", "utf-8-sig"])
def test_a_declared_encoding_is_read(encoding):
    assert as_utf8("注文,名前\n".encode(encoding), encoding) == "注文,名前\n".encode()


@pytest.mark.parametrize("marks", [1, 2, 3])
def test_byte_order_marks_are_no_text(marks):
    assert as_utf8(b"\xef\xbb\xbf" * marks + b"a", "utf-8") == b"a"
    assert as_utf8(("\ufeff" * marks + "a").encode("utf-16"), "utf-16") == b"a"


@pytest.mark.parametrize(
    ("text", "written", "declared", "place", "found"),
    [
        ("a\nb\nMüller\n", "latin-1", "utf-8", "line 3, byte 6", "fc 6c 6c 65"),
        ("a\n名前\n", "utf-8", "ascii", "line 2, byte 3", "e5 90 8d e5"),
        ("a\nb\x81\x01", "latin-1", "cp932", "line 2, byte 4", "81 01"),
    ],
)
def test_a_wrong_encoding_is_an_error_with_its_place(text, written, declared, place, found):
    with pytest.raises(UnreadableFileError) as raised:
        as_utf8(text.encode(written), declared)
    assert f"not {declared}: {place}" in str(raised.value)
    assert found in str(raised.value)
