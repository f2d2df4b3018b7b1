"""Customer keys: an HMAC, the same every night, whose secret stays secret."""

from __future__ import annotations

import hashlib
import hmac
import tempfile
from pathlib import Path

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.home import Home
from pipelines.ingest import ingest_source
from pipelines.privacy import CustomerKeySecretChangedError, fingerprint, update_customer_keys
from pipelines.settings import load_settings
from pipelines.warehouse import create_tables, open_warehouse

SECRET = "correct-horse-battery-staple-4711-secret"


@pytest.fixture
def connection():
    with duckdb.connect() as connection:
        create_tables(connection)
        yield connection


def see(connection: duckdb.DuckDBPyConnection, *ids: str | None) -> None:
    connection.executemany("insert into raw_crm.orders (customer_id) values (?)", [[each] for each in ids])


def keys(connection: duckdb.DuckDBPyConnection) -> dict[str, str]:
    rows = connection.execute("select customer_id, customer_key from privacy.customer_keys").fetchall()
    assert len(rows) == len(dict(rows))
    return dict(rows)


TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), min_size=1, max_size=80)


@given(TEXT | st.just("k" * 64) | st.just("k" * 65), st.sets(TEXT, min_size=1, max_size=5))
@settings(max_examples=15, deadline=None)
def test_a_key_is_pythons_hmac(secret, ids):
    with duckdb.connect() as connection:
        create_tables(connection)
        see(connection, *ids)
        assert update_customer_keys(connection, secret) == len(ids)
        assert keys(connection) == {
            each: hmac.new(secret.encode(), each.encode(), hashlib.sha256).hexdigest()[:32] for each in ids
        }


def test_new_customers_of_any_table_get_a_key_once(connection):
    see(connection, "a", "a", None)
    assert update_customer_keys(connection, SECRET) == 1
    before = keys(connection)
    connection.execute("insert into raw_crm.customers (customer_id, person_id) values ('a', 'p')")
    connection.execute("insert into raw_support.tickets (customer_id) values ('t')")
    connection.execute("insert into raw_survey.responses (customer_id) values ('s')")
    connection.execute("insert into raw_crm.campaign_contacts (customer_id) values ('c')")
    assert update_customer_keys(connection, SECRET) == 4
    assert keys(connection).keys() == {"a", "p", "t", "s", "c"}
    assert keys(connection)["a"] == before["a"]
    assert update_customer_keys(connection, SECRET) == 0


def test_another_secret_is_refused_and_not_told(connection):
    see(connection, "a")
    update_customer_keys(connection, SECRET)
    before = keys(connection)
    with pytest.raises(CustomerKeySecretChangedError) as raised:
        update_customer_keys(connection, SECRET + "x")
    assert SECRET not in str(raised.value)
    assert keys(connection) == before


def test_a_fingerprint_tells_secrets_apart_and_gives_none_away():
    assert fingerprint("a") != fingerprint("b")
    assert SECRET not in fingerprint(SECRET)
    assert len(fingerprint(SECRET)) == 16


def test_an_error_of_the_database_does_not_quote_the_secret(connection):
    connection.execute("drop table privacy.customer_keys")
    with pytest.raises(duckdb.Error) as raised:
        update_customer_keys(connection, SECRET)
    assert SECRET not in str(raised.value)


def files_that_hold(folder: Path, text: str) -> list[str]:
    forms = [
        text.encode(),
        text.encode("utf-16-le"),
        bytes(b ^ 0x36 for b in text.encode()),
        bytes(b ^ 0x5C for b in text.encode()),
    ]
    paths = [path for path in folder.rglob("*") if path.is_file()]
    assert paths
    return [path.name for path in paths if any(form in path.read_bytes() for form in forms)]


def test_the_secret_is_in_no_file(monkeypatch):
    monkeypatch.setenv("KIZUNA_CUSTOMER_KEY", SECRET)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        home = Home(folder / "state").create()
        (folder / "o.csv").write_text("id,who,at\n1,k1,2024-01-01\nx\n")
        (folder / "kizuna.yml").write_text(
            "company: {name: x}\nsources:\n  o:\n    files: o.csv\n    format: csv\n    tables:\n"
            "      - table: crm.orders\n        columns: {order_id: id, customer_id: who, ordered_at: at}\n"
        )
        ingest_source(home, load_settings(folder / "kizuna.yml", {}), "o")
        with open_warehouse(home) as connection:
            assert update_customer_keys(connection, SECRET) == 1
        assert files_that_hold(home.root, SECRET) == []
        assert files_that_hold(folder, "k1") != []  # the search does find what is there


def test_another_company_is_refused_before_a_row_of_it_is_read(monkeypatch, tmp_path):
    """Four examples and the demo in one state folder would be one company with everybody's customers."""
    (tmp_path / "o.csv").write_text("id,who,at\n1,k1,2024-01-01\n")
    (tmp_path / "kizuna.yml").write_text(
        "company: {name: x}\nsources:\n  o:\n    files: o.csv\n    format: csv\n    tables:\n"
        "      - table: crm.orders\n        columns: {order_id: id, customer_id: who, ordered_at: at}\n"
    )
    home, company = Home(tmp_path / "state").create(), load_settings(tmp_path / "kizuna.yml", {})
    monkeypatch.setenv("KIZUNA_CUSTOMER_KEY", "ours")
    ingest_source(home, company, "o")
    (tmp_path / "o.csv").write_text("id,who,at\n2,k2,2024-01-02\n")
    monkeypatch.setenv("KIZUNA_CUSTOMER_KEY", "theirs")
    with pytest.raises(CustomerKeySecretChangedError, match="another company"):
        ingest_source(home, company, "o")
    with open_warehouse(home) as opened:
        assert opened.execute("select order_id from raw_crm.orders").fetchall() == [("1",)]


def test_no_reason_holds_personal_data(connection):
    """Reasons go to logs and pages; the original text stays in quarantine.rows."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        home = Home(folder / "state").create()
        (folder / "1.csv").write_text('id,mail,at\n"jo@x.org,1,2\njo@x.org,jo@x.org,jo@x.org\njo@x.org\n')
        (folder / "2.csv").write_text("jo@x.org,jo@x.org,jo@x.org\n")
        (folder / "3.csv").write_text("jo@x.org,jane@x.org,joe@x.org\n")
        (folder / "kizuna.yml").write_text(
            "company: {name: x}\nprivacy: {customer_key: {public: x}}\n"
            "sources:\n  c:\n    files: '*.csv'\n    format: csv\n    tables:\n"
            "      - table: crm.customers\n        columns:\n"
            "          {customer_id: id, email: mail, registered_at: {sql: \"strptime(at, '%Y')\"}}\n"
        )
        found = ingest_source(home, load_settings(folder / "kizuna.yml", {}), "c")
        assert len(found.rejected) == 2
        with open_warehouse(home) as opened:
            reasons = opened.execute(
                "select reason from ingest.files where reason is not null union all select reason from quarantine.rows"
            ).fetchall()
        assert len(reasons) == 5
        assert [reason for (reason,) in reasons if "x.org" in reason] == []
