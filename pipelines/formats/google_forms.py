"""Google Forms: a response per record, its time in the first column, and no identifier.

The time column is called in the form's language and written in one of two ways, so two columns are added:
``_response_id``, the time and which response of that second it is, and ``_submitted_at``, the time in UTC
where the file gives its offset ("2020/01/31 3:25:10 PM GMT+9"), else as it stands there.
"""

from __future__ import annotations

import dataclasses

import polars as pl

from pipelines.formats.delimited import read_delimited
from pipelines.formats.document import ReadOptions
from pipelines.formats.records import Records

RESPONSE_ID, SUBMITTED_AT = "_response_id", "_submitted_at"


def read_google_forms(text: bytes, options: ReadOptions) -> Records:
    """Read the responses of a form, or of the sheet that it fills, as CSV in UTF-8.

    Raises:
        UnreadableFileError: the file as a whole cannot be read.
    """
    records = read_delimited(
        text,
        delimiter=options.delimiter,
        quote=options.quote,
        header_rows=1,
        columns=None,
        null_values=options.null_values,
    )
    time = pl.col(records.frame.columns[0])
    within_its_second = pl.int_range(1, pl.len() + 1).over(time).cast(pl.String)
    return dataclasses.replace(
        records,
        frame=records.frame.with_columns(
            (time + " #" + within_its_second).alias(RESPONSE_ID), _in_utc(time).alias(SUBMITTED_AT)
        ),
    )


def _in_utc(time: pl.Expr) -> pl.Expr:
    two_digits = time.str.replace("GMT$", "GMT+0").str.replace(r"GMT([+-])(\d)(:|$)", "GMT${1}0${2}${3}")
    instants = two_digits.str.strptime(pl.Datetime("us", "UTC"), "%Y/%m/%d %I:%M:%S %p GMT%#z", strict=False)
    return pl.coalesce(instants.dt.strftime("%Y-%m-%dT%H:%M:%SZ"), time)
