"""Real exports through suggest, preview and one ingestion, with nothing edited in between."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipelines.first_look.preview import preview
from pipelines.first_look.suggest import suggest
from pipelines.first_look.suggest_yaml import as_yaml
from pipelines.home import Home
from pipelines.ingest import ingest_source
from pipelines.settings import FileSource, load_settings

from .conftest import real_data

pytestmark = pytest.mark.real_data


@pytest.mark.parametrize(
    ("file", "format_", "tables", "records"),
    [
        ("online_retail/by-day/2011-03-01.csv", "csv", {"crm.order_lines", "crm.orders"}, 1361),
        ("olist_sample/olist_orders_dataset.csv", "csv", {"crm.orders"}, 8135),
        ("olist_sample/olist_order_items_dataset.csv", "csv", {"crm.order_lines"}, 8365),
        ("olist_sample/olist_order_reviews_dataset.csv", "csv", {"survey.responses"}, 8225),
        ("olist_sample/olist_products_dataset.csv", "csv", {"crm.products"}, 5460),
        ("olist_sample/olist_customers_dataset.csv", "csv", {"crm.customers"}, 8135),
        ("cdnow/CDNOW_master.txt", "whitespace", {"crm.orders"}, 69659),
        ("jp_cp932/derived_from_100knocks/customer_cp932.csv", "csv", {"crm.customers"}, 21971),
        ("jp_cp932/derived_from_100knocks/product_cp932.csv", "csv", {"crm.products"}, 10030),
        ("qualtrics/qualtrics_export_climate.csv", "qualtrics", {"survey.responses"}, 452),
        ("surveymonkey/demo.csv", "surveymonkey", {"survey.responses"}, 7),
        ("surveymonkey/steak-risk-survey.csv", "surveymonkey", {"survey.responses"}, 550),
    ],
)
def test_suggest_preview_and_a_night_agree(
    file: str, format_: str, tables: set[str], records: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KIZUNA_CUSTOMER_KEY", "long and random")
    path = real_data(file.split("/", 1)[0]) / file.split("/", 1)[1]
    config = tmp_path / "kizuna.yml"
    config.write_text(as_yaml(suggest(path), name=path.name, path=str(path)), encoding="utf-8")
    settings = load_settings(config)
    ((name, source),) = settings.sources.items()
    assert isinstance(source, FileSource)
    assert source.format == format_
    assert tables <= {mapping.table for mapping in source.tables}

    found = preview(path, source.format, source, timezone=settings.company.timezone, whole=True)
    assert found.records == records
    assert not [table.error for table in found.tables if table.error]

    night = ingest_source(Home(tmp_path / "home").create(), settings, name)
    assert not night.rejected
    unreadable = sum(reason.count for reason in found.unreadable)
    assert night.total("rows_read") == sum(table.total("read") for table in found.tables) + unreadable
    refused = sum(table.total("quarantined") for table in found.tables)
    assert night.total("rows_quarantined") == refused + unreadable
