"""From a file's bytes to UTF-8 text: decompression and declared encodings.

An encoding is declared, never guessed: Latin-1 reads every file without an error, and a CP932 file can
happen to be valid UTF-8 nonsense.
"""

from __future__ import annotations

import codecs
from pathlib import Path

import pyarrow as pa

from pipelines.formats.memory import require_memory
from pipelines.formats.records import UnreadableFileError

_COMPRESSIONS = {".gz": "gzip", ".bz2": "bz2", ".zst": "zstd"}
_UTF8_MARK = codecs.BOM_UTF8
_UTF16_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_SHOWN_BYTES = 4
_ASCII = bytes(range(128))
_SAMPLE_BYTES = 4096  # of a text, enough to see whether every other byte of it is zero
_UTF16_SHARE = 0.25  # of bytes that are zero in text of one's own alphabet, and in no other text
_SURPLUS_BYTES = 4  # bytes beyond the first of a character: four umlauts or two kanji
# One file is held in memory while it is read; a larger one is either an archive bomb or wants splitting.
MAXIMUM_TEXT_BYTES = 4 * 1024**3
_BLOCK_BYTES = 16 * 1024**2
_COPIES = 6  # of its text that reading an ordinary file holds at once, measured
_LINES_IN_A_RECORD = 1000  # of a comment that somebody wrote into a survey; more are a stray quote


def read_bytes(path: Path, maximum_bytes: int | None = None) -> bytes:
    """The file's content, decompressed by its suffix (.gz, .bz2, .zst).

    Raises:
        UnreadableFileError: the archive is damaged, or its content exceeds ``maximum_bytes`` (by default
            ``MAXIMUM_TEXT_BYTES``) or the memory.
    """
    if maximum_bytes is None:
        maximum_bytes = MAXIMUM_TEXT_BYTES
    compression = _COMPRESSIONS.get(path.suffix.lower())
    if compression is None:
        size = path.stat().st_size
        if size > maximum_bytes:
            raise _too_large(maximum_bytes)
        require_memory(_COPIES * size)
        return path.read_bytes()
    blocks, size = [], 0
    try:
        with pa.input_stream(str(path), compression=compression) as stream:
            while block := stream.read(_BLOCK_BYTES):
                size += len(block)
                if size > maximum_bytes:
                    raise _too_large(maximum_bytes)
                require_memory(_COPIES * len(block))  # the blocks before are taken already
                blocks.append(block)
    except OSError as error:
        raise UnreadableFileError(f"the {compression} archive is damaged or cut off ({error})") from None
    return b"".join(blocks)


def read_prefix(path: Path, size: int) -> bytes:
    """The first bytes of the file's content, decompressed.

    Raises:
        UnreadableFileError: the archive is damaged.
    """
    with pa.input_stream(str(path), compression=_COMPRESSIONS.get(path.suffix.lower())) as stream:
        try:
            return stream.read(size)
        except OSError as error:
            raise UnreadableFileError(f"the archive is damaged or cut off ({error})") from None


def read_beginning(path: Path, size: int, encoding: str, quote: str | None) -> bytes:
    """As ``read_bytes``, but of a longer file only the whole records within its first ``size`` bytes.

    Args:
        quote: between which a line end ends no record.
    """
    data = read_prefix(path, size + 1)
    if len(data) <= size:
        return data
    try:
        text = codecs.getincrementaldecoder(encoding)().decode(data)
    except UnicodeError:
        return data  # who decodes it says where
    return text[: _end_of_records(text, quote)].encode(encoding)


def _end_of_records(text: str, quote: str | None) -> int:
    """Past the last line end that no quotes surround; a quote in the wrong place must not cost the whole text."""
    last = end = text.rfind("\n")
    open_quotes = text.count(quote, 0, end) % 2 if quote and end > 0 else 0
    for _ in range(_LINES_IN_A_RECORD):
        if not open_quotes or end <= 0:
            break
        before = text.rfind("\n", 0, end)
        open_quotes = (open_quotes + text.count(quote or "", max(before, 0), end)) % 2
        end = before
    end = last if open_quotes or end <= 0 else end
    return end + 1 if end >= 0 else len(text)


