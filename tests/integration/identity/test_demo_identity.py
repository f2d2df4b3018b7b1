"""Who answered and who asked in the demo company: recomputed from the raw rows in polars, and held against the truth.

The second way looks people up record by record and shares no code and no expression with the models.
"""

from __future__ import annotations

import datetime as dt
import re
from collections import Counter, defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest

from orchestration.assets.dbt import PROJECT
from pipelines.demo import DEFAULT_END, generate
from pipelines.home import Home
from pipelines.ingest import ingest_source
from pipelines.matching.links import propose_links
from pipelines.matching.records import account_records, contact_records
from pipelines.night import prepare_transformation
from pipelines.settings import customer_key_secret, load_settings
from pipelines.transformation import build, ensure_manifest
from pipelines.warehouse import open_warehouse

CUSTOMERS = 3_000  # enough for shared mailboxes and second accounts, few enough for seconds
CODES = {"DE": "49", "GB": "44", "FR": "33", "JP": "81"}


@dataclass(frozen=True)
class Company:
    exports: Path
    home: Home

    def rows(self, sql: str) -> list[dict[str, Any]]:
        with open_warehouse(self.home, read_only=True) as connection:
            return connection.sql(sql).pl().to_dicts()

    def truth(self, folder: str) -> pl.DataFrame:
        return pl.concat(
            pl.read_parquet(path) for path in sorted((self.exports / "truth" / folder).iterdir())
        )


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory, dbt_manifest: object) -> Company:
    """The demo company, loaded and matched; only the models that identity needs are built."""
    root = tmp_path_factory.mktemp("identity")
    generate(root / "exports", customers=CUSTOMERS)
    settings = load_settings(root / "exports" / "kizuna.yml")
    home = Home(root / "home").create()
    for source in settings.sources:
        ingest_source(home, settings, source)
    prepare_transformation(home, settings, DEFAULT_END, customer_key_secret(settings))
    ensure_manifest(home, PROJECT)
    no_tests = [
        f"--exclude-resource-type={kind}" for kind in ("test", "unit_test")
    ]  # of tables not built here
    for _ in build(home, PROJECT, ["--select", "+identity_match_rates", *no_tests]):
        pass
    return Company(root / "exports", home)


class Second:
    """The same matching, by looking people up in dictionaries."""

    def __init__(self, company: Company) -> None:
        keys = {row["customer_id"]: row["customer_key"] for row in company.rows("from privacy.customer_keys")}
        customers = company.rows("from raw_crm.customers")
        person = {row["customer_id"]: row["person_id"] or row["customer_id"] for row in customers}
        self.key = {account: keys[person.get(account, account)] for account in keys}
        self.mailboxes: dict[str, set[str]] = defaultdict(set)
        self.telephones: dict[str, set[str]] = defaultdict(set)
        for row in customers:
            self.mailboxes[(row["email"] or "").strip().lower()].add(self.key[row["customer_id"]])
            self.telephones[_digits(row["phone"])].add(self.key[row["customer_id"]])
        self.orders = {row["order_id"]: row["customer_id"] for row in company.rows("from raw_crm.orders")}
        self.tickets = {row["ticket_id"]: row for row in company.rows("from raw_support.tickets")}
        self.invitations = {row["invitation_id"]: row for row in company.rows("from raw_survey.invitations")}

    def by_address(self, row: dict[str, Any]) -> dict[str, str]:
        found = {}
        for kind, owners in (
            (
                "email",
                self.mailboxes.get((row["email"] or "").strip().lower(), set()) if row["email"] else set(),
            ),
            ("phone", self.telephones.get(_digits(row["phone"]), set()) if row["phone"] else set()),
        ):
            if len(owners) == 1:
                found[kind] = next(iter(owners))
        return found

    def evidence(self, row: dict[str, Any]) -> dict[str, str]:
        """Everything that names a person, strongest first."""
        found = {}
        if row.get("customer_id"):
            found["customer_id"] = self.key[row["customer_id"]]
        if self.orders.get(row.get("order_id")):
            found["order"] = self.key[self.orders[row["order_id"]]]
        for kind, known in (("ticket", self.tickets), ("invitation", self.invitations)):
            referred = known.get(row.get(f"{kind}_id")) if "response_id" in row else None
            if referred and (theirs := self.evidence(referred)):
                found[kind] = next(iter(theirs.values()))
        return found | self.by_address(row)


def _digits(phone: str | None) -> str:
    """The demo's numbers say their country; +44 (0)00 leaves its zero at home."""
    return re.sub(r"\D", "", (phone or "").replace("(0)", ""))


