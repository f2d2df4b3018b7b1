"""What probabilistic matching compares: raw rows as comparable texts."""

from __future__ import annotations

import duckdb
import pytest

from pipelines.matching.records import account_records, contact_records
from pipelines.warehouse import create_tables


@pytest.fixture
def warehouse():
    with duckdb.connect() as connection:
        create_tables(connection)
        yield connection


def _account(warehouse, customer_id, **values):
    values = {"customer_id": customer_id, "registered_at": "2024-01-01", **values}
    names, marks = ", ".join(values), ", ".join("?" * len(values))
    warehouse.execute(f"insert into raw_crm.customers ({names}) values ({marks})", list(values.values()))


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ("Müller, Jürgen", "jurgen muller"),
        (" JÜRGEN  müller ", "jurgen muller"),
        ("O'Example Ruth", "example o ruth"),
        ("見本 葵", "葵 見本"),
        ("--", None),
        (None, None),
    ],
)
def test_names_are_compared_without_case_accents_and_order(warehouse, given, name):
    _account(warehouse, "c1", full_name=given)
    assert account_records(warehouse)["name"].to_list() == [name]


@pytest.mark.parametrize(
    ("given", "phone"),
    [
        ("+44 (0)20 7946 0000", "079460000"),
        ("020 7946 0000", "079460000"),
        ("12", None),
        ("a1234567@example.org", None),
    ],
)
def test_telephones_are_compared_by_their_last_digits(warehouse, given, phone):
    _account(warehouse, "c1", phone=given)
    assert account_records(warehouse)["phone"].to_list() == [phone]


def test_traits_tell_birth_date_and_postal_code(warehouse):
    _account(warehouse, "c1", traits='{"birth_date": "1990-02-03", "postal_code": "sw1a 1aa"}')
    _account(warehouse, "c2", traits="{}")
    assert account_records(warehouse).select("birth_date", "postal_code").rows() == [
        ("1990-02-03", "SW1A1AA"),
        (None, None),
    ]


def test_a_value_that_a_crowd_shares_says_nothing(warehouse):
    for number in range(21):
        _account(warehouse, f"c{number:02}", email="none@example.org", phone=f"020 7946 {number:04}")
    _account(warehouse, "one", email="One@example.org")
    records = account_records(warehouse)
    assert records["email"].to_list() == [None] * 21 + ["one@example.org"]
    assert records["phone"].null_count() == 1


def test_contacts_are_those_whom_no_account_and_no_address_explains(warehouse):
    _account(warehouse, "c1", email="known@example.org")
    warehouse.execute(
        """insert into raw_support.tickets (ticket_id, customer_id, email, opened_at, _source) values
            ('t1', null, 'Jane.Doe@example.org', '2024-01-01', 'desk'),
            ('t2', 'c9', 'x@example.org', '2024-01-01', 'desk'),
            ('t3', null, 'KNOWN@example.org', '2024-01-01', 'desk'), ('t4', null, null, '2024-01-01', 'desk');
        insert into raw_survey.responses (response_id, question_id, respondent_type, email, _source) values
            ('r1', 'a', null, 'jane.doe@example.org', 'tool'), ('r1', 'b', null, null, 'tool'),
            ('r2', 'a', 'internal', 'colleague@example.org', 'tool')"""
    )
    contacts, left_by = contact_records(warehouse, first_id=1)
    assert contacts.select("unique_id", "is_contact", "name", "email", "email_name").rows() == [
        (1, True, "doe jane", "jane.doe@example.org", "jane.doe")
    ]
    assert left_by.rows() == [(1, "response", "tool", "r1"), (1, "ticket", "desk", "t1")]