def _too_large(maximum_bytes: int) -> UnreadableFileError:
    return UnreadableFileError(
        f"the file holds more than {maximum_bytes // 1024**2:,} MiB of text; split it into smaller files"
    )


def as_utf8(data: bytes, encoding: str) -> bytes:
    """The text as UTF-8 without byte-order marks (real files carry up to two).

    Raises:
        UnreadableFileError: the bytes are not in the declared encoding; says which ones, and where.
    """
    codec = codecs.lookup(encoding).name
    doubt = _doubt(data, codec)
    if doubt:
        raise UnreadableFileError(f"the file is not {encoding}: {doubt}")
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        place = _place(data, encoding, error.start)
        raise UnreadableFileError(f"the file is not {encoding}: {place}. {_advice(data, codec)}") from None
    except UnicodeError as error:
        raise UnreadableFileError(f"the file is not {encoding}: {error}") from None
    if not codec.startswith("utf") and _is_surely_utf8(data):
        place = _place(data, encoding, len(data) - len(data.lstrip(_ASCII)))
        raise UnreadableFileError(f"the file is not {encoding}: {place}. {_advice(data, codec)}")
    utf8 = data if codec == "utf-8" else text.encode("utf-8")
    while utf8.startswith(_UTF8_MARK):
        utf8 = utf8[len(_UTF8_MARK) :]
    return utf8


def _doubt(data: bytes, codec: str) -> str | None:
    """Why bytes that may well decode are of another encoding; None: nothing speaks against it."""
    if codec == "utf-16" and not data.startswith(_UTF16_MARKS) and data:
        return (
            f"it has no byte-order mark, so that the order of its bytes is unknown. "
            f"Declare encoding: {_order_of_bytes(data) or 'utf-16-le or utf-16-be'}"
        )
    other = {"utf-16-le": codecs.BOM_UTF16_BE, "utf-16-be": codecs.BOM_UTF16_LE}.get(codec)
    if other and data.startswith(other):
        return "its byte-order mark says the other order. Declare encoding: utf-16, which follows the mark"
    order = None if codec.startswith(("utf-16", "utf-32")) else _order_of_bytes(data, _UTF16_SHARE)
    if order and not data.startswith(_UTF16_MARKS):  # with a mark, decoding fails at its first byte
        return f"every other byte is zero, as in UTF-16. Declare encoding: {order}"
    return None


def _place(data: bytes, encoding: str, start: int) -> str:
    """Where a byte stands, and the bytes from there; a few of them only, because they are somebody's data."""
    line = data[:start].decode(encoding, errors="replace").count("\n") + 1
    return f"line {line}, byte {start + 1} reads {data[start : start + _SHOWN_BYTES].hex(' ')} (hexadecimal)"


def _order_of_bytes(data: bytes, share: float = 0.05) -> str | None:
    """The order of bytes in UTF-16 without a mark; None: fewer than a share of them are zero, or in no order.

    What separates and ends records is ASCII, one byte of which is zero in UTF-16, always the same one.
    """
    sample = data[:_SAMPLE_BYTES]
    zeros = (sample[0::2].count(0), sample[1::2].count(0))
    if not any(zeros) or max(zeros) < share * len(sample) or min(zeros) * 4 > max(zeros):
        return None
    return "utf-16-be" if zeros[0] > zeros[1] else "utf-16-le"


def _is_surely_utf8(data: bytes) -> bool:
    """Whether text declared otherwise is UTF-8: a handful of its characters do not come about by chance."""
    if data.isascii():
        return False
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return False
    return len(data) - len(text) >= _SURPLUS_BYTES


def _advice(data: bytes, codec: str) -> str:
    """What to declare instead."""
    if data.startswith(_UTF16_MARKS):
        return "It begins with the byte-order mark of UTF-16: declare encoding: utf-16"
    if order := _order_of_bytes(data):
        return f"Many of its bytes are zero, as in UTF-16: declare encoding: {order}"
    for candidate in ("utf-8", "cp932") if codec.startswith("shift") else ("utf-8",):
        try:
            data.decode(candidate)
        except UnicodeDecodeError:
            continue
        return f"It can be read as {candidate}: declare encoding: {candidate}"
    return "Declare its true encoding (encoding: cp932, cp1252, latin-1, utf-16, ...)"
