"""The one state folder. Every path that a run writes to is named here and nowhere else."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from pipelines.errors import KizunaError

OWNER_ONLY = 0o700  # the folder holds personal data


class StateFolderError(KizunaError):
    """The state folder cannot be written, or what is in it cannot be read: a full disk, a damaged one."""


@dataclass(frozen=True)
class Home:
    """``KIZUNA_HOME``: deleting it resets the machine."""

    root: Path

    @classmethod
    def from_environment(cls) -> Home:
        """The folder that ``KIZUNA_HOME`` names, by default ``.kizuna`` in the working directory."""
        return cls(Path(os.environ.get("KIZUNA_HOME") or ".kizuna").resolve())

    def create(self) -> Home:
        """Make the folder and its rooms, readable by the owner only; what is there stays."""
        for folder in (
            self.root,
            self.landing,
            self.publications,
            self.published,
            self.quality,
            self.dagster,
        ):
            folder.mkdir(mode=OWNER_ONLY, parents=True, exist_ok=True)
        self.root.chmod(OWNER_ONLY)
        return self

    @property
    def landing(self) -> Path:
        return self.root / "landing"

    @property
    def warehouse(self) -> Path:
        """The DuckDB file that only the pipeline opens."""
        return self.root / "warehouse.duckdb"

    @property
    def turn(self) -> Path:
        """Locked by the run that is at work: see ``pipelines.turn``."""
        return self.root / ".turn"

    @property
    def publications(self) -> Path:
        return self.root / "publications"

    @property
    def published(self) -> Path:
        return self.root / "published"

    @property
    def published_file(self) -> Path:
        """What BI tools open: a link to the current version."""
        return self.published / "kizuna.duckdb"

    @property
    def published_parquet(self) -> Path:
        """The same tables as Parquet: a link that is switched in the same step."""
        return self.published / "parquet"

    @property
    def published_scorecard(self) -> Path:
        """The page that managers open: a link that is switched in the same step."""
        return self.published / "scorecard.html"

    @property
    def quality(self) -> Path:
        """Great Expectations data docs."""
        return self.root / "quality"

    @property
    def dagster(self) -> Path:
        return self.root / "dagster"

    @property
    def dbt(self) -> Path:
        """dbt's target and logs."""
        return self.root / "dbt"

    @property
    def lineage(self) -> Path:
        """What each column of each table is made of: see ``pipelines.lineage``."""
        return self.dbt / "lineage.json"

    @property
    def cache(self) -> Path:
        """What takes long to make and is the same every night; it is made again where it is missing."""
        return self.root / "cache"

    @property
    def docs(self) -> Path:
        """The data dictionary and dbt's pages."""
        return self.root / "docs"

    @property
    def metrics(self) -> Path:
        """Where people run ``mf query``."""
        return self.root / "metrics"

    @property
    def aside(self) -> Path:
        """Companies with public keys that made room for another one."""
        return self.root / "aside"

    @property
    def extensions(self) -> Path:
        """DuckDB's extensions, where they had to be downloaded."""
        return self.root / "extensions"

    @property
    def demo(self) -> Path:
        """What ``kizuna demo`` generates."""
        return self.root / "demo"
