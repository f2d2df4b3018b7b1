"""Every example, over a few dozen invented rows in the shape of its data set: its mapping works without the data.

Belongs here: what a mapping does with the quirks of its export. Does not: the numbers of the real data sets, which
``tests/real_data`` checks where they are.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from orchestration.night import run_night
from pipelines.home import Home
from pipelines.ingest import ingest_source
from pipelines.settings import Settings, load_settings
from pipelines.warehouse import open_warehouse

REPOSITORY = Path(__file__).parents[3]
EXAMPLES = sorted(path.parent.name for path in (REPOSITORY / "examples").glob("*/kizuna.yml"))

Query = Callable[[str], list[tuple]]


def _settings(example: str) -> Settings:
    stand_in = REPOSITORY / "tests" / "fixtures" / "examples" / example
    return load_settings(REPOSITORY / "examples" / example / "kizuna.yml", {"KIZUNA_DATA": str(stand_in)})


@pytest.fixture
def ingested(tmp_path: Path) -> Callable[[str], Query]:
    """Reads an example's stand-in into a warehouse; gives a way to ask it."""

    def ingest(example: str) -> Query:
        home, settings = Home(tmp_path).create(), _settings(example)
        for source in settings.sources:
            ingest_source(home, settings, source)

        def query(sql: str) -> list[tuple]:
            with open_warehouse(home, read_only=True) as connection:
                return connection.sql(sql).fetchall()

        return query

    return ingest


@pytest.mark.parametrize("example", EXAMPLES)
def test_every_file_is_read_and_no_row_refused(example: str, ingested: Callable[[str], Query]) -> None:
    query = ingested(example)
    assert query("select file, reason from ingest.files where status <> 'loaded' or records = 0") == []
    assert query("select file, line, reason from quarantine.rows") == []


@pytest.mark.parametrize("example", EXAMPLES)
def test_has_a_page_that_says_where_the_data_are_from(example: str) -> None:
    page = (REPOSITORY / "examples" / example / "README.md").read_text(encoding="utf-8")
    assert "| Licence |" in page
    assert "What it does not show" in page
    assert f"--config examples/{example}/kizuna.yml --as-of" in page


def test_online_retail_counts_repeated_lines_and_numbers_the_others(ingested: Callable[[str], Query]) -> None:
    query = ingested("online_retail")
    assert query(
        "select rows_read, rows_duplicate from ingest.loads where table_name = 'crm.order_lines'"
    ) == [(27, 2)]
    lines = query(
        "select line_number, product_id, line_type from raw_crm.order_lines where order_id = '700001' order by all"
    )
    assert lines == [(1, "90001", "product"), (2, "90002A", "product"), (3, "POST", "shipping")]


def test_online_retail_keeps_the_first_date_and_the_last_sold_name(ingested: Callable[[str], Query]) -> None:
    query = ingested("online_retail")
    orders = query(
        """select order_id, customer_id, ordered_at, status from raw_crm.orders
        where order_id in ('700002', 'C700007') order by 1"""
    )
    assert orders == [
        ("700002", "22222", dt.datetime(2011, 3, 1, 9, 2), "invoiced"),
        ("C700007", "11111", dt.datetime(2011, 3, 2, 9, 10), "returned"),
    ]
    assert query("select country from raw_crm.customers where customer_id = '22222'") == [("France",)]
    names = dict(
        query("select product_id, name from raw_crm.products where product_id in ('90001', '90003', '90005')")
    )
    assert names == {"90001": "TIN LANTERN LARGE", "90003": 'MUG "GOOD MORNING"'}  # not "damaged"


def test_olist_accounts_lead_to_persons_and_reviews_of_two_orders_are_two(
    ingested: Callable[[str], Query],
) -> None:
    query = ingested("olist")
    assert query("select count(*), count(distinct person_id) from raw_crm.customers") == [(10, 8)]
    reviews = query(
        "select response_id, order_id from raw_survey.responses where response_id like 'rev07%' order by 1"
    )
    assert reviews == [("rev07/ord06", "ord06"), ("rev07/ord07", "ord07")]
    comments = query("select comment from raw_survey.responses where order_id = 'ord02' order by response_id")
    assert comments == [('Atrasado Chegou tarde.\nE com a caixa "aberta", infelizmente',), (None,)]


