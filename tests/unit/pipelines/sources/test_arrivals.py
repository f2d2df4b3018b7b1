"""A file is asked for once it is whole, and once only."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pipelines.home import Home
from pipelines.ingest import ingest_source
from pipelines.settings import Settings, load_settings
from pipelines.sources.arrivals import look

CONFIG = """
company: {name: Test}
privacy: {customer_key: {public: test}}
sources:
  customers:
    files: in/customers*.csv
    format: csv
    tables: [{table: crm.customers, columns: {customer_id: id, registered_at: at}}]
  orders:
    files: in/orders*.csv
    format: csv
    required: false
    tables: [{table: crm.orders, columns: {order_id: id, ordered_at: at}}]
"""
ROW = "id,at\n1,2026-01-01\n"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    (tmp_path / "in").mkdir()
    (tmp_path / "kizuna.yml").write_text(CONFIG, encoding="utf-8")
    return load_settings(tmp_path / "kizuna.yml")


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home").create()


class Watch:
    """Looks one after the other, each with the memory of the one before."""

    def __init__(self, settings: Settings, home: Home) -> None:
        self.settings, self.home = settings, home
        self.memory: str | None = None
        self.keys: list[str] = []

    def look(self) -> dict[str, int]:
        found = look(self.settings, self.home, self.memory)
        self.memory = found.memory
        self.keys += [found.key] if found.arrived else []
        return dict(found.arrived)

    def write(self, name: str, text: str = ROW) -> Path:
        path = self.settings.folder / "in" / name
        path.write_text(text, encoding="utf-8")
        return path


@pytest.fixture
def watch(settings: Settings, home: Home) -> Watch:
    return Watch(settings, home)


def test_no_file_at_all_is_no_error(watch: Watch) -> None:
    assert watch.look() == {}


def test_a_file_is_asked_for_once_it_has_stopped_growing_and_never_again(watch: Watch) -> None:
    watch.look()
    path = watch.write("orders-1.csv")
    assert watch.look() == {}
    path.write_text(ROW + "2,2026-01-02\n", encoding="utf-8")  # it was still being written
    assert watch.look() == {}
    assert watch.look() == {"orders": 1}
    assert [watch.look() for _ in range(3)] == [{}, {}, {}]


def test_a_changed_file_is_asked_for_again(watch: Watch) -> None:
    path = watch.write("orders-1.csv")
    assert [watch.look(), watch.look()] == [{}, {"orders": 1}]
    os.utime(path, ns=(1, 1))
    assert [watch.look(), watch.look()] == [{}, {"orders": 1}]


def test_a_file_put_back_as_it_once_was_is_another_request(watch: Watch) -> None:
    path = watch.write("orders-1.csv")
    os.utime(path, ns=(1, 1))
    watch.look(), watch.look()
    path.unlink()
    watch.look()
    os.utime(watch.write("orders-1.csv"), ns=(1, 1))
    assert [watch.look(), watch.look()] == [{}, {"orders": 1}]
    assert len(set(watch.keys)) == 2


def test_many_files_are_one_request(watch: Watch) -> None:
    for number in range(5):
        watch.write(f"orders-{number}.csv")
    watch.write("customers.csv")
    watch.write("readme.txt")
    assert [watch.look(), watch.look()] == [{}, {"customers": 1, "orders": 5}]


def test_what_was_loaded_before_the_first_look_is_known(watch: Watch) -> None:
    watch.write("orders-1.csv")
    watch.write("orders-2.csv", "no,such,column\n1,2,3\n")
    ingest_source(watch.home, watch.settings, "orders")
    assert [watch.look(), watch.look()] == [{}, {"orders": 1}], "the rejected one alone"


def test_the_same_look_twice_has_the_same_key(watch: Watch) -> None:
    """The daemon died after it had started the run and before it noted so: Dagster knows the key."""
    watch.write("orders-1.csv")
    watch.look()
    memory = watch.memory
    watch.look()
    watch.memory = memory
    watch.look()
    assert len(watch.keys) == 2
    assert len(set(watch.keys)) == 1


def test_the_memory_forgets_files_that_are_gone_and_holds_no_names(watch: Watch) -> None:
    paths = [watch.write(f"orders-{n}.csv") for n in range(50)]
    watch.look(), watch.look()
    full = watch.memory or ""
    assert "orders-1" not in full
    for path in paths:
        path.unlink()
    watch.look()
    assert len(watch.memory or "") < len(full) / 5
