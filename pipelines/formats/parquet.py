"""Parquet files: typed columns, one record per row."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from pipelines.formats.records import LINE, RECORD, Records, UnreadableFileError, rejected_frame, trimmed


def read_parquet(path: Path) -> Records:
    """Read a Parquet file; a record's line is its row number, from 1.

    Raises:
        UnreadableFileError: the file is no Parquet, or damaged.
    """
    try:
        frame = pl.read_parquet(path, glob=False)
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError) as error:
        raise UnreadableFileError(f"the file is no readable Parquet ({type(error).__name__})") from None
    columns = frame.columns
    numbered = frame.with_row_index(RECORD).with_columns(
        pl.col(RECORD).cast(pl.Int64), (pl.col(RECORD) + 1).cast(pl.Int64).alias(LINE)
    )
    return Records(
        frame=trimmed(numbered),
        rejected=rejected_frame([], [], []),
        original_text=lambda records: (
            frame[records.to_list()].select(pl.struct(columns).struct.json_encode())[:, 0].to_list()
        ),
    )
