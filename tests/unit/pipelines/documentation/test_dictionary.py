"""The data dictionary: in docs/, and as a page with the lineage."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pipelines import contracts
from pipelines.documentation.dictionary_page import dictionary_page
from pipelines.documentation.markdown import PAGE, PROJECT, as_markdown
from pipelines.documentation.tables import Column, Table, canonical_tables, published_tables
from pipelines.lineage import LineageBook
from pipelines.settings import Settings

SETTINGS = Settings.model_validate(
    {
        "company": {"name": "Tea & <Biscuits>"},
        "privacy": {"customer_key": {"public": "test"}},
        "sources": {
            "shop": {
                "files": "orders.csv",
                "format": "csv",
                "tables": [
                    {"table": "crm.orders", "columns": {"order_id": "Order No", "ordered_at": "When"}}
                ],
            }
        },
    }
)


def test_the_page_in_docs_lists_the_tables_as_they_are() -> None:
    """Mend it with ``python -m pipelines.documentation.markdown``."""
    assert PAGE.read_text(encoding="utf-8") == as_markdown(PROJECT)


def test_every_published_column_is_described() -> None:
    tables = published_tables(PROJECT)
    assert {"marts.fct_orders", "kpi.kpi_loyalty_monthly", "meta.publication", "meta.columns"} <= {
        t.name for t in tables
    }
    assert [t.name for t in tables if not (t.description and t.columns)] == []
    bare = [f"{t.name}.{c.name}" for t in tables for c in t.columns if not (c.type and c.meaning)]
    assert bare == []


def test_a_description_is_understood_where_it_stands_alone() -> None:
    """BI tools show one column's text at a time: "Of these, ..." says nothing there."""
    leaning = re.compile(
        r"^(Of|Those of|Number of|Mean of|Percent of|Answers of) (these|those|them)\b|^\w+( bound)? of it\b"
        r"|^(Their|Its)\b|^(Low|Upp)er (end|bound)(?! of the)|\bof its 95 %|\bthat answer\b|\blikewise\b|: the same[.;]"
    )
    alone = [
        f"{t.name}.{c.name}: {c.meaning}"
        for t in published_tables(PROJECT)
        for c in t.columns
        if leaning.search(c.meaning)
    ]
    assert alone == []


def test_every_contract_is_in_it() -> None:
    assert [table.name for table in canonical_tables()] == [contract.raw_name for contract in contracts.ALL]


@pytest.fixture
def page(tmp_path: Path) -> str:
    book = LineageBook(tmp_path / "lineage.json")
    book.know("raw_crm.orders", ["order_id"])
    book.learn("kpi.sales", "select count(order_id) as orders from raw_crm.orders", ["raw_crm.orders"])
    sales = Table("kpi.sales", "One row.", (Column("orders", "bigint", "Orders | <all>."),))
    return dictionary_page([sales], canonical_tables(), book, SETTINGS)


def test_a_column_says_what_it_is_made_of_and_what_fills_that_in_the_export(page: str) -> None:
    row = page.split('<td id="kpi.sales.orders">')[1].split("</tr>", maxsplit=1)[0]
    assert '<a href="#raw_crm.orders.order_id">raw_crm.orders.order_id</a>' in row
    assert "<code>shop: Order No</code>" in row
    raw = page.split('<td id="raw_crm.orders.order_id">')[1].split("</tr>", maxsplit=1)[0]
    assert "<code>shop: Order No</code>" in raw


def test_every_link_in_the_page_leads_somewhere(page: str) -> None:
    wanted = {part.split('"')[0] for part in page.split('href="#')[1:]}
    there = {part.split('"')[0] for part in page.split(' id="')[1:]}
    assert wanted
    assert wanted <= there


def test_texts_are_texts(page: str) -> None:
    assert "Tea &amp; &lt;Biscuits&gt;" in page
    assert "Orders | &lt;all&gt;." in page
