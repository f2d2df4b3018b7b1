"""From what a file says to a typed value. No inference: what a text means does not depend on its neighbours."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from pipelines.contracts import Kind

# A year of fewer digits is a two-digit year that a format with %Y has taken for one of antiquity.
_FIRST_YEAR, _LAST_YEAR = 1000, 9999

# ISO 8601 as exports really write it. The order does not matter for the result: no text fits two of them.
_ISO_TIMES = ("%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M")
_ISO_TIMES_WITH_OFFSET = ("%Y-%m-%dT%H:%M:%S%.f%#z", "%Y-%m-%d %H:%M:%S%.f%#z", "%Y-%m-%dT%H:%M%#z")
_ISO_DATES = ("%Y-%m-%d", "%Y/%m/%d", "%Y%m%d")
_TRUE, _FALSE = ("true", "t", "yes", "y", "1"), ("false", "f", "no", "n", "0")


def parsed(
    values: pl.Series, kind: Kind, format_: str | None, zone: str
) -> tuple[pl.Series, pl.Series | None]:
    """Convert a column.

    Args:
        values: text without blanks around it, or anything an expression or a Parquet file gives.
        format_: of dates and times, in strptime's letters; None: ISO 8601.
        zone: time zone of times without an offset.

    Returns:
        The values as ``kind.polars`` (null where there is none), and where something is there but is no
        such value (None: nowhere). A decimal is rounded to ``DECIMAL_SCALE`` places, half to even.

    Raises:
        TypeError: values of the column's own type are never of this kind, such as dates for a number.
    """
    if kind in (Kind.INTEGER, Kind.DECIMAL) and (values.dtype.is_temporal() or values.dtype == pl.Boolean):
        raise TypeError(f"{values.dtype} is no {kind.value}")
    typed = _CONVERTERS[kind](values, format_, zone)
    if kind in (Kind.DATE, Kind.TIMESTAMP):
        typed = typed.set(~typed.dt.year().is_between(_FIRST_YEAR, _LAST_YEAR), None)
    if typed.null_count() == values.null_count():
        return typed, None
    return typed, typed.is_null() & values.is_not_null()


def _text(values: pl.Series, _format: str | None, _zone: str) -> pl.Series:
    return values if values.dtype == pl.String else values.cast(pl.String)


def _integer(values: pl.Series, _format: str | None, _zone: str) -> pl.Series:
    if values.dtype == pl.String:  # spreadsheets and pandas write whole numbers as 17850.0
        values = values.str.replace(r"\.0+$", "")
    elif values.dtype.is_float():
        values = values.set(values != values.round(), None)
    return values.cast(pl.Int64, strict=False)


def _decimal(values: pl.Series, _format: str | None, _zone: str) -> pl.Series:
    return values.cast(Kind.DECIMAL.polars, strict=False)


def _boolean(values: pl.Series, _format: str | None, _zone: str) -> pl.Series:
    if values.dtype == pl.Boolean:
        return values
    words = values.cast(pl.String).str.to_lowercase()
    return pl.select(
        pl.when(words.is_in(_TRUE)).then(True).when(words.is_in(_FALSE)).then(False).cast(pl.Boolean)
    ).to_series()


def _json(values: pl.Series, _format: str | None, _zone: str) -> pl.Series:
    text = values.cast(pl.String)
    return text.set(text.str.json_path_match("$").is_null(), None)


def _date(values: pl.Series, format_: str | None, _zone: str) -> pl.Series:
    if values.dtype.is_temporal():
        return values.cast(pl.Date)
    if values.dtype != pl.String:
        values = values.cast(pl.String)
    formats = (format_,) if format_ else (*_ISO_DATES, *_ISO_TIMES)
    return _first_that_fits(values, formats, pl.Datetime("us")).cast(pl.Date)


def _timestamp(values: pl.Series, format_: str | None, zone: str) -> pl.Series:
    if values.dtype.is_temporal():
        return _utc(values.cast(pl.Datetime("us", getattr(values.dtype, "time_zone", None))), zone)
    text = values.cast(pl.String)
    if format_ is not None:
        aware = "%z" in format_ or "%#z" in format_
        return _utc(_first_that_fits(text, (format_,), pl.Datetime("us", "UTC" if aware else None)), zone)
    local = _utc(_first_that_fits(text, (*_ISO_TIMES, *_ISO_DATES), pl.Datetime("us")), zone)
    if local.null_count() == text.null_count():
        return local
    return local.zip_with(
        local.is_not_null(),
        _utc(_first_that_fits(text, _ISO_TIMES_WITH_OFFSET, pl.Datetime("us", "UTC")), zone),
    )


def _first_that_fits(text: pl.Series, formats: Sequence[str], dtype: pl.Datetime) -> pl.Series:
    """Parse by the first format; only what it does not fit is tried with the next."""
    found = text.str.strptime(dtype, formats[0], strict=False)
    for format_ in formats[1:]:
        if found.null_count() == text.null_count():
            break
        found = found.zip_with(found.is_not_null(), text.str.strptime(dtype, format_, strict=False))
    return found


def _utc(times: pl.Series, zone: str) -> pl.Series:
    """Naive UTC. An hour that the clocks skip is read as the one after, one that they repeat as its first."""
    if times.dtype == pl.Datetime("us", "UTC"):
        return times.dt.replace_time_zone(None)
    if getattr(times.dtype, "time_zone", None) is not None:
        return times.dt.convert_time_zone("UTC").dt.replace_time_zone(None)
    if zone == "UTC":
        return times
    local = times.dt.replace_time_zone(zone, ambiguous="earliest", non_existent="null")
    if local.null_count() > times.null_count():
        later = times.dt.offset_by("1h").dt.replace_time_zone(zone, ambiguous="earliest", non_existent="null")
        local = local.zip_with(local.is_not_null(), later)
    return local.dt.convert_time_zone("UTC").dt.replace_time_zone(None)


_CONVERTERS = {
    Kind.TEXT: _text,
    Kind.INTEGER: _integer,
    Kind.DECIMAL: _decimal,
    Kind.TIMESTAMP: _timestamp,
    Kind.DATE: _date,
    Kind.BOOLEAN: _boolean,
    Kind.JSON: _json,
}
