"""Columns over time: what comes is kept, what goes is said, what changes its type is refused by its name."""

from __future__ import annotations

import datetime as dt
import json

import polars as pl
import pytest

CSV = """
    files: "*.csv"
    format: csv
    tables:
      - table: crm.customers
        columns: {customer_id: id, registered_at: at}
"""
JSONL = """
    files: "*.jsonl"
    format: jsonl
    tables:
      - table: crm.orders
        columns: {order_id: id, customer_id: user.id, ordered_at: at}
      - table: crm.order_lines
        explode: lines
        columns:
          {order_id: id, line_number: lines._position, product_id: lines.sku, quantity: lines.q, unit_price: lines.p}
"""
PARQUET = """
    files: "*.parquet"
    format: parquet
    tables:
      - table: crm.orders
        columns: {order_id: id, customer_id: who, ordered_at: at}
"""
EXTRA = "select customer_id, _extra from raw_crm.customers order by 1"
A_DAY = dt.datetime(2024, 1, 1)


@pytest.fixture
def shop(exports):
    exports.config = CSV
    exports.write("1.csv", "id,at,shoe_size\na,2024-01-01,42\n")
    exports.night()
    return exports


def test_columns_of_the_first_load_are_known(shop):
    assert shop.query("from ingest.columns order by column_name") == [
        ("shop", "crm.customers", name, "text", 1) for name in ("at", "id", "shoe_size")
    ]
    assert shop.query(EXTRA) == [("a", None)]


def test_a_new_column_is_kept_and_said_until_it_is_mapped_or_ignored(shop):
    shop.write("2.csv", 'id,at,tier,note\nb,2024-01-01,gold,"a ""quote"", é"\nc,2024-01-01,,\n')
    changes = shop.night().columns
    assert changes.kept == ("'note' of crm.customers", "'tier' of crm.customers")
    assert changes.gone == ("'shoe_size' of crm.customers",)
    kept = shop.query(EXTRA)
    assert [(key, text and json.loads(text)) for key, text in kept] == [
        ("a", None),
        ("b", {"note": 'a "quote", é', "tier": "gold"}),
        ("c", None),
    ]
    shop.config = CSV.replace("at}", "at, country: tier}") + "    ignored_columns: [note, shoe_size]\n"
    shop.write("3.csv", "id,at,tier,note\nd,2024-01-01,gold,x\n")
    changes = shop.night().columns
    assert (changes.kept, changes.gone) == ((), ())
    assert shop.query(EXTRA)[-1] == ("d", None)
    shop.rebuild()
    assert shop.query(EXTRA)[:3] == kept
    assert shop.query("select first_load_id from ingest.columns where column_name = 'tier'") == [(2,)]


def test_a_row_that_differs_only_in_a_kept_column_is_a_newer_version(shop):
    for number, tier in ((2, "gold"), (3, "gold"), (4, "lead")):
        shop.write(f"{number}.csv", f"id,at,tier\na,2024-01-01,{tier}\n")
        table = shop.night().tables[0]
        assert (table.rows_loaded, table.rows_duplicate) == ((0, 1) if number == 3 else (1, 0))
    assert shop.query(EXTRA) == [("a", '{"tier":"lead"}')]


def test_a_night_without_files_says_nothing_of_columns(shop):
    changes = shop.night().columns
    assert (changes.kept, changes.gone) == ((), ())


def test_columns_of_a_refused_file_are_not_known(shop):
    shop.write("2.csv", "id,tier\nb,gold\n")
    result = shop.night()
    assert "needs the column 'at'" in result.rejected[0].reason
    assert result.columns.kept == ()
    assert shop.query("select count(*) from ingest.columns where column_name = 'tier'") == [(0,)]


