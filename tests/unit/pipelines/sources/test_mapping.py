"""A file's columns to canonical rows: one bad value costs one row, and no message holds a value."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.formats.records import LINE, RECORD, UnreadableFileError
from pipelines.settings import TableMapping
from pipelines.sources import mapping as module
from pipelines.sources.mapping import Mapped, apply_mapping, source_fields

DAY = "2024-01-01"


def mapping(columns: dict, table: str = "crm.campaigns", **keys: object) -> TableMapping:
    return TableMapping.model_validate({"table": table, "columns": columns, **keys})


def campaigns(**columns: object) -> dict:
    return {"campaign_id": "id", "starts_on": "s", "ends_on": {"constant": "2025-01-01"}} | columns


def lines(**columns: object) -> dict:
    return {"order_id": "o", "product_id": "p", "quantity": "q", "unit_price": {"constant": 2}} | columns


def apply(mapping: TableMapping, drop_repeats: bool = True, **columns: list[str | None]) -> Mapped:
    frame = pl.DataFrame(columns)
    numbers = pl.Series(range(frame.height), dtype=pl.Int64)
    frame = frame.with_columns(numbers.alias(RECORD), (numbers + 2).alias(LINE))
    return apply_mapping(frame, mapping, zone="UTC", drop_repeats=drop_repeats)


def reasons(mapped: Mapped) -> dict[int, str]:
    return dict(mapped.rejected.select(LINE, "reason").rows())


def test_each_row_says_everything_that_is_wrong_with_it():
    found = apply(
        mapping(campaigns(ends_on="e", cost="c")),
        id=["a", None, "c", "d"],
        s=[DAY, "x", DAY, DAY],
        e=[DAY, DAY, None, "2023-01-01"],
        c=["1", "1", "1,5", "1"],
    )
    assert found.rows["campaign_id"].to_list() == ["a"]
    assert reasons(found) == {
        3: "campaign_id is empty; starts_on is no date",
        4: "ends_on is empty; cost is no decimal",
        5: "ends_on is before starts_on",
    }
    assert found.everything.height == 4


@given(
    st.lists(
        st.tuples(st.sampled_from(["k1", None]), st.sampled_from([DAY, "secret-value", None])), max_size=9
    )
)
@settings(max_examples=40, deadline=None)
def test_every_record_is_a_row_or_rejected_and_reasons_hold_no_value(rows):
    ids, days = [row[0] for row in rows], [row[1] for row in rows]
    schema = {"id": pl.Series(ids, dtype=pl.String), "s": pl.Series(days, dtype=pl.String)}
    found = apply(mapping(campaigns()), **schema)
    kept = [n + 2 for n, row in enumerate(rows) if row == ("k1", DAY)]
    assert found.rows[LINE].to_list() == kept
    assert sorted([*kept, *found.rejected[LINE]]) == [n + 2 for n in range(len(rows))]
    assert "secret" not in " ".join(found.rejected["reason"])


def test_an_expression_that_fails_for_one_row_costs_one_row():
    days = [DAY if n != 137 else "someday" for n in range(300)]
    found = apply(
        mapping(campaigns(starts_on={"sql": "strptime(s, '%Y-%m-%d')"})),
        id=[str(n) for n in range(300)],
        s=days,
    )
    assert found.rows["starts_on"].to_list() == [dt.date(2024, 1, 1)] * 299
    assert reasons(found) == {139: "starts_on is no date"}


def test_an_expression_that_fails_for_all_rejects_the_file_soon(monkeypatch):
    monkeypatch.setattr(module, "MAXIMUM_FAILURES", 20)
    with pytest.raises(
        UnreadableFileError, match="starts_on: the expression fails for more than 20"
    ) as raised:
        apply(
            mapping(campaigns(starts_on={"sql": "strptime(s, '%d/%m/%Y')"})), id=["x"] * 99, s=["secret"] * 99
        )
    assert "secret" not in str(raised.value)


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"columns": campaigns(name={"sql": "id + 1"})}, "name: the expression does not suit"),
        ({"columns": campaigns(), "where": "id"}, "where is no condition"),
        ({"columns": campaigns(cost={"sql": "id = 'a'"})}, "cost is to be decimal"),
        ({"columns": campaigns(cost={"constant": True})}, "cost is to be decimal"),
    ],
)
def test_an_expression_that_suits_no_file_is_one_clear_error_without_values(keys, message):
    with pytest.raises(UnreadableFileError, match=message) as raised:
        apply(mapping(**keys), id=["secret"], s=[DAY])
    assert "secret" not in str(raised.value)


def test_where_leaves_records_to_other_tables():
    found = apply(
        mapping(campaigns(), where="kind = 'c'"), id=["a", "b", "c"], s=[DAY] * 3, kind=["c", "x", None]
    )
    assert found.rows["campaign_id"].to_list() == ["a"]
    assert (found.excluded, found.everything.height) == (2, 1)


def test_a_condition_that_cannot_be_computed_drops_nothing():
    found = apply(
        mapping(campaigns(), where="strptime(s, '%Y-%m-%d') > '2000-01-01'::date"),
        id=["a", "b"],
        s=[DAY, "x"],
    )
    assert found.excluded == 0
    assert reasons(found) == {3: "starts_on is no date"}


def test_values_are_replaced_and_others_stay():
    found = apply(
        mapping(campaigns(kind={"column": "k", "values": {"1": "email"}})),
        id=["a", "b"],
        s=[DAY] * 2,
        k=["1", "post"],
    )
    assert found.rows["kind"].to_list() == ["email", "post"]


def test_lines_are_numbered_within_their_order_and_repeats_count_once():
    columns = {
        "o": ["1", "1", "2", "1", "1"],
        "p": ["x", "x", "x", "y", "x"],
        "q": ["1", "1", "1", "bad", "3"],
    }
    numbered = mapping(lines(line_number={"number_within": ["o"]}), "crm.order_lines")
    found = apply(numbered, **columns)
    assert found.rows.select("order_id", "line_number", LINE).rows() == [
        ("1", 1, 2),
        ("2", 1, 4),
        ("1", 3, 6),
    ]
    assert found.repeated[LINE].to_list() == [3]
    assert reasons(found) == {5: "quantity is no decimal"}
    kept = apply(numbered, drop_repeats=False, **columns)
    assert kept.rows["line_number"].to_list() == [1, 2, 1, 4]
    assert kept.repeated.is_empty()


def test_constants_and_row_rules():
    found = apply(
        mapping(lines(line_number={"constant": 1}, line_type="t"), "crm.order_lines"),
        o=["1", "2"],
        p=["x", "x"],
        q=["1.5", "1"],
        t=["fee", "gift"],
    )
    assert found.rows.select("quantity", "unit_price").row(0) == (Decimal("1.5"), Decimal(2))
    assert reasons(found) == {3: "line_type is none of product, shipping, fee, penalty"}


def test_the_version_is_updated_at_or_what_the_mapping_says():
    people = {"customer_id": "id", "registered_at": "s", "updated_at": "u"}
    found = apply(mapping(people, "crm.customers"), id=["a"], s=[DAY], u=["2024-02-01"])
    assert found.rows["_version"].to_list() == [dt.datetime(2024, 2, 1)]
    found = apply(
        mapping(people, "crm.customers", version={"column": "s"}), id=["a"], s=[DAY], u=["2024-02-01"]
    )
    assert found.rows["_version"].to_list() == [dt.datetime(2024, 1, 1)]
    assert apply(mapping(campaigns()), id=["a"], s=[DAY]).rows["_version"].to_list() == [None]


def test_a_version_that_is_none_does_not_decide_in_silence():
    found = apply(
        mapping(campaigns(), version={"column": "v"}), id=["a", "b"], s=[DAY] * 2, v=["newest", None]
    )
    assert reasons(found) == {2: "version is no timestamp"}
    assert found.rows["campaign_id"].to_list() == ["b"]


def test_a_missing_column_is_named_beside_the_ones_there_are():
    with pytest.raises(
        UnreadableFileError, match=r"needs the column 's', which the file has not\. It has: id, start"
    ):
        apply(mapping(campaigns()), id=["a"], start=[DAY])


def test_a_first_record_that_may_be_data_is_not_quoted():
    with pytest.raises(UnreadableFileError, match="'id', 's'") as raised:
        apply(mapping(campaigns()), **{"jo@x.org": ["a"], "4711": ["b"]})
    assert "jo@" not in str(raised.value)


def test_no_records_are_no_rows():
    found = apply(
        mapping(campaigns(name={"sql": "id || s"}, starts_on={"sql": "strptime(s, '%Y-%m-%d')"})),
        id=pl.Series([], dtype=pl.String),
        s=pl.Series([], dtype=pl.String),
    )
    assert found.rows.is_empty()
    assert found.rejected.is_empty()


def test_the_fields_that_a_mapping_reads():
    columns = lines(line_number={"number_within": ["o", "w"]}, discount_amount={"sql": "coalesce(d1, d2)"})
    assert source_fields(mapping(columns, "crm.order_lines", where="k = 1", version={"column": "v"})) == {
        *("o", "p", "q", "w", "d1", "d2", "k", "v")
    }
