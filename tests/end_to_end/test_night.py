"""One night, end to end: what readers get, and that they never get anything else."""

from __future__ import annotations

import contextlib
import csv
import datetime as dt
import json
from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from pathlib import Path

import dagster as dg
import polars as pl
import pytest

from orchestration.history import last_nights
from orchestration.instance import open_instance
from pipelines.publication import current_version, list_versions, rollback

from .conftest import Company


def test_publishes_the_three_schemas_with_a_comment_on_every_table_and_column(published: Company) -> None:
    schemas = {row[0] for row in published.query("select distinct schema_name from duckdb_tables()")}
    assert schemas == {"marts", "kpi", "meta"}
    uncommented = published.query(
        """select table_name from duckdb_tables() where coalesce(comment, '') = ''
        union all select table_name || '.' || column_name from duckdb_columns()
        where schema_name in ('marts', 'kpi', 'meta') and coalesce(comment, '') = ''"""
    )
    assert uncommented == []


def test_every_row_read_is_loaded_quarantined_or_a_duplicate(published: Company) -> None:
    rows = published.query(
        """select sum(rows_read), sum(rows_loaded + rows_quarantined + rows_duplicate),
            sum(rows_quarantined), sum(rows_duplicate) from meta.reconciliation"""
    )
    read, accounted, quarantined, duplicate = rows[0]
    assert read == accounted
    assert quarantined > 0, "the demo company has broken rows"
    assert duplicate > 0, "and exact duplicates"


def test_the_published_money_is_the_money_in_the_exports(published: Company) -> None:
    """Summed from the CSV files with Python's csv module, without any of our reading.

    Records with a wrong number of fields say nothing about money; a number that is none counts as nothing.
    """
    amount = Decimal(0)
    for path in sorted((published.config.parent / "crm" / "order_lines").glob("*.csv")):
        with path.open(encoding="utf-8", newline="") as file:
            header, *records = csv.reader(file)
        whole = (dict(zip(header, record, strict=True)) for record in records if len(record) == len(header))
        for record in whole:
            with contextlib.suppress(InvalidOperation):
                amount += Decimal(record["Qty"]) * Decimal(record["UnitPrice"])
    read, explained = published.query(
        """select amount_read, amount_published + amount_not_published + amount_superseded
            + amount_quarantined + amount_duplicate
        from meta.reconciliation where table_name = 'crm.order_lines'"""
    )[0]
    assert read == explained
    assert read == amount


def test_nights_of_one_date_are_equal_and_one_can_go_back(company: Company) -> None:
    """The same night again, an earlier business date, back to the version before, and the first date once more."""
    first = current_version(company.home)
    result = company.night()
    second = current_version(company.home)
    assert result.published == second.name != first.name
    assert second.content_hash == first.content_hash
    assert second.rows == first.rows

    company.night(dt.date(2026, 3, 31))
    earlier = current_version(company.home)
    assert company.query("select max(order_date) from marts.fct_orders")[0][0] <= dt.date(2026, 3, 31)
    assert earlier.content_hash != first.content_hash

    rollback(company.home, second.name)
    assert company.query("select as_of_date, version from meta.publication") == [(first.as_of, second.name)]
    assert len(list_versions(company.home)) == 3

    company.night()
    assert current_version(company.home).content_hash == first.content_hash


def test_the_run_is_in_dagsters_own_list(published: Company) -> None:
    with open_instance(published.home, published.config) as instance:
        (run,) = instance.get_runs()
    assert run.job_name == "nightly"
    assert run.status == dg.DagsterRunStatus.SUCCESS


NOT_ALL = """
select * exclude (position)
from (select *, row_number() over (order by customer_key) as position from ({model}) as right_rows)
where position > 1
"""
A_CENT_MORE = """
select * replace (cast(net_amount + case when line_number = 1 then 0.01 else 0 end as decimal(18, 4)) as net_amount)
from ({model}) as right_rows
"""
TOO_HIGH = "select * replace (cast(140 as double) as nps) from ({model}) as right_rows"


