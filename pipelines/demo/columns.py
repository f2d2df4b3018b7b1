"""Columns of text out of whole numbers. Nothing of the company belongs here."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray


def labels(names: Sequence[str], code: NDArray[np.integer]) -> pl.Series:
    """The name of each code; a negative code gives null."""
    known = pl.Series(list(names), dtype=pl.String)
    return known.gather(np.maximum(code, 0)).set(pl.Series(np.asarray(code) < 0), None)


def nulls(count: int) -> pl.Series:
    """A text column without a value."""
    return pl.Series([None] * count, dtype=pl.String)
