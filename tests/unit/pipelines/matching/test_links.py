"""Probable links: what is one person, what never is, and that the same records give the same links."""

from __future__ import annotations

import datetime as dt
import subprocess
import sys

import duckdb
import polars as pl
import pytest

from pipelines.home import Home
from pipelines.matching.likeness import MatchingError
from pipelines.matching.links import propose_links, refresh_links
from pipelines.matching.tables import create_tables as create_matching_tables
from pipelines.matching.tables import forget_links
from pipelines.settings import load_settings
from pipelines.warehouse import create_tables, open_warehouse

pytest.importorskip("splink", reason="the extra matching is not installed")

THRESHOLD, MAXIMUM = 0.95, 3
CROWD = 1_000  # so many people that an address or a name says something
SCHEMA = {
    "unique_id": pl.Int64,
    "is_contact": pl.Boolean,
    "person_id": pl.String,
    "name": pl.String,
    "email": pl.String,
    "email_name": pl.String,
    "phone": pl.String,
    "birth_date": pl.String,
    "postal_code": pl.String,
    "country": pl.String,
    "registered_at": pl.Datetime("us"),
}


def _crowd():
    return [
        {
            "person_id": f"crowd {number}",
            "name": f"given{number % 97} family{number}",
            "email": f"someone{number}@example.org",
            "phone": f"{555_000_000 + 1_003 * number}",
            "birth_date": f"{1950 + number % 50}-{1 + number % 12:02}-01",
        }
        for number in range(CROWD)
    ]


def _frame(rows, first_id=0, is_contact=False):
    complete = [
        dict.fromkeys(SCHEMA)
        | {"registered_at": dt.datetime(2024, 1, 1)}
        | row
        | {"unique_id": first_id + number, "is_contact": is_contact}
        | ({"email_name": row["email"].split("@")[0]} if row.get("email") else {})
        for number, row in enumerate(rows)
    ]
    return pl.DataFrame(complete, schema=SCHEMA)


def _links(*rows, contacts=()):
    accounts = [*rows, *_crowd()]
    return propose_links(
        _frame(accounts), _frame(contacts, len(accounts), is_contact=True), THRESHOLD, MAXIMUM
    )


JANE = {
    "person_id": "jane",
    "name": "doe jane",
    "email": "jane@example.com",
    "phone": "207946000",
    "birth_date": "1980-05-06",
}
TWIN = JANE | {"person_id": "jane again", "registered_at": dt.datetime(2024, 6, 1)}


def _people(links):
    return dict(links.people.select("person_id", "same_person_id").iter_rows())


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"birth_date": None},
        {"email": "jane@example.net"},
        {"phone": None},
        {"name": "doe janet"},  # similar, and the birth date is the same
    ],
    ids=str,
)
def test_a_second_account_is_found(change):
    assert _people(_links(JANE, TWIN | change)) == {"jane again": "jane"}


@pytest.mark.parametrize(
    "change",
    [
        {"name": "doe john"},  # a household: mailbox, telephone and even a birth date
        {"name": "doe janet", "birth_date": None},
        {"name": None},
        {"birth_date": "1950-01-02"},  # a mother and a daughter of one name
        {"email": None, "phone": None, "birth_date": None},  # a name alone
        {"person_id": "jane"},  # the CRM has said it already
    ],
    ids=str,
)
def test_a_household_is_not_one_person(change):
    assert _people(_links(JANE, TWIN | change)) == {}


def test_who_registered_first_stands_for_all():
    older = TWIN | {"person_id": "zoe", "registered_at": dt.datetime(2020, 1, 1)}
    assert _people(_links(JANE, TWIN, older)) == {"jane": "zoe", "jane again": "zoe"}


def test_a_cluster_that_is_too_large_is_not_merged_but_reported():
    many = [JANE | {"person_id": f"jane {number}"} for number in range(MAXIMUM + 1)]
    links = _links(*many)
    assert _people(links) == {}
    assert links.refused["person_id"].to_list() == [row["person_id"] for row in many]
    assert links.refused["people"].unique().to_list() == [MAXIMUM + 1]
    assert len(_people(_links(*many[:-1]))) == MAXIMUM - 1


