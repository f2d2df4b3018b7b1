"""A folder of exports, its settings and its state, for tests of how sources are read night after night."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import polars as pl
import pytest

from pipelines.home import Home
from pipelines.ingest import SourceResult, ingest_source, rebuild
from pipelines.settings import load_settings
from pipelines.warehouse import open_warehouse


@dataclass
class Exports:
    """One source, ``shop``, whose settings a test writes."""

    folder: Path
    home: Home
    config: str = ""

    def write(self, name: str, content: str | bytes | pl.DataFrame) -> Path:
        path = self.folder / name
        if isinstance(content, pl.DataFrame):
            content.write_parquet(path)
        else:
            path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    def night(self, more: str = "") -> SourceResult:
        """One night. ``more``: settings beside ``sources``."""
        head = "company: {name: x}\nprivacy: {customer_key: {public: x}}\n"
        self.write("kizuna.yml", f"{head}{more}\nsources:\n  shop:\n{self.config}")
        return ingest_source(self.home, load_settings(self.folder / "kizuna.yml", {}), "shop")

    def rebuild(self) -> None:
        rebuild(self.home)

    def query(self, sql: str) -> list[tuple]:
        with open_warehouse(self.home, read_only=True) as connection:
            return connection.execute(sql).fetchall()


@pytest.fixture
def exports(tmp_path: Path) -> Exports:
    return Exports(tmp_path, Home(tmp_path / "state").create())
