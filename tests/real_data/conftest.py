"""One night over each public data set, run once and read by every test of that data set."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import duckdb
import polars as pl
import pytest

from orchestration.night import NightResult, run_night
from pipelines.home import Home
from pipelines.settings import Settings, load_settings

REPOSITORY = Path(__file__).parents[2]


@dataclass(frozen=True)
class Example:
    """An example's settings, the data it reads, and the state folder of its nights."""

    name: str
    data: Path
    home: Home
    config: str = "kizuna.yml"

    @property
    def settings(self) -> Settings:
        config = REPOSITORY / "examples" / self.name / self.config
        return load_settings(config, {"KIZUNA_DATA": str(self.data)})

    def night(self, as_of: dt.date) -> NightResult:
        """Run a night over what lies in ``data`` now; it must publish."""
        result = run_night(self.settings, self.home, as_of)
        assert result.published, result.failures
        return result

    def query(self, sql: str) -> pl.DataFrame:
        """Read what is published."""
        with duckdb.connect(str(self.home.published_file), read_only=True) as connection:
            return connection.sql(sql).pl()

    def in_warehouse(self, sql: str) -> pl.DataFrame:
        """Read what the published numbers are made of."""
        with duckdb.connect(str(self.home.warehouse), read_only=True) as connection:
            return connection.sql(sql).pl()

    def quarantined(self) -> pl.DataFrame:
        """How many rows each source lost, and why."""
        with duckdb.connect(str(self.home.warehouse), read_only=True) as connection:
            return connection.sql(
                "select source, table_name, reason, count(*) as rows from quarantine.rows group by all order by all"
            ).pl()


MakeExample = Callable[..., Example]


def real_data(folder: str) -> Path:
    """The folder of a public data set; the test is skipped where it is not there."""
    named = os.environ.get("KIZUNA_TEST_DATA")
    root = Path(named) if named else REPOSITORY.parent / "shared" / "data"
    if not (root / folder).is_dir():
        pytest.skip(f"the public data set {folder} is not there: name its parent folder in KIZUNA_TEST_DATA")
    return root / folder


@pytest.fixture(scope="session")
def make_example(tmp_path_factory: pytest.TempPathFactory) -> MakeExample:
    """An example over a folder of data, with a state folder of its own."""

    def make(name: str, data: Path) -> Example:
        return Example(name, data, Home(tmp_path_factory.mktemp(name) / "home").create())

    return make


@pytest.fixture(scope="session")
def online_retail(make_example: MakeExample) -> Example:
    return _after_one_night(make_example("online_retail", real_data("online_retail")), dt.date(2011, 12, 10))


@pytest.fixture(scope="session")
def olist(make_example: MakeExample) -> Example:
    return _after_one_night(make_example("olist", real_data("olist_sample")), dt.date(2018, 10, 31))


@pytest.fixture(scope="session")
def cdnow(make_example: MakeExample) -> Example:
    return _after_one_night(make_example("cdnow", real_data("cdnow")), dt.date(1998, 6, 30))


@pytest.fixture(scope="session")
def cdnow_sample(tmp_path_factory: pytest.TempPathFactory) -> Example:
    """The tenth of CDNOW on which the literature tries models of lifetime value."""
    home = Home(tmp_path_factory.mktemp("cdnow_sample") / "home").create()
    return _after_one_night(
        Example("cdnow", real_data("cdnow"), home, config="sample.yml"), dt.date(1998, 6, 30)
    )


@pytest.fixture(scope="session")
def it_incident_log(make_example: MakeExample) -> Example:
    return _after_one_night(
        make_example("it_incident_log", real_data("it_incident_log")), dt.date(2017, 2, 10)
    )


def _after_one_night(example: Example, as_of: dt.date) -> Example:
    example.night(as_of)
    return example