def test_olist_promises_for_a_midnight_that_never_was_stay_on_their_day(
    ingested: Callable[[str], Query],
) -> None:
    """On 15 October 2017 the clocks of Brazil went from 0:00 to 1:00, which is 3:00 in UTC."""
    query = ingested("olist")
    promised = query("select promised_at from raw_crm.orders where order_id = 'ord03'")
    assert promised == [(dt.datetime(2017, 10, 15, 3, 0),)]


def test_cdnow_keeps_repeated_purchases_as_lines_of_one_order(ingested: Callable[[str], Query]) -> None:
    query = ingested("cdnow")
    assert query("select count(*), sum(unit_price) from raw_crm.order_lines") == [(20, Decimal("626.22"))]
    lines = query(
        "select order_id, line_number, unit_price from raw_crm.order_lines where order_id like '00010%' order by all"
    )
    assert [(order, line, float(price)) for order, line, price in lines] == [
        ("00010-19970121", 1, 39.31),
        ("00010-19970121", 2, 39.31),
        ("00010-19970121", 3, 11.77),
    ]
    first = query("select registered_at from raw_crm.customers where customer_id = '00003'")
    assert first == [(dt.datetime(1997, 1, 2, 5),)]  # midnight in New York


def test_incidents_are_their_last_update_and_their_way_through_the_groups(
    ingested: Callable[[str], Query],
) -> None:
    query = ingested("it_incident_log")
    tickets = query(
        "select ticket_id, customer_id, status, department, resolved_at is null from raw_support.tickets order by 1"
    )
    assert tickets == [
        ("INC0000001", "Caller 1", "Closed", "Group 1", False),
        ("INC0000002", "Caller 2", "Closed", "Group 3", False),
        ("INC0000003", "Caller 1", "Closed", "Group 2", True),
        ("INC0000004", "Caller 3", "Closed", None, False),
        ("INC0000005", None, "Closed", "Group 1", False),
        ("INC0000006", "Caller 5", "Closed", "Group 1", False),
    ]
    way = query(
        """select sequence_number, department, status from raw_support.ticket_events
        where ticket_id = 'INC0000002' order by sequence_number"""
    )
    assert way == [
        (1, "Group 1", "new"),
        (2, "Group 2", "new"),
        (3, "Group 2", "open"),
        (4, None, "open"),
        (5, "Group 1", "open"),
        (6, "Group 3", "open"),
        (7, "Group 3", "solved"),
        (8, "Group 3", "closed"),
    ]
    assert query("select count(*) from raw_support.ticket_events where status is null") == [(1,)]


def test_a_whole_night_over_the_olist_stand_in(tmp_path: Path, dbt_manifest: object) -> None:
    home = Home(tmp_path).create()
    result = run_night(_settings("olist"), home, dt.date(2018, 10, 31))
    assert result.published, result.failures
    with duckdb.connect(str(home.published_file), read_only=True) as connection:
        people = connection.sql("select count(*), sum(account_count) from marts.dim_customers").fetchall()
        linked = connection.sql(
            "select customer_match, count(*), count(customer_key) from marts.fct_survey_responses group by all"
        ).fetchall()
        delays = connection.sql(
            "select order_id, delivery_delay_days from marts.fct_orders where delivered_at is not null order by 1"
        ).fetchall()
        months = connection.sql(
            "select month, csat_n, csat_top_two from kpi.kpi_loyalty_monthly where level = 'month' order by 1"
        ).fetchall()
        buyers = connection.sql("select frequency from marts.customer_rfm order by 1").fetchall()
    assert people == [(8, 10)]
    assert linked == [("order", 11, 11)]
    assert delays == [
        ("ord01", -8),
        ("ord02", 4),
        ("ord04", -14),
        ("ord06", 0),
        ("ord07", -15),
        ("ord09", -11),
    ]
    # the review of 31 October at 23:30 belongs to October, though in UTC it is November
    assert months == [(dt.date(2017, 9, 1), 2, 1), (dt.date(2017, 10, 1), 8, 4), (dt.date(2017, 11, 1), 1, 0)]
    assert buyers == [(1,), (1,), (1,), (1,), (2,), (2,)]  # canceled and unavailable orders are no purchases