def _expected(company: Company) -> dict[tuple[str, str], tuple[str | None, str | None, str | None]]:
    """By kind and identifier: the person, the evidence that won, the first weaker evidence against it."""
    second = Second(company)
    records = {
        ("ticket", "ticket_id"): company.rows("from raw_support.tickets"),
        ("invitation", "invitation_id"): company.rows("from raw_survey.invitations"),
        ("response", "response_id"): company.rows(
            "select distinct on (response_id) * from raw_survey.responses where respondent_type = 'external'"
        ),
    }
    expected = {}
    for (kind, identifier), rows in records.items():
        for row in rows:
            found = second.evidence(row)
            evidence, person = next(iter(found.items()), (None, None))
            against = next((k for k, other in found.items() if other != person), None)
            expected[kind, row[identifier]] = (person, evidence, against)
    return expected


def test_every_match_is_found_a_second_way(company: Company) -> None:
    expected = _expected(company)
    matched = {
        (row["record_type"], row["record_id"]): (
            row["customer_key"],
            row["customer_match"] if row["customer_key"] else None,
            row["contradicted_by"],
        )
        for row in company.rows("from intermediate.int_identity__matches where customer_match <> 'colleague'")
    }
    assert matched == expected
    evidence = Counter(evidence for _, evidence, _ in matched.values())
    assert set(evidence) == {"customer_id", "order", "ticket", "invitation", "email", "phone", None}


def test_the_rates_count_these_matches(company: Company) -> None:
    days = {
        (row["record_type"], row["record_id"]): row["occurred_date"]
        for row in company.rows(
            "select record_type, record_id, occurred_date from intermediate.int_identity__references"
        )
    }
    counted: Counter[tuple[str, bool]] = Counter()
    recent: Counter[tuple[str, bool]] = Counter()
    for record, (person, _, _) in _expected(company).items():
        if days[record] <= DEFAULT_END:
            counted[record[0], person is not None] += 1
            recent[record[0], person is not None] += days[record] > DEFAULT_END - dt.timedelta(7)
    rates = company.rows(
        """select record_type, is_matched, sum(records)::bigint as records, sum(records_7d)::bigint as records_7d,
        from meta.identity_match_rates where is_matched is not null group by all"""
    )
    assert {(row["record_type"], row["is_matched"]): row["records"] for row in rates} == counted
    assert {(r["record_type"], r["is_matched"]): r["records_7d"] for r in rates if r["records_7d"]} == +recent


def test_matches_are_true(company: Company) -> None:
    """Nobody gets another one's answer or complaint, and few who left a trace stay unknown."""
    keys = {row["customer_id"]: row["customer_key"] for row in company.rows("from privacy.customer_keys")}
    true = {
        (kind, record): keys.get(customer)
        for kind, folder in (("response", "answers"), ("ticket", "tickets"))
        for record, customer in company.truth(folder).select(f"{kind}_id", "customer_id").rows()
    }
    outcome: Counter[tuple[str, str]] = Counter()
    for row in company.rows(
        """select record_type, record_id, customer_key from intermediate.int_identity__matches
        where record_type <> 'invitation' and customer_match <> 'colleague'"""
    ):
        person = true.get((row["record_type"], row["record_id"]), "nobody's")
        found = row["customer_key"]
        outcome[
            row["record_type"], "unknown" if found is None else "right" if found == person else "wrong"
        ] += 1
    assert outcome["response", "wrong"] == outcome["ticket", "wrong"] == 0
    assert outcome["response", "right"] > 0.98 * (
        outcome["response", "right"] + outcome["response", "unknown"]
    )
    assert outcome["ticket", "right"] > 0.90 * (outcome["ticket", "right"] + outcome["ticket", "unknown"])


def test_second_accounts_are_found_where_the_crm_hides_them(company: Company) -> None:
    """The demo's CRM says who has two accounts; with that hidden, links must find them and join nobody else."""
    pytest.importorskip("splink", reason="the extra matching is not installed")
    with duckdb.connect(str(company.home.warehouse), read_only=True) as connection:
        accounts = account_records(connection)
        contacts, _ = contact_records(connection, len(accounts))
    person = dict(zip(accounts["unique_id"].cast(pl.String), accounts["person_id"], strict=True))
    hidden = accounts.with_columns(pl.col("unique_id").cast(pl.String).alias("person_id"))
    links = propose_links(hidden, contacts, threshold=0.95, maximum_cluster=5)
    pairs = links.people.select("person_id", "same_person_id").rows()
    second_accounts = len(accounts) - len(set(person.values()))
    assert all(person[one] == person[other] for one, other in pairs)
    assert (
        len(pairs) >= 0.5 * second_accounts > 0
    )  # the others left no telephone: mailbox and name are too little
