"""The last step: from a raw column to the export, in the words of kizuna.yml."""

from __future__ import annotations

import pytest

from pipelines.lineage import ROWS, Origin, exported_columns
from pipelines.settings import Settings

SETTINGS = Settings.model_validate(
    {
        "company": {"name": "Test"},
        "privacy": {"customer_key": {"public": "test"}},
        "sources": {
            "shop": {
                "files": "orders.csv",
                "format": "csv",
                "tables": [
                    {
                        "table": "crm.orders",
                        "columns": {
                            "order_id": "No",
                            "ordered_at": "When",
                            "currency": {"constant": "EUR"},
                            "department": {"sql": "lower(Dept)"},
                        },
                    }
                ],
            },
            "till": {
                "files": "till.csv",
                "format": "csv",
                "tables": [{"table": "crm.orders", "columns": {"order_id": "Slip", "ordered_at": "When"}}],
            },
        },
    }
)


@pytest.mark.parametrize(
    ("column", "words"),
    [
        ("order_id", ["shop: No", "till: Slip"]),
        ("currency", ["shop: 'EUR'"]),
        ("department", ["shop: sql lower(Dept)"]),
        ("campaign_id", []),
        (ROWS, ["shop", "till"]),
    ],
)
def test_each_source_says_what_fills_a_column(column: str, words: list[str]) -> None:
    assert exported_columns(SETTINGS, Origin("raw_crm.orders", column)) == words


def test_what_no_source_fills_has_no_export() -> None:
    assert exported_columns(SETTINGS, Origin("raw_crm.products", ROWS)) == []
    assert exported_columns(SETTINGS, Origin("ops.run_settings", "as_of_date")) == []