@pytest.mark.parametrize(
    ("wrong", "found"),
    [
        ({"customer_rfm": NOT_ALL}, [("month_end_states_equal_customer_rfm", "Got 1 result")]),
        (
            {"kpi_loyalty_monthly": TOO_HIGH, "fct_sales_quality": A_CENT_MORE},
            [
                ("kpi.kpi_loyalty_monthly", "140"),
                ("meta.sales_reconciliation", "good + bad + undecided = net sales"),
            ],
        ),
    ],
    ids=["a lost customer, by dbt", "an NPS of 140 and a cent too much, by the gate"],
)
def test_a_wrong_table_is_stopped_and_readers_keep_the_last_good_version(
    company: Company,
    wrong_project: Callable[[dict[str, str]], Path],
    wrong: dict[str, str],
    found: list[tuple[str, str]],
) -> None:
    before = company.home.published_file.resolve()
    content = before.read_bytes()
    result = company.night(project=wrong_project(wrong))
    assert result.published is None
    for table, value in found:
        assert any(table in failure and value in failure for failure in result.failures), result.failures
    assert last_nights(company.home)[0].failures == result.failures  # what `kizuna status` says of it
    assert company.home.published_file.resolve() == before
    assert before.read_bytes() == content


def test_nothing_personal_leaves_the_warehouse(published: Company) -> None:
    """Addresses, names and account numbers of the exports, searched for in all that people may look at."""
    customers = pl.read_csv(
        next((published.config.parent / "crm" / "customers").glob("*.csv")), infer_schema=False
    )
    words = [
        value
        for column in ("Email", "CustomerNo", "Phone")
        for value in customers[column].drop_nulls().head(40).to_list()
        if len(value) > 5
    ]
    assert words
    folders = (published.home.quality, published.home.dagster, published.home.publications)
    texts = [
        path.read_bytes()
        for folder in folders
        for path in folder.rglob("*")
        if path.is_file() and not path.is_symlink()
    ]
    found = [word for word in words if any(word.encode() in text for text in texts)]
    assert found == []


def test_the_manifest_names_every_table_with_its_rows_and_hash(published: Company) -> None:
    version = current_version(published.home)
    manifest = json.loads((version.folder / "manifest.json").read_text(encoding="utf-8"))
    for name, table in manifest["tables"].items():
        assert published.query(f"select count(*) from {name}") == [(table["rows"],)]
        assert table["content_hash"]
    assert manifest["checks"], "the gate's results are part of the version"


def test_what_a_snapshot_no_longer_has_leaves_the_published_tables(company: Company) -> None:
    """One order loses a line and one loses all: incremental models keep nothing of them."""
    (first, first_lines), (second, second_lines) = company.query(
        "select order_id, line_count from marts.fct_orders where line_count > 1 order by order_id limit 2"
    )
    before = company.query("select count(*) from marts.fct_order_lines")[0][0]
    folder = company.config.parent / "crm" / "order_lines"
    kept: dict[tuple[str, str], list[str]] = {}
    for path in sorted(folder.glob("*.csv")):
        with path.open(encoding="utf-8", newline="") as file:
            header, *rows = csv.reader(file)
        assert header[:2] == ["OrderNo", "Pos"]
        # A record without a key may be any row; while there is one, nothing is deleted.
        whole = (row for row in rows if len(row) == len(header) and row[0] and row[1].isdigit())
        kept |= {(row[0], row[1]): row for row in whole}
    gone = {min(key for key in kept if key[0] == first), *(key for key in kept if key[0] == second)}
    with (folder / "z-all.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([header, *(row for key, row in kept.items() if key not in gone)])
    files = "files: crm/order_lines/*.csv\n"
    text = company.config.read_text(encoding="utf-8")
    assert text.count(files) == 1
    company.config.write_text(text.replace(files, f"{files}    snapshot: true\n"), encoding="utf-8")

    result = company.night()

    assert result.published, result.failures
    left = company.query("select order_id, count(*) from marts.fct_order_lines group by 1")
    assert dict(left).get(first) == first_lines - 1
    assert second not in dict(left)
    deleted = company.query("select sum(rows_deleted) from meta.reconciliation")[0][0]
    assert deleted == 1 + second_lines == before - sum(count for _, count in left)
    assert company.query(
        f"select line_count, net_amount from marts.fct_orders where order_id = '{second}'"
    ) == [(0, 0)]
    assert company.query(f"select line_count from marts.fct_orders where order_id = '{first}'") == [
        (first_lines - 1,)
    ]
