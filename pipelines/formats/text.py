"""From a file's bytes to UTF-8 text: decompression and declared encodings.

An encoding is declared, never guessed: Latin-1 reads every file without an error, and a CP932 file can
happen to be valid UTF-8 nonsense.
"""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa

from pipelines.formats.records import UnreadableFileError

_COMPRESSIONS = {".gz": "gzip", ".bz2": "bz2", ".zst": "zstd"}
_UTF8_MARK = b"\xef\xbb\xbf"
# One file is held in memory while it is read; a larger one is either an archive bomb or wants splitting.
MAXIMUM_TEXT_BYTES = 4 * 1024**3
_BLOCK_BYTES = 16 * 1024**2


def read_bytes(path: Path, maximum_bytes: int = MAXIMUM_TEXT_BYTES) -> bytes:
    """The file's content, decompressed by its suffix (.gz, .bz2, .zst).

    Raises:
        UnreadableFileError: the archive is damaged, or its content exceeds ``maximum_bytes``.
    """
    compression = _COMPRESSIONS.get(path.suffix.lower())
    if compression is None:
        if path.stat().st_size > maximum_bytes:
            raise _too_large(maximum_bytes)
        return path.read_bytes()
    blocks, size = [], 0
    try:
        with pa.input_stream(str(path), compression=compression) as stream:
            while block := stream.read(_BLOCK_BYTES):
                size += len(block)
                if size > maximum_bytes:
                    raise _too_large(maximum_bytes)
                blocks.append(block)
    except OSError as error:
        raise UnreadableFileError(f"the {compression} archive is damaged or cut off ({error})") from None
    return b"".join(blocks)


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