def test_a_contact_is_linked_where_two_things_speak_for_one_person():
    contact = {"name": "doe jane", "email": "jane@example.net", "phone": "207946000"}
    links = _links(JANE, TWIN, contacts=[contact, {"email": "jane@example.net"}])
    assert links.contacts.select("unique_id", "person_id").rows() == [(CROWD + 2, "jane")]


def test_a_contact_that_could_be_two_people_is_nobody():
    contact = {"name": "doe jane", "email": "jane@example.net", "phone": "207946000"}
    namesake = JANE | {"person_id": "namesake", "birth_date": "1950-01-02"}
    assert _links(JANE, namesake, contacts=[contact]).contacts.is_empty()


def test_the_same_records_give_the_same_links_bit_for_bit():
    accounts = _frame([JANE, TWIN, *_crowd()])
    contacts = _frame(
        [{"name": "doe jane", "email": "jane@example.net", "phone": "207946000"}], len(accounts)
    )
    one, other = (propose_links(accounts, contacts, THRESHOLD, MAXIMUM) for _ in range(2))
    assert one.people.equals(other.people)
    assert one.contacts.equals(other.contacts)


def test_nobody_is_nobody():
    links = propose_links(_frame([]), _frame([]), THRESHOLD, MAXIMUM)
    assert links.people.is_empty()
    assert links.contacts.is_empty()


@pytest.fixture
def company(tmp_path):
    """A warehouse with a crowd, one twin and load 7; settings that want links."""
    (tmp_path / "kizuna.yml").write_text(
        """
company: {name: x}
privacy: {customer_key: {public: x}}
matching: {enabled: true}
sources:
  people:
    files: "*.csv"
    format: csv
    tables: [{table: crm.customers, columns: {customer_id: id, registered_at: at}}]
"""
    )
    home = Home(tmp_path / "home").create()
    with open_warehouse(home) as connection:
        create_tables(connection)
        create_matching_tables(connection)
        connection.execute("insert into ingest.loads (load_id) values (7)")
        people = pl.DataFrame(
            [
                {"customer_id": row["person_id"], "full_name": row["name"], "email": row["email"]}
                | {"phone": row["phone"], "registered_at": dt.datetime(2024, 1, 1)}
                for row in [JANE, TWIN, *_crowd()]
            ]
        )
        connection.register("people", people.to_arrow())
        connection.execute("insert into raw_crm.customers by name select * from people")
    return home, load_settings(tmp_path / "kizuna.yml", {})


def _rows(home: Home, sql: str) -> list[tuple]:
    with open_warehouse(home, read_only=True) as connection:
        return connection.execute(sql).fetchall()


PEOPLE = "select person_id, same_person_id, load_id from matching.people"


def test_models_that_follow_loads_see_links_come_and_go(company):
    home, settings = company
    counts = refresh_links(home, settings)
    assert (counts.accounts, counts.people_linked, counts.clusters_refused) == (CROWD + 2, 1, 0)
    assert _rows(home, PEOPLE) == [("jane again", "jane", 7)]
    assert _rows(home, "from matching.last_run") == [(0.95, 5, 7)]
    with open_warehouse(home) as connection:
        connection.execute("insert into ingest.loads (load_id) values (8)")
    refresh_links(home, settings)
    assert _rows(home, PEOPLE) == [("jane again", "jane", 7)]  # nothing changed
    with open_warehouse(home) as connection:
        connection.execute(
            "update raw_crm.customers set email = null, phone = null where customer_id = 'jane'"
        )
    refresh_links(home, settings)
    assert _rows(home, PEOPLE) == [("jane again", "jane again", 8)]


def test_switched_off_nothing_is_left(company):
    home, settings = company
    refresh_links(home, settings)
    with open_warehouse(home) as connection:
        forget_links(connection)
        assert connection.execute("from matching.people").fetchall() == []


def test_without_splink_the_message_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "splink", None)  # as where the extra is not installed
    with pytest.raises(MatchingError, match=r"install the extra matching, or write enabled: false"):
        _links(JANE, TWIN)


def test_splink_is_not_loaded_where_nobody_wants_it():
    """The night's modules import in a process of their own, and Splink is not among them."""
    code = "import sys, pipelines.night, pipelines.matching.links; sys.exit('splink' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_duckdb_alone_is_enough_to_forget():
    with duckdb.connect() as connection:
        create_matching_tables(connection)
        forget_links(connection)
