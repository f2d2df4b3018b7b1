"""An IT incident log, 119,998 updates of 20,769 tickets: where they went, and how often they changed hands."""

from __future__ import annotations

import gzip

import polars as pl
import pytest

from .conftest import Example, real_data

pytestmark = pytest.mark.real_data

# From reference_numbers: tickets by number of distinct groups they passed. 373 name no group at all.
TICKETS_BY_GROUPS = {0: 373, 1: 12_347, 2: 5_356, 3: 1_811, 4: 646, 5: 174, 6: 45, 7: 13, 8: 4}


@pytest.fixture(scope="module")
def updates() -> pl.DataFrame:
    """The log in its own order, the only one it has."""
    packed = (real_data("it_incident_log") / "IT_Incident_Data.csv.gz").read_bytes()
    return pl.read_csv(gzip.decompress(packed), infer_schema=False, null_values="Unknown")


@pytest.fixture(scope="module")
def tickets(updates: pl.DataFrame) -> pl.DataFrame:
    """Each ticket's last update, with its path through the groups taken from all of them."""
    groups = pl.col("assignment_group").drop_nulls()
    states = pl.col("incident_state").filter(pl.col("incident_state") != "-100")
    resolved = states.is_in(["Resolved", "Closed"])
    return (
        updates.group_by("number")
        .agg(
            pl.all().last(),
            groups.n_unique().cast(pl.Int32).alias("groups"),
            (groups != groups.shift()).sum().cast(pl.Int32).alias("handoffs"),
            groups.last().alias("last_group"),
            (~resolved & resolved.shift()).sum().cast(pl.Int32).alias("reopens"),
        )
        .sort("number")
    )


def test_every_update_is_accounted_for(it_incident_log: Example, updates: pl.DataFrame) -> None:
    accounts, events = it_incident_log.query(
        "select * from meta.reconciliation where table_name in ('support.tickets', 'support.ticket_events') "
        "order by table_name desc"
    ).to_dicts()
    assert events["rows_read"] == events["rows_loaded"] == events["rows_in_warehouse"] == updates.height
    assert accounts["rows_read"] == updates.height == 119_998
    assert (
        accounts["rows_read"]
        == accounts["rows_published"] + accounts["rows_superseded"] + accounts["rows_duplicate"]
    )
    assert accounts["rows_published"] == updates["number"].n_unique() == 20_769
    assert it_incident_log.quarantined().is_empty()


def test_tickets_pass_as_many_groups_as_the_reference_says(
    it_incident_log: Example, tickets: pl.DataFrame
) -> None:
    published = it_incident_log.query(
        "select ticket_id, distinct_department_count as groups, handoff_count as handoffs "
        "from marts.fct_support_tickets order by ticket_id"
    )
    assert dict(published.group_by("groups").len().iter_rows()) == TICKETS_BY_GROUPS
    assert published.equals(tickets.select(pl.col("number").alias("ticket_id"), "groups", "handoffs"))
    assert published["handoffs"].sum() == 16_203


def test_reopens_are_what_the_states_say_and_what_the_tool_counted(
    it_incident_log: Example, tickets: pl.DataFrame
) -> None:
    published = it_incident_log.query(
        "select ticket_id, reopen_count as reopens from marts.fct_support_tickets order by ticket_id"
    )
    assert published.equals(tickets.select(pl.col("number").alias("ticket_id"), "reopens"))
    # The log's own count, which no model has read for these tickets, agrees on each of them.
    assert published["reopens"].equals(tickets["reopen_count"].cast(pl.Int32), check_names=False)
    assert published["reopens"].sum() == 276


def test_a_history_without_times_leaves_the_ticket_its_own(it_incident_log: Example) -> None:
    found = it_incident_log.query(
        "select times_from, count(waiting_for_us_hours), count(resolution_hours) from marts.fct_support_tickets "
        "group by times_from"
    )
    assert found.rows() == [("ticket", 0, 20_769 - 1_418)]


def test_tickets_are_published_as_their_last_update_left_them(
    it_incident_log: Example, tickets: pl.DataFrame
) -> None:
    published = it_incident_log.query(
        "select ticket_id, status, priority, category, department, reopen_count, resolution_hours "
        "from marts.fct_support_tickets order by ticket_id"
    )
    opened, resolved = (
        pl.col(name).str.to_datetime("%d/%m/%Y %H:%M") for name in ("opened_at", "resolved_at")
    )
    expected = tickets.select(
        pl.col("number").alias("ticket_id"),
        pl.col("incident_state").alias("status"),
        "priority",
        "category",
        # the last update seldom names no group; then the last one that had the ticket still does
        pl.coalesce("assignment_group", "last_group").alias("department"),
        pl.col("reopen_count").cast(pl.Int32),
        ((resolved - opened).dt.total_minutes() / 60).alias("resolution_hours"),
    )
    columns = [name for name in expected.columns if name != "resolution_hours"]
    assert published.select(columns).equals(expected.select(columns))
    assert published["resolution_hours"].to_list() == pytest.approx(expected["resolution_hours"].to_list())


def test_callers_are_the_customers(
    it_incident_log: Example, tickets: pl.DataFrame, updates: pl.DataFrame
) -> None:
    customers = it_incident_log.query(
        "select count(*), count(*) filter (where is_inferred) from marts.dim_customers"
    )
    assert customers.row(0) == (updates["caller_id"].drop_nulls().n_unique(), 0) == (4_828, 0)
    matches = it_incident_log.query(
        "select customer_match, count(*) as tickets from marts.fct_support_tickets group by 1 order by 1"
    )
    assert matches.rows() == [("customer_id", 20_766), ("no reference", 3)]
    assert tickets["caller_id"].null_count() == 3


def test_journeys_of_all_months_are_those_of_the_log(it_incident_log: Example, tickets: pl.DataFrame) -> None:
    published = it_incident_log.query(
        "select sum(tickets), sum(handoffs), sum(handoffs_0), sum(handoffs_1), sum(handoffs_2), "
        "sum(handoffs_3_or_more), sum(reopened), sum(reopened_n) from kpi.kpi_support_journey where level = 'month'"
    )
    handoffs = tickets["handoffs"]
    by_number = [(handoffs == 0).sum(), (handoffs == 1).sum(), (handoffs == 2).sum(), (handoffs >= 3).sum()]
    untold = (tickets["groups"] == 0).sum()  # of no group at all: handed off an unknown number of times
    over = tickets.filter((pl.col("resolved_at").is_not_null()) | (pl.col("reopens") > 0))
    reopened = (tickets["reopens"] > 0).sum()
    expected = (tickets.height, 16_203, by_number[0] - untold, *by_number[1:], reopened, over.height)
    assert tuple(int(value) for value in published.row(0)) == expected


def test_hand_offs_without_a_time_are_events_all_the_same(it_incident_log: Example) -> None:
    counted = it_incident_log.query(
        "select event_kind, events, events_without_time from meta.customer_event_coverage "
        "where event_kind in ('hand_off', 'ticket_opened', 'ticket_reopened') order by 1"
    )
    assert counted.rows() == [
        ("hand_off", 16_203, 16_203),
        ("ticket_opened", 20_769, 0),
        ("ticket_reopened", 276, 276),
    ]
