"""Parquet files: typed columns, one record per row."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from pipelines.formats.records import Records, UnreadableFileError, from_table


def read_parquet(path: Path) -> Records:
    """Read a Parquet file; a record's line is its row number, from 1.

    Raises:
        UnreadableFileError: the file is no Parquet, or damaged.
    """
    try:
        frame = pl.read_parquet(path, glob=False)
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError) as error:
        raise UnreadableFileError(
            f"the file is no readable Parquet ({type(error).__name__}): it is cut off, damaged, or of another "
            f"format. Export it again, or declare its format"
        ) from None
    return from_table(frame)