def test_fields_of_json_are_noticed_at_the_top_of_records_and_of_exploded_elements(exports):
    exports.config = JSONL
    record = {"id": "1", "user": {"id": "k"}, "at": "2024-01-01", "seen": 1}
    line = {"sku": "s", "q": 1, "p": 2}
    exports.write("1.jsonl", json.dumps(record | {"lines": [line]}) + "\n")
    exports.night()
    late = record | {"id": "2", "lines": [line | {"gift": True}, line], "parcel": {"kg": 1.5}}
    exports.write("2.jsonl", json.dumps(late) + "\n" + json.dumps(record | {"id": "3"}) + "\n")
    changes = exports.night().columns
    assert changes.kept == ("'lines.gift' of lines", "'parcel' of crm.orders")
    assert changes.gone == ()  # a field that a record lacks says nothing
    assert exports.query("select order_id, _extra from raw_crm.orders order by 1") == [
        ("1", None),
        ("2", '{"parcel":"{\\"kg\\":1.5}"}'),
        ("3", None),
    ]
    lines = "select order_id, line_number, _extra from raw_crm.order_lines order by 1, 2"
    assert exports.query(lines) == [("1", 1, None), ("2", 1, '{"lines.gift":"true"}'), ("2", 2, None)]


def orders(**columns: object) -> pl.DataFrame:
    return pl.DataFrame({"id": ["1"], "who": [7], "at": [A_DAY]} | columns)


@pytest.mark.parametrize(
    ("columns", "reason"),
    [
        ({"who": [7.0]}, "the column 'who' holds number where it held integer before"),
        ({"who": [True]}, "the column 'who' holds boolean where it held integer before"),
        ({"at": ["01/02/2024"]}, "the column 'at' holds text where it held timestamp before"),
        (
            {"at": pl.Series([A_DAY]).dt.replace_time_zone("Asia/Tokyo")},
            "the column 'at' holds timestamp with time zone where it held timestamp before",
        ),
    ],
)
def test_a_mapped_column_of_another_type_is_refused(exports, columns, reason):
    exports.config = PARQUET
    exports.write("1.parquet", orders())
    exports.night()
    exports.write("2.parquet", orders(**columns))
    assert reason in exports.night().rejected[0].reason


def test_another_type_is_read_where_sql_says_how(exports):
    exports.config = PARQUET
    exports.write("1.parquet", orders())
    exports.night()
    exports.config = PARQUET.replace("who,", "{sql: CAST(CAST(who AS BIGINT) AS VARCHAR)},")
    exports.write("2.parquet", orders(id=["2"], who=[8.0]))
    assert exports.night().rejected == []
    assert exports.query("select customer_id from raw_crm.orders order by 1") == [("7",), ("8",)]


def test_an_empty_column_has_no_type_and_an_unmapped_one_may_change_it(exports):
    exports.config = PARQUET
    for number, columns in enumerate(({"who": [None], "x": [1]}, {"x": ["a"]}, {"who": [None], "x": [1.5]})):
        exports.write(f"{number}.parquet", orders(**columns))
        assert exports.night().rejected == []
    exports.write("9.parquet", orders(who=["seven"]))
    assert "'who' holds text where it held integer before" in exports.night().rejected[0].reason


def test_kept_columns_of_every_type_are_json(exports):
    exports.config = PARQUET
    exports.write("1.parquet", orders())
    exports.night()
    exports.write(
        "2.parquet", orders(bytes=[b"\x00\xff"], day=[dt.date(2024, 1, 2)], tags=[["a", "b"]], n=[1])
    )
    exports.night()
    (extra,) = exports.query("select _extra from raw_crm.orders")[0]
    assert json.loads(extra) == {"bytes": "AP8=", "day": "2024-01-02", "n": 1, "tags": ["a", "b"]}


def test_a_text_column_of_which_no_value_fits_any_more_is_one_error(shop):
    rows = "".join(f"{n},0{n % 9 + 1}/02/2024,1\n" for n in range(20))
    shop.write("2.csv", "id,at,shoe_size\n" + rows)
    assert "none of the 20 values of the column 'at' is" in shop.night().rejected[0].reason
    shop.write("2.csv", "id,at,shoe_size\n" + rows + "x,2024-01-01,1\n")
    assert shop.night().tables[0].rows_quarantined == 20


def test_a_file_that_changed_after_it_was_loaded_is_named_with_its_rows(shop):
    shop.write("2.csv", "id,at,shoe_size\nb,2024-01-01,1\nc,2024-01-01,1\n")
    assert shop.night().changed_files == []
    shop.write("2.csv", "id,at,shoe_size\nb,2024-01-02,1\nc,2024-01-01,1\nd,2024-01-01,1\n")
    result = shop.night()
    assert result.changed_files == ["2.csv"]
    assert result.rows_changed("2.csv") == 1
    assert shop.night().changed_files == []
