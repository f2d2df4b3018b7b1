"""Killed at any moment and run again, an ingestion leaves what one undisturbed run leaves."""

from __future__ import annotations

import random
import shutil
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from fixtures.zendesk_service import TOKEN, USER, ZendeskService, event, requester, running, ticket
from night_process import Night, NightProcess, Order

from pipelines import contracts
from pipelines.home import Home
from pipelines.warehouse import open_warehouse

STEPS_AT_LEAST = 15  # parts and manifests of a few loads

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
        columns: {order_id: id, line_number: {number_within: [id]}, product_id: sku, quantity: q, unit_price: p}
  tickets:
    files: tickets/*.jsonl
    format: jsonl
    tables:
      - table: support.tickets
        columns: {ticket_id: id, opened_at: at}
      - table: support.ticket_assignments
        explode: desks
        columns: {ticket_id: id, sequence_number: desks._position, assigned_at: desks.at}
  customers:
    files: customers/*.csv
    format: csv
    snapshot: true
    tables:
      - table: crm.customers
        columns: {customer_id: id, email: mail, registered_at: since}
  crm:
    database: sqlite
    path: crm.sqlite
    tables:
      - table: crm.products
        from: products
        columns: {product_id: id, name: name}
      - table: crm.returns
        from: returns
        watermark: {column: changed, overlap: 1d}
        columns: {return_id: id, order_id: order_id, returned_at: changed}
  service:
    api: zendesk
    address: ADDRESS
    user: {env: ZENDESK_USER}
    token: {env: ZENDESK_TOKEN}
    requests_per_minute: 100000
    tables:
      - table: support.tickets
        columns: {ticket_id: id, email: requester.email, opened_at: created_at, updated_at: updated_at}
      - table: support.ticket_events
        explode: events
        where: "\\"events.field_name\\" = 'group_id'"
        columns: {ticket_id: ticket_id, event_id: events.id, occurred_at: created_at, kind: {constant: assigned}}
"""


@dataclass
class Exports:
    """A company's sources, and the process that runs its nights."""

    folder: Path
    process: NightProcess

    def night(self, home: Home, *sources: str, **how: float) -> Night:
        """One night with small loads, so that each source has several."""
        order = Order(self.folder / "kizuna.yml", home.root, sources, load_bytes=15_000, load_pages=2, **how)
        night = self.process.run(order)
        assert night.traceback == ""
        assert night.errors == {}
        assert night.was_killed or night.exit == 0
        return night


@pytest.fixture(scope="module")
def exports(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Exports]:
    folder = tmp_path_factory.mktemp("exports")
    write_files(folder)
    write_snapshot(folder, 1, range(300))
    change_database(
        folder, "create table products (id, name)", "create table returns (id, order_id, changed)"
    )
    grow_database(folder, 0)
    with running(ZendeskService()) as service:
        fill(service)
        (folder / "kizuna.yml").write_text(CONFIG.replace("ADDRESS", service.address), encoding="utf-8")
        process = NightProcess(ZENDESK_USER=USER, ZENDESK_TOKEN=TOKEN)
        yield Exports(folder, process)
        process.end()


def write_files(folder: Path) -> None:
    """Files with changed rows, repeated records, broken ones, and one file without anything."""
    for name in ("orders", "lines", "tickets", "customers"):
        (folder / name).mkdir()
    for n in range(3):
        orders = [f"{n * 100 + i % 250},k{i},2024-01-01,2024-01-{1 + (n * i) % 28:02d}" for i in range(300)]
        lines = [f"{n * 100 + i // 3},p{i % 7},{i % 5},1.25" for i in range(300)]
        tickets = [
            f'{{"id":{n}{i},"at":"2024-01-01","desks":[{{"at":"2024-01-0{1 + i % 9}"}}]}}' for i in range(99)
        ]
        texts = {
            f"orders/{n}.csv": ["id,who,at,changed", *orders, "broken"],
            f"lines/{n}.csv": ["id,sku,q,p", *lines, f"{n},p,many,1"],
            f"tickets/{n}.jsonl": [*tickets, "no json", '{"id":9,"at":"2024-01-01","desks":7}'],
        }
        for name, text in texts.items():
            (folder / name).write_text("\n".join(text), encoding="utf-8")
    (folder / "orders" / "empty.csv").write_text("", encoding="utf-8")


def write_snapshot(folder: Path, number: int, customers: range) -> None:
    rows = [f"{n},{n}-{number % (1 + n % 2)}@example.org,2024-01-01" for n in customers]
    text = "\n".join(["id,mail,since", *rows])
    (folder / "customers" / f"{number}.csv").write_text(text, encoding="utf-8")


def change_database(folder: Path, *statements: str) -> None:
    with sqlite3.connect(folder / "crm.sqlite") as connection:
        for statement in statements:
            connection.execute(statement)
    connection.close()


def grow_database(folder: Path, day: int) -> None:
    """A day's changes: of products some are gone and others new, of returns some have changed."""
    numbers = "with recursive numbers(n) as (select 0 union all select n + 1 from numbers where n < 400)"
    change_database(
        folder,
        f"delete from products where id < {day * 20}",
        f"insert into products {numbers} select n, 'p' || n from numbers where n % 2 = {day}",
        "delete from returns where id % 3 = 0",
        f"insert into returns {numbers} select n, 'o{day}', '2024-01-0{1 + day} 10:00:00' from numbers "
        f"where n % 3 in (0, {day})",
    )


def fill(service: ZendeskService) -> None:
    """Seven pages of tickets, one of them a second time, and pages of events."""
    service.groups = [{"id": 7, "name": "Billing"}, {"id": 8, "name": "Returns"}]
    service.users = [requester(number) for number in range(1, 6)]
    pages = [[ticket(1), ticket(2)], [ticket(3)], [ticket(2, updated=9, status="open"), ticket(4)]]
    service.ticket_pages = [*pages, pages[2], [ticket(1, updated=5)], [ticket(5), ticket(5)], [ticket(6)]]
    service.events = [
        event(n, 1 + n % 6, n * 40, {"event_type": "Change", "group_id": 7 + n % 2, "previous_value": 7})
        for n in range(13)
    ]
    service.events_per_page = 3


def state(home: Home, *, reads_again: bool) -> dict[str, list[tuple]]:
    """Everything that ingestion wrote, but for the times of day.

    Args:
        reads_again: whether a night reads some rows of the last one again (within a watermark's overlap, or
            a table as a whole), so that how many were read and when depends on how often it was run.
    """
    columns = {contract.raw_name: "*" for contract in contracts.ALL} | {
        "quarantine.rows": "*",
        "ingest.cursors": "source, stream, value" if reads_again else "*",
        "ingest.loads": "source, table_name, sum(rows_loaded - rows_superseded)"
        if reads_again
        else "* exclude (loaded_at)",
        "ingest.files": "* exclude (load_id)",  # a rejected file is noted with whichever load it was met in
    }
    grouped = {"ingest.loads": "group by all"} if reads_again else {}
    with open_warehouse(home, read_only=True) as connection:
        return {
            table: connection.execute(
                f"select {listed} from {table} {grouped.get(table, '')} order by all"
            ).fetchall()
            for table, listed in columns.items()
        }


def killed_and_run_again(
    exports: Exports,
    folder: Path,
    sources: tuple[str, ...],
    kills: int,
    before: Home | None = None,
    **compare: bool,
) -> dict[str, list[tuple]]:
    """Kill a night at moments spread over its whole length, each time from the same state, and run it again.

    Returns:
        The state that one undisturbed night and every killed one left.
    """

    def fresh(name: str) -> Home:
        if before is not None:
            shutil.copytree(before.root, folder / name)
        return Home(folder / name)

    exports.night(fresh("first"), *sources)  # the first is slower
    undisturbed = fresh("undisturbed")
    seconds = exports.night(undisturbed, *sources).seconds
    expected = state(undisturbed, **compare)
    moments, killed = random.Random(20240229), 0
    for n in range(kills):
        home = fresh(str(n))
        moment = seconds * (n + moments.random()) / kills
        killed += exports.night(home, *sources, kill_after_seconds=max(moment, 0.005)).was_killed
        exports.night(home, *sources)
        assert state(home, **compare) == expected, f"killed after {moment:.3f} of {seconds:.3f} seconds"
    assert killed >= kills // 4  # on a busy machine one night takes longer than another
    return expected


def test_files(exports, tmp_path):
    found = killed_and_run_again(exports, tmp_path, ("orders", "lines"), 12, reads_again=False)
    assert len(found["ingest.loads"]) > 2
    assert found["quarantine.rows"]


def test_a_snapshot_with_deletions(exports, tmp_path):
    before = Home(tmp_path / "before")
    exports.night(before, "customers")
    write_snapshot(exports.folder, 2, range(20, 310))
    found = killed_and_run_again(exports, tmp_path, ("customers",), 5, before, reads_again=False)
    assert {int(row[0]) for row in found["raw_crm.customers"]} == set(range(20, 310))


def test_a_database(exports, tmp_path):
    before = Home(tmp_path / "before")
    exports.night(before, "crm")
    known = {row[0] for row in state(before, reads_again=True)["raw_crm.products"]}
    grow_database(exports.folder, 1)
    found = killed_and_run_again(exports, tmp_path, ("crm",), 6, before, reads_again=True)
    products = {row[0] for row in found["raw_crm.products"]}
    assert known - products == {str(n) for n in range(0, 20, 2)}
    assert products - known
    assert {row[1] for row in found["raw_crm.returns"]} == {"o1"}
    assert found["ingest.cursors"]


def test_a_service(exports, tmp_path):
    found = killed_and_run_again(exports, tmp_path, ("service",), 6, reads_again=True)
    assert len(found["raw_support.tickets"]) == 6
    assert len(found["raw_support.ticket_events"]) == 13


def test_before_any_step_on_the_landing_zone(exports, tmp_path):
    """The moments around a manifest take microseconds: random kills would hardly ever meet them."""
    undisturbed = Home(tmp_path / "undisturbed")
    exports.night(undisturbed, "tickets")
    expected = state(undisturbed, reads_again=False)
    step, killed = 0, True
    while killed:
        step += 1
        home = Home(tmp_path / str(step))
        killed = exports.night(home, "tickets", kill_at_step=step).was_killed
        if killed:
            exports.night(home, "tickets")
        assert state(home, reads_again=False) == expected
    assert step > STEPS_AT_LEAST
