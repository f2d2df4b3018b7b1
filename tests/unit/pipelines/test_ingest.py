"""One source, night after night: a file costs itself only, and nothing is lost in silence."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import duckdb
import polars as pl
import pytest

from pipelines import load
from pipelines.home import Home
from pipelines.ingest import SourceResult, files, ingest_source, rebuild, source_turn
from pipelines.landing import LandingZone
from pipelines.settings import Settings, SettingsError, load_settings
from pipelines.warehouse import WarehouseBusyError, open_warehouse

CONFIG = """
company: {name: x}
privacy: {customer_key: {public: x}}
sources:
  orders:
    files: orders/*.csv
    format: csv
    tables:
      - table: crm.orders
        columns: {order_id: id, customer_id: who, ordered_at: at, updated_at: changed}
  lines:
    files: lines/*.csv
    format: csv
    tables:
      - table: crm.order_lines
        columns:
          {order_id: id, line_number: {number_within: [id]}, product_id: sku, quantity: q, unit_price: p}
  web_orders:
    files: web/*.jsonl
    format: jsonl
    required: false
    tables:
      - table: crm.orders
        columns: {order_id: id, customer_id: user.id, ordered_at: at, updated_at: changed}
  tickets:
    files: tickets/*.jsonl
    format: jsonl
    required: false
    tables:
      - table: support.tickets
        columns: {ticket_id: id, opened_at: at}
      - table: support.ticket_assignments
        explode: desks
        columns: {ticket_id: id, sequence_number: desks._position, assigned_at: desks.at}
"""
HEADER = "id,who,at,changed\n"
STATE = {
    "raw_crm.orders": "*",
    "raw_crm.order_lines": "*",
    "raw_support.tickets": "*",
    "raw_support.ticket_assignments": "*",
    "quarantine.rows": "*",
    "ingest.loads": "* exclude (loaded_at)",
    "ingest.columns": "*",
}


@dataclass
class Company:
    """A folder of exports, its settings and its state."""

    folder: Path
    home: Home

    def write(self, name: str, text: str | bytes) -> Path:
        path = self.folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    def settings(self, change: Callable[[str], str] = str) -> Settings:
        return load_settings(self.write("kizuna.yml", change(CONFIG)), {})

    def night(self, source: str = "orders", change: Callable[[str], str] = str) -> SourceResult:
        result = ingest_source(self.home, self.settings(change), source)
        self.assert_accounted_for()
        return result

    def query(self, sql: str) -> list[tuple]:
        with open_warehouse(self.home, read_only=True) as connection:
            return connection.execute(sql).fetchall()

    def state(self) -> dict[str, list[tuple]]:
        with open_warehouse(self.home, read_only=True) as connection:
            return {
                table: connection.execute(f"select {columns} from {table} order by all").fetchall()
                for table, columns in STATE.items()
            }

    def files(self) -> dict[str, tuple[str, str | None]]:
        return {f: (s, r) for f, s, r in self.query("select file, status, reason from ingest.files")}

    def assert_accounted_for(self) -> None:
        tables = [table.removeprefix("raw_") for table in STATE if table.startswith("raw_")]
        held = " union all ".join(f"select _source, '{t}', count(*) from raw_{t} group by 1" for t in tables)
        counted = """select source, table_name, (sum(rows_loaded) - sum(rows_superseded))::bigint as rows
            from ingest.loads group by 1, 2 having rows <> 0"""
        unbalanced = "from ingest.loads where rows_read <> rows_loaded + rows_quarantined + rows_duplicate"
        assert self.query(f"(({held}) except ({counted})) union all (({counted}) except ({held}))") == []
        assert self.query(
            f"""select (select count(*) from ({unbalanced})),
            (select coalesce(sum(rows_quarantined), 0) from ingest.loads) - (select count(*) from quarantine.rows)"""
        ) == [(0, 0)]


@pytest.fixture
def company(tmp_path):
    company = Company(tmp_path / "exports", Home(tmp_path / "state").create())
    company.folder.mkdir()
    company.write("orders/1.csv", HEADER + "a,k1,2024-01-01,2024-01-01\nb,k2,2024-01-02,2024-01-02\n")
    company.write("lines/1.csv", "id,sku,q,p\na,x,1,2.5\na,y,-1,3\na,x,1,2.5\nb,x,bad,1\n")
    return company


def outcomes(result: SourceResult) -> dict[str, str]:
    return {outcome.file: outcome.status for outcome in result.outcomes}


def test_a_second_run_changes_nothing(company):
    assert company.night().total("rows_loaded") == 2
    company.night("lines")
    before = company.state()
    for source in ("orders", "lines"):
        again = company.night(source)
        assert (again.files_found, again.files_unchanged, again.tables) == (1, 1, [])
    assert company.state() == before


def test_a_new_file_costs_only_itself(company, monkeypatch):
    company.night()
    company.write("orders/2.csv", HEADER + "c,k3,2024-01-03,2024-01-03\n")
    hashed = []
    true_hash = files.content_hash
    monkeypatch.setattr(files, "content_hash", lambda path: hashed.append(path.name) or true_hash(path))
    found = company.night()
    assert outcomes(found) == {"orders/2.csv": "loaded"}
    assert hashed == ["2.csv"]
    assert found.total("rows_read") == 1


def test_measures_of_lines_are_reconciled(company):
    company.night("lines")
    assert company.query(
        """select rows_read, rows_loaded, rows_quarantined, rows_duplicate, quantity_read, quantity_loaded,
        quantity_duplicate, amount_read, amount_loaded, amount_duplicate from ingest.loads"""
    ) == [(4, 2, 1, 1, 1, 0, 1, 2, -0.5, 2.5)]
    assert company.query("select file, line, table_name, reason, original_text from quarantine.rows") == [
        ("lines/1.csv", 5, "crm.order_lines", "quantity is no decimal", "b,x,bad,1")
    ]


def test_an_order_spread_over_two_files_is_noticed_where_line_numbers_are_made_up(company):
    """Both files number their lines from 1: the second file's row takes the place of the first one's."""
    company.write("lines/1.csv", "id,sku,q,p\n1,a,1,5\n2,b,1,5\n")
    assert company.night("lines").replaced_by_made_up_keys == {}
    company.write("lines/2.csv", "id,sku,q,p\n1,c,1,7\n")
    assert company.night("lines").replaced_by_made_up_keys == {"crm.order_lines": 1}


def test_a_file_under_another_name_is_not_read_again(company):
    company.night()
    path = company.folder / "orders" / "1.csv"
    path.rename(path.with_name("renamed.csv"))
    assert outcomes(company.night()) == {"orders/renamed.csv": "same_content"}
    assert company.night().outcomes == []
    assert company.query("select count(*) from raw_crm.orders") == [(2,)]


def test_a_later_export_that_says_the_same_as_an_early_one_takes_back_what_came_between(company):
    def rows(price: str) -> str:
        return f"id,sku,q,p\na,x,1,{price}\n"

    for day, price in enumerate(["1", "2", "1"], 1):
        path = company.write(f"lines/{day}.csv", rows(price))
        os.utime(path, (day, day))
    assert [outcome.status for outcome in company.night("lines").outcomes] == ["loaded"] * 3
    assert company.query("select unit_price, _file from raw_crm.order_lines") == [(1, "lines/3.csv")]


def test_a_touched_file_is_hashed_once_and_not_read(company, monkeypatch):
    company.night()
    os.utime(company.folder / "orders" / "1.csv", (1, 1))
    assert company.night().files_unchanged == 1
    monkeypatch.setattr(files, "content_hash", lambda _: pytest.fail("hashed again"))
    assert company.night().files_unchanged == 1


def test_a_changed_file_is_read_again_and_replaces_what_it_said(company):
    company.night()
    company.write("orders/1.csv", HEADER + "a,k1,2024-01-01,2024-01-01\nb,k9,2024-01-02,2024-02-02\n")
    found = company.night()
    assert [(t.rows_loaded, t.rows_superseded, t.rows_duplicate) for t in found.tables] == [(1, 1, 1)]
    assert company.query("select customer_id, _load_id from raw_crm.orders order by order_id") == [
        ("k1", 1),
        ("k9", 2),
    ]


def test_an_older_version_that_comes_late_never_wins(company):
    company.night()
    company.write("orders/2.csv", HEADER + "b,old,2024-01-02,2024-01-01\n")
    company.night()
    assert company.query("select customer_id from raw_crm.orders where order_id = 'b'") == [("k2",)]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b"", "empty"),
        (b"id,at,changed\na,2024-01-01,\n", "needs the column 'who'"),
        (HEADER.encode() + "a,Jürgen,2024-01-01,\n".encode("latin-1"), "not utf-8: line 2, byte 22 reads fc"),
        (b"id;who;at;changed\na;b;c;d\n", "Are delimiter and encoding right"),
        (b"jo@x.org,jo@x.org,1,2\n", "names of their own"),
    ],
)
def test_a_file_that_cannot_be_read_stops_no_other_and_is_tried_again(company, text, reason):
    company.write("orders/0.csv", text)
    found = company.night()
    assert outcomes(found) == {"orders/0.csv": "rejected", "orders/1.csv": "loaded"}
    [status, said] = company.files()["orders/0.csv"]
    assert reason in said
    assert "jo@" not in said
    assert company.query("select count(*) from raw_crm.orders") == [(2,)]
    assert outcomes(company.night()) == {"orders/0.csv": "rejected"}
    company.write("orders/0.csv", HEADER + "z,k1,2024-01-01,2024-01-01\n")
    assert outcomes(company.night()) == {"orders/0.csv": "loaded"}
    assert status == "rejected"


def test_a_rejected_file_is_read_when_the_settings_are_mended(company):
    company.write("orders/1.csv", (HEADER + "a,Jürgen,2024-01-01,\n").encode("latin-1"))
    assert company.night().rejected
    found = company.night(
        change=lambda text: text.replace("format: csv", "format: csv\n    encoding: latin-1", 1)
    )
    assert outcomes(found) == {"orders/1.csv": "loaded"}
    assert company.query("select customer_id from raw_crm.orders") == [("Jürgen",)]
    assert company.files() == {"orders/1.csv": ("loaded", None)}


def test_a_file_with_a_header_alone_is_loaded_and_said_to_be_empty(company):
    company.write("orders/1.csv", HEADER)
    found = company.night()
    assert [outcome.reason for outcome in found.doubtful] == ["the file holds no records"]
    assert company.night().files_unchanged == 1


def test_two_sources_feed_one_table(company):
    company.write(
        "web/1.jsonl", '{"id":"b","user":{"id":"w"},"at":"2024-01-02","changed":"2024-03-01"}\n{"id":"c"}\n'
    )
    company.night()
    company.night("web_orders")
    assert company.query("select order_id, customer_id, _source from raw_crm.orders order by 1") == [
        ("a", "k1", "orders"),
        ("b", "w", "web_orders"),
    ]
    assert company.query("select reason from quarantine.rows") == [("ordered_at is empty",)]


def test_a_broken_record_of_two_tables_is_quarantined_once(company):
    company.write(
        "tickets/1.jsonl",
        '{"id":1,"at":"2024-01-01","desks":[{"at":"2024-01-01"},{"at":"?"}]}\nno json\n'
        '{"id":2,"at":"2024-01-01","desks":"?"}\n',
    )
    company.night("tickets")
    assert company.query("select table_name, line, reason from quarantine.rows order by 1, 2") == [
        ("support.ticket_assignments", 1, "assigned_at is no timestamp"),
        ("support.ticket_assignments", 3, "desks is no list"),
        ("support.tickets", 2, "the line is no JSON object"),
    ]
    assert company.query("select ticket_id from raw_support.tickets order by 1") == [("1",), ("2",)]


def test_names_with_blanks_wildcards_and_other_alphabets(company):
    for number, name in enumerate(["注文 一.csv", "x[1]*.csv", "it's.csv"]):
        company.write(f"orders/{name}", HEADER + f"n{number},k,2024-01-01,2024-01-01\n")
    assert set(outcomes(company.night()).values()) == {"loaded"}
    assert company.query("select count(distinct _file) from raw_crm.orders") == [(4,)]


def test_a_file_that_vanishes_or_may_not_be_read_stops_no_other(company, monkeypatch):
    company.write("orders/0.csv", HEADER)
    true_open = Path.open

    def refuse(self, *arguments, **keys):
        if self.name == "0.csv":
            raise PermissionError(13, "Permission denied", str(self))
        return true_open(self, *arguments, **keys)

    monkeypatch.setattr(Path, "open", refuse)
    assert outcomes(company.night()) == {"orders/0.csv": "rejected", "orders/1.csv": "loaded"}
    assert "cannot be opened" in company.files()["orders/0.csv"][1]
    monkeypatch.undo()
    assert outcomes(company.night()) == {"orders/0.csv": "loaded"}


def test_a_file_that_grows_while_it_is_read_is_left_for_the_next_run(company, monkeypatch):
    true_read = files.read_file

    def read(file, source):
        yield from true_read(file, source)
        with file.path.open("a") as handle:
            handle.write("c,k3,2024-01-03,2024-01-03\n")

    monkeypatch.setattr(files, "read_file", read)
    assert outcomes(company.night()) == {"orders/1.csv": "rejected"}
    monkeypatch.undo()
    company.night()
    assert company.query("select count(*) from raw_crm.orders") == [(3,)]


def test_large_sources_are_loaded_in_several_loads_with_the_same_rows(company, monkeypatch):
    for number in range(5):
        company.write(f"orders/x{number}.csv", HEADER + f"a,k{number},2024-01-01,2024-01-0{number + 1}\n")
    monkeypatch.setattr(files, "LOAD_BYTES", 60)
    company.night()
    assert company.query("select count(distinct load_id) > 2 from ingest.loads") == [(True,)]
    assert company.query("select customer_id from raw_crm.orders where order_id = 'a'") == [("k4",)]


def fill(company: Company) -> None:
    company.write("orders/0.csv", b"")
    company.write("tickets/1.jsonl", '{"id":1,"at":"2024-01-01","desks":[{"at":"2024-01-01"}]}\nno json\n')
    for source in ("orders", "lines", "tickets"):
        company.night(source)
    company.write("orders/1.csv", HEADER + "a,k1,2024-01-01,2024-01-01\nb,k9,2024-01-02,2024-02-02\n")
    company.night()


def test_the_warehouse_is_rebuilt_from_the_landing_zone(company):
    fill(company)
    before = company.state()
    company.home.warehouse.write_bytes(b"damaged")
    (company.folder / "orders" / "1.csv").unlink()  # the exports are not needed
    assert rebuild(company.home) == 4
    assert company.state() == before


def test_a_rebuild_starts_anew_also_over_a_warehouse_that_opens(company):
    fill(company)
    before = company.state()
    with open_warehouse(company.home) as connection:
        connection.execute("delete from raw_crm.orders")
    rebuild(company.home)
    assert company.state() == before


def test_a_rebuild_leaves_a_busy_warehouse_alone(company, monkeypatch):
    fill(company)

    def busy(*_, **__):
        raise duckdb.IOException("Could not set lock on file")

    monkeypatch.setattr(duckdb, "connect", busy)
    with pytest.raises(WarehouseBusyError):
        rebuild(company.home)
    assert company.home.warehouse.stat().st_size > 0


def test_a_lost_warehouse_does_not_cost_the_landing_zone(company):
    """The next night builds it again from what was landed, and goes on."""
    fill(company)
    before = company.state()
    company.home.warehouse.unlink()
    assert outcomes(company.night()) == {"orders/0.csv": "rejected"}
    assert company.state() == before


def test_what_was_landed_whole_is_loaded_by_the_next_run(company, monkeypatch):
    monkeypatch.setattr(source_turn, "load", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        company.night()
    monkeypatch.undo()
    assert company.query("select count(*) from raw_crm.orders") == [(0,)]
    assert company.night().files_unchanged == 1
    assert company.query("select count(*) from raw_crm.orders") == [(2,)]


def test_parts_without_a_manifest_are_discarded(company, monkeypatch):
    monkeypatch.setattr(LandingZone, "write_manifest", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        company.night()
    monkeypatch.undo()
    [orphan] = company.home.landing.rglob("*.parquet")
    orphan.with_name("000009-007.parquet").write_bytes(b"left over")
    company.night()
    assert [path.name for path in company.home.landing.rglob("*.parquet")] == ["000001-000.parquet"]
    assert company.query("select count(*) from raw_crm.orders") == [(2,)]


def test_an_interrupted_transaction_is_as_if_it_had_never_begun(company, monkeypatch):
    company.night()
    before = company.state()
    company.write("orders/2.csv", HEADER + "c,k3,2024-01-03,2024-01-03\nx\n")
    monkeypatch.setattr(load, "_remember_cursors", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        company.night()
    assert company.state() == before
    monkeypatch.undo()
    company.night()
    assert company.query("select count(*) from raw_crm.orders") == [(3,)]
    assert company.query("select count(*) from quarantine.rows") == [(1,)]


def test_no_file_where_one_is_required(company):
    with pytest.raises(SettingsError, match="no file matches"):
        company.night(change=lambda text: text.replace("orders/*.csv", "order/*.csv"))


def test_progress_is_told_by_file(company):
    told = []
    ingest_source(company.home, company.settings(), "orders", lambda *step: told.append(step))
    size = (company.folder / "orders" / "1.csv").stat().st_size
    assert told == [(0, size, "orders/1.csv"), (size, size, "")]


def test_parquet_files(company):
    frame = pl.DataFrame({"id": ["p"], "who": [None], "at": ["2024-01-01"], "changed": ["2024-01-01"]})
    (company.folder / "orders" / "1.csv").unlink()
    frame.write_parquet(company.folder / "orders" / "x.parquet")
    company.night(
        change=lambda t: t.replace("orders/*.csv", "orders/*.parquet").replace(
            "format: csv", "format: parquet", 1
        )
    )
    assert company.query("select order_id, customer_id from raw_crm.orders") == [("p", None)]
