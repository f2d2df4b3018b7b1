"""What stands in the warehouse between loading and dbt, and what a night tells about itself."""

from __future__ import annotations

import datetime as dt

import pytest

from pipelines import contracts, night
from pipelines.home import Home
from pipelines.ingest import ingest_source
from pipelines.privacy import CustomerKeySecretChangedError
from pipelines.settings import load_settings
from pipelines.totals import ingestion_totals
from pipelines.warehouse import open_warehouse

AS_OF = dt.date(2024, 2, 29)
CONFIG = """
company: {name: x, timezone: Asia/Tokyo, currency: JPY}
privacy: {customer_key: {public: secret}}
thresholds: {minimum_answers: 5}
sources:
  orders:
    files: "*.csv"
    format: csv
    tables:
      - table: crm.orders
        columns: {order_id: id, customer_id: who, ordered_at: at}
"""


@pytest.fixture
def settings(tmp_path):
    (tmp_path / "kizuna.yml").write_text(CONFIG)
    return load_settings(tmp_path / "kizuna.yml", {})


@pytest.fixture
def home(tmp_path, settings):
    (tmp_path / "1.csv").write_text("id,who,at\n1,k1,2024-01-01\n2,k2,soon\n3,k3,later\n,k4,2024-01-01\nx\n")
    (tmp_path / "2.csv").write_text("other\n")
    home = Home(tmp_path / "state").create()
    ingest_source(home, settings, "orders")
    return home


def test_the_settings_of_the_night_are_one_row_and_customers_have_keys(home, settings):
    for day in (dt.date(2024, 1, 1), AS_OF):
        night.prepare_transformation(home, settings, day, "secret")
    with open_warehouse(home, read_only=True) as connection:
        assert connection.execute("from ops.run_settings").fetchall() == [
            (AS_OF, "Asia/Tokyo", "JPY", 5, "margin", None, 91, 365, 1)
        ]
        assert connection.execute("select customer_id from privacy.customer_keys").fetchall() == [("k1",)]
    assert night.business_date(home) == AS_OF


def test_a_changed_secret_leaves_the_settings_of_the_last_night(home, settings):
    night.prepare_transformation(home, settings, AS_OF, "secret")
    with pytest.raises(CustomerKeySecretChangedError):
        night.prepare_transformation(home, settings, dt.date(2024, 3, 1), "another")
    assert night.business_date(home) == AS_OF


def test_counts_of_raw_tables_and_the_commonest_reasons(home):
    counts = night.raw_counts(home)
    assert set(counts) == {contract.name for contract in contracts.ALL}
    assert counts["crm.orders"] == night.RawCounts(
        1,
        4,
        [("ordered_at is no timestamp", 2), ("1 fields where the header has 3", 1), ("order_id is empty", 1)],
        [
            ("ordered_at is no timestamp", "orders", "1.csv", 3),
            ("ordered_at is no timestamp", "orders", "1.csv", 4),
            ("order_id is empty", "orders", "1.csv", 5),
            ("1 fields where the header has 3", "orders", "1.csv", 6),
        ],
    )
    assert counts["crm.products"] == night.RawCounts()


def test_totals_by_source(home):
    assert ingestion_totals(home) == [
        {
            "source": "orders",
            "files": 2,
            "files_rejected": 1,
            "records": 5,
            "rows_read": 5,
            "rows_loaded": 1,
            "rows_quarantined": 4,
            "rows_duplicate": 0,
            "rows_deleted": 0,
        }
    ]


def test_totals_of_a_source_of_which_no_file_could_be_read(tmp_path, settings):
    (tmp_path / "1.csv").write_text("")
    home = Home(tmp_path / "state").create()
    ingest_source(home, settings, "orders")
    [total] = ingestion_totals(home)
    assert (total["source"], total["files"], total["files_rejected"], total["rows_read"]) == (
        "orders",
        1,
        1,
        0,
    )


def test_what_the_models_were_built_from_is_remembered(home):
    assert night.models_built(home, "models") == night.ModelsBuilt("", 0)
    for fingerprint in ("one", "two"):
        night.remember_models_built(home, "models", fingerprint)
    assert night.models_built(home, "models") == night.ModelsBuilt("two", 1)
    assert night.models_built(home, "another part") == night.ModelsBuilt("", 0)


def test_the_fingerprint_changes_with_models_zone_and_version_only(tmp_path, settings):
    (tmp_path / "models").mkdir()
    (tmp_path / "seeds").mkdir()
    (tmp_path / "dbt_project.yml").write_text("name: x")
    model = tmp_path / "models" / "a.sql"
    model.write_text("select 1")

    def fingerprint(version: str = "1", settings=settings) -> str:
        return night.models_fingerprint(tmp_path, settings, version)

    first = fingerprint()
    (tmp_path / "models" / "README.md").write_text("notes")
    assert fingerprint() == first
    assert fingerprint(version="2") != first
    moved = settings.model_copy(update={"company": settings.company.model_copy(update={"timezone": "UTC"})})
    assert fingerprint(settings=moved) != first
    model.write_text("select 2")
    assert fingerprint() != first
    model.write_text("select 1")
    model.rename(tmp_path / "seeds" / "a.sql")
    assert fingerprint() != first


def test_models_are_built_anew_after_a_change_and_after_a_load_with_deletions(home):
    assert (
        night.why_models_are_built_anew(home, "models", "one") == "the models or their settings have changed"
    )
    night.remember_models_built(home, "models", "one")
    assert night.why_models_are_built_anew(home, "models", "one") is None
    with open_warehouse(home) as connection:
        connection.execute("insert into ingest.loads (load_id, rows_deleted) values (2, 3), (3, null)")
    assert night.why_models_are_built_anew(home, "models", "one") == "3 rows are gone from their sources"
    night.remember_models_built(home, "models", "one")
    assert night.why_models_are_built_anew(home, "models", "one") is None
