"""How a night's events become messages for people."""

from __future__ import annotations

import dagster as dg

from orchestration.night import _finding_of_test


def _failed(**metadata: int) -> dg.AssetCheckEvaluation:
    return dg.AssetCheckEvaluation(
        asset_key=dg.AssetKey(["marts", "fct_orders"]),
        check_name="order_statuses_are_classified",
        passed=False,
        metadata={f"dagster_dbt/{name}": dg.MetadataValue.int(value) for name, value in metadata.items()},
    )


def test_a_dbt_test_says_how_many_rows_it_found_and_where_it_is_explained():
    told = _finding_of_test(_failed(failed_row_count=1200))
    assert told == (
        "the test order_statuses_are_classified found 1,200 rows; what it looks for is in dbt_project/"
    )


def test_a_check_that_counted_nothing_is_told_by_its_name():
    assert _finding_of_test(_failed()) == "order_statuses_are_classified"
