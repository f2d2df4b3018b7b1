from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import polars as pl
import pytest

from pipelines.demo import DemoSummary, generate


@dataclass(frozen=True)
class Company:
    summary: DemoSummary

    @property
    def folder(self) -> Path:
        return self.summary.folder

    def truth(self, name: str) -> pl.DataFrame:
        return pl.read_parquet(self.folder / "truth" / name / "*.parquet")

    def csv(self, pattern: str, *, header_rows: int = 1, delimiter: str = ",") -> pl.DataFrame:
        """The good records of an export, all as text."""
        return pl.concat(
            pl.read_csv(
                file,
                separator=delimiter,
                infer_schema=False,
                truncate_ragged_lines=True,
                skip_rows_after_header=header_rows - 1,
            )
            for file in sorted(self.folder.glob(pattern))
        )


@pytest.fixture(scope="session")
def company(tmp_path_factory: pytest.TempPathFactory) -> Company:
    """A company of the default size."""
    return Company(generate(tmp_path_factory.mktemp("demo"), seed=1))


@pytest.fixture(scope="session")
def large_company(tmp_path_factory: pytest.TempPathFactory) -> Company:
    """Large enough for effects to stand clear of chance, small enough to take seconds."""
    return Company(generate(tmp_path_factory.mktemp("demo"), customers=40_000, seed=7))
