"""Names for people, and that every published one is good."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
import yaml

from pipelines.publication.contract import PROJECT, declared
from pipelines.publication.naming import column_display_name, table_display_name
from pipelines.publication.relations import SCHEMAS


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("month", "Month"),
        ("nps", "NPS"),
        ("nps_lower", "NPS, lower end"),
        ("nps_n", "NPS, n"),
        ("n", "Number (n)"),
        ("handoffs_3_or_more", "Hand-offs 3 or more"),
        ("hand_offs_12m", "Hand-offs, 12 months"),
        ("lower", "Lower"),  # alone it is the name, not the end of something
        ("nps_12m_mean", "NPS mean, 12 months"),
        ("share_7d", "Share, 7 days"),
        ("share_percent_upper", "Share (%), upper end"),
        ("resolution_hours_p90", "Resolution (hours), 90th percentile"),
        ("recency_days", "Recency (days)"),
        ("ordered_at", "Ordered at (UTC)"),
        ("order_id", "Order ID"),
        ("as_of_date", "Business date"),
        ("days_before_as_of", "Days before the business date"),
        ("p_value", "p-value"),
        ("nps_fall_p_value", "NPS fall p-value"),
        ("poc_honesty_latest", "Connection honesty latest"),
    ],
)
def test_units_ends_and_abbreviations_read_like_words(name: str, shown: str) -> None:
    assert column_display_name(name) == shown


@pytest.mark.parametrize(
    ("table", "shown"),
    [
        ("kpi_loyalty_monthly", "Loyalty by month"),
        ("kpi_non_response", "Non-response"),
        ("dim_dates", "Dates"),
        ("customer_rfm", "Customer RFM"),
        ("clv_segments", "CLV segments"),
    ],
)
def test_a_layer_is_not_part_of_a_tables_name(table: str, shown: str) -> None:
    assert table_display_name(table) == shown


def _written() -> dict[str, dict[str, str]]:
    """The names that stand in the models' yml, by table: of the table itself under an empty name."""
    found: dict[str, dict[str, str]] = {}
    for file in (path for schema in SCHEMAS for path in (Path(PROJECT) / "models" / schema).rglob("*.yml")):
        for model in yaml.safe_load(file.read_text(encoding="utf-8")).get("models", []):
            described = [("", model), *((column["name"], column) for column in model["columns"])]
            names = {
                name: part["config"]["meta"]["display_name"]
                for name, part in described
                if "display_name" in part.get("config", {}).get("meta", {})
            }
            found[model["name"]] = names
    return found


def test_no_two_columns_of_a_table_and_no_two_tables_have_one_display_name() -> None:
    written = _written()
    tables: Counter[str] = Counter()
    for name, table in declared().items():
        bare = name.split(".")[1]
        names = written.get(bare, {})
        tables[names.get("", table_display_name(bare))] += 1
        shown = Counter(names.get(column, column_display_name(column)) for column in table.columns)
        assert [text for text, count in shown.items() if count > 1] == [], name
    assert [text for text, count in tables.items() if count > 1] == []


def test_a_display_name_is_written_only_where_the_rule_makes_another() -> None:
    written = _written()
    assert any(written.values())
    for table, names in written.items():
        for name, shown in names.items():
            assert shown != (column_display_name(name) if name else table_display_name(table))
