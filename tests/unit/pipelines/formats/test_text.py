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


@pytest.mark.parametrize(
    ("data", "declared", "says"),
    [
        ("a,b\n".encode("utf-16"), "utf-8", "byte 1 reads ff fe 61 00 (hexadecimal). It begins with the byte-order"),
        ("id,name\n".encode("utf-16-le"), "utf-8", "Declare encoding: utf-16-le"),
        ("id,name\n".encode("utf-16-be"), "cp932", "Declare encoding: utf-16-be"),
        ("id,name\n".encode("utf-16-be"), "utf-16", "no byte-order mark, so that the order of its bytes is unknown"),
        ("\ufeffid\n".encode("utf-16-be"), "utf-16-le", "says the other order"),
        ("id\n注文\n".encode("utf-16-be")[:-1], "utf-16-be", "line 2, byte 11 reads 00 (hexadecimal)"),
        ("id\n日本日本\n".encode(), "cp932", "line 2, byte 4 reads e6 97 a5 e6 (hexadecimal). It can be read as utf-8"),
        ("id\n注文の名前\n".encode(), "latin-1", "It can be read as utf-8"),
        ("id\n髙橋①\n".encode("cp932"), "shift_jis", "byte 4 reads ee e0 8b b4 (hexadecimal). It can be read as cp932"),
    ],
)  # fmt: skip
def test_what_decodes_by_chance_or_nearly_is_an_error_that_says_what_to_declare(data, declared, says):
    with pytest.raises(UnreadableFileError) as raised:
        as_utf8(data, declared)
    assert says in str(raised.value)


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("naïve,Müller,Ærø\n", "latin-1"),
        ("ﾃｱ,ﾄｰ\n", "cp932"),  # valid UTF-8 by chance, too
        ("①㈱～髙\n", "cp932"),
        ("a,b\n1,\x00\n" * 9, "utf-8"),
        ("注文の名前\n", "utf-16-be"),
        ("注文の名前\n", "utf-16-le"),
        ("", "utf-16"),
        ("", "utf-8"),
        ("", "cp932"),
        ("é\n", "utf-32"),
    ],
)
def test_what_is_declared_rightly_is_not_doubted(text, encoding):
    assert as_utf8(text.encode(encoding), encoding).decode() == text


def test_cp932_and_shift_jis_differ_in_a_handful_of_signs():
    """The wave dash of Shift_JIS is a full-width tilde on Windows, where most such files come from."""
    assert as_utf8(b"\x81\x60\x81\x7c", "cp932").decode() == "\uff5e\uff0d"
    assert as_utf8(b"\x81\x60\x81\x7c", "shift_jis").decode() == "\u301c\u2212"
