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
_UTF8_MARK = b"\xef\xbb\xbf"
# One file is held in memory while it is read; a larger one is either an archive bomb or wants splitting.
MAXIMUM_TEXT_BYTES = 4 * 1024**3
_BLOCK_BYTES = 16 * 1024**2
_COPIES = 6  # of its text that reading an ordinary file holds at once, measured
_LINES_IN_A_RECORD = 1000  # of a comment that somebody wrote into a survey; more are a stray quote


def read_bytes(path: Path, maximum_bytes: int = MAXIMUM_TEXT_BYTES) -> bytes:
    """The file's content, decompressed by its suffix (.gz, .bz2, .zst).

    Raises:
        UnreadableFileError: the archive is damaged, or its content exceeds ``maximum_bytes`` or the memory.
    """
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
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        found = data[error.start : error.start + 4].hex(" ")
        raise UnreadableFileError(
            f"the file is not {encoding}: line {line}, byte {error.start + 1} reads {found} (hexadecimal). "
            f"Declare its true encoding (encoding: cp932, latin-1, utf-16, ...)"
        ) from None
    except UnicodeError as error:
        raise UnreadableFileError(f"the file is not {encoding}: {error}") from None
    utf8 = data if encoding.lower().replace("_", "-") in ("utf-8", "utf8") else text.encode("utf-8")
    while utf8.startswith(_UTF8_MARK):
        utf8 = utf8[len(_UTF8_MARK) :]
    return utf8
