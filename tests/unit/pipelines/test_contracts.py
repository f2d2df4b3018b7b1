"""The canonical tables: what every contract must be, and the rules inside one row."""

from __future__ import annotations

import duckdb
import polars as pl
import pytest

from pipelines import contracts
from pipelines.contracts import Contract, Kind
from pipelines.warehouse import ROW_ORIGIN, create_tables

TABLES = {
    "crm.customers": ("customer_id",),
    "crm.products": ("product_id",),
    "crm.orders": ("order_id",),
    "crm.order_lines": ("order_id", "line_number"),
    "crm.returns": ("return_id",),
    "crm.campaigns": ("campaign_id",),
    "crm.campaign_contacts": ("campaign_id", "customer_id", "sent_at"),
    "survey.invitations": ("invitation_id",),
    "survey.responses": ("response_id", "question_id"),
    "support.tickets": ("ticket_id",),
    "support.ticket_assignments": ("ticket_id", "sequence_number"),
    "support.ticket_events": ("ticket_id", "event_id"),
    "org.departments": ("department",),
    "org.initiatives": ("initiative_id",),
    "org.kpi_targets": ("kpi", "department", "month"),
}
each_contract = pytest.mark.parametrize("contract", contracts.ALL, ids=lambda contract: contract.name)


def test_the_canonical_tables_and_their_keys():
    assert {contract.name: contract.key for contract in contracts.ALL} == TABLES


@each_contract
def test_a_contract_is_sound(contract: Contract):
    names = contract.column_names
    assert len(set(names)) == len(names)
    assert set(contract.key) <= set(names)
    assert not [name for name in names if name.startswith("_")]  # ours: _source, _file, ...
    assert all(column.description.endswith(".") for column in contract.columns)
    assert all(column.kind is Kind.TEXT for column in contract.columns if column.allowed)
    assert all(contract.is_required(column) for column in contract.columns if column.name in contract.key)


@each_contract
def test_what_identifies_a_person_is_marked(contract: Contract):
    direct = {"customer_id", "person_id", "email", "phone", "full_name", "employee_id", "agent_id", "comment"}
    assert {column.name for column in contract.columns if column.personal} == direct & set(
        contract.column_names
    )


@each_contract
def test_row_checks_can_be_computed_on_nothing_and_reasons_name_columns(contract: Contract):
    nothing = pl.DataFrame(schema={column.name: column.kind.polars for column in contract.columns})
    for check in contract.row_checks:
        assert nothing.select(check.fails).dtypes == [pl.Boolean]
        assert check.reason.split()[0] in contract.column_names


@each_contract
def test_the_warehouse_holds_the_contracts_types(contract: Contract):
    with duckdb.connect() as connection:
        create_tables(connection)
        found = connection.execute(
            f"select column_name, lower(data_type) from (describe {contract.raw_name}) t(column_name, data_type)"
        ).fetchall()
    expected = {column.name: column.kind.duckdb for column in contract.columns} | ROW_ORIGIN
    assert {name: kind.replace(",", ", ") for name, kind in found} == expected


def test_polars_and_duckdb_mean_the_same_types():
    frame = pl.DataFrame(schema={kind.name: kind.polars for kind in Kind})
    with duckdb.connect() as connection:
        connection.register("frame", frame.to_arrow())
        found = connection.execute("select column_type from (describe frame)").fetchall()
    assert [kind.lower().replace(",", ", ") for (kind,) in found] == [kind.duckdb for kind in Kind]


def test_an_unknown_table_is_an_error_that_names_the_known_ones():
    with pytest.raises(KeyError, match=r"no canonical table 'crm\.order'; the known ones: crm\.customers, "):
        contracts.contract_named("crm.order")


@pytest.mark.parametrize(
    ("metric", "score", "low", "high", "reason"),
    [
        ("nps", 0, None, None, None),
        ("nps", 10, None, None, None),
        ("nps", 11, None, None, "score is outside 0 to 10, the scale of nps and enps"),
        ("enps", -1, None, None, "score is outside 0 to 10, the scale of nps and enps"),
        ("csat", 6, 1, 5, "score is above scale_max"),
        ("csat", 0, 1, 5, "score is below scale_min"),
        ("csat", None, 1, 5, None),
    ],
)
def test_a_score_lies_on_its_scale_and_0_is_an_answer(metric, score, low, high, reason):
    row = pl.DataFrame(
        {"metric": [metric], "score": [score], "scale_min": [low], "scale_max": [high]},
        schema_overrides=dict.fromkeys(("score", "scale_min", "scale_max"), pl.Float64),
    )
    checks = contracts.contract_named("survey.responses").row_checks
    assert [check.reason for check in checks if row.select(check.fails)[0, 0]] == ([reason] if reason else [])
