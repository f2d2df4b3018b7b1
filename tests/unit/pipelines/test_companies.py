"""The demo, an example and a company of one's own, one after the other in one state folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipelines.companies import make_room
from pipelines.home import Home
from pipelines.ingest import ingest_source
from pipelines.landing import LandingZone
from pipelines.privacy import CustomerKeySecretChangedError
from pipelines.settings import Settings, load_settings
from pipelines.warehouse import open_warehouse

CONFIG = """
company: {name: x}
privacy: {customer_key: {%s}}
sources:
  orders:
    files: orders.csv
    format: csv
    tables:
      - table: crm.orders
        columns: {order_id: id, ordered_at: at}
"""


@pytest.fixture(autouse=True)
def _secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEY_OF_THE_SHOP", "long and random")


def company(folder: Path, key: str, order: str) -> Settings:
    folder.mkdir()
    (folder / "kizuna.yml").write_text(CONFIG % key, encoding="utf-8")
    (folder / "orders.csv").write_text(f"id,at\n{order},2026-01-01\n", encoding="utf-8")
    return load_settings(folder / "kizuna.yml")


def night(home: Home, settings: Settings) -> tuple[str | None, list[str]]:
    said = make_room(home, settings)
    ingest_source(home, settings, "orders")
    with open_warehouse(home, read_only=True) as connection:
        return said, [row[0] for row in connection.execute("select order_id from raw_crm.orders").fetchall()]


def test_public_companies_take_turns_and_nothing_mixes_or_is_lost(tmp_path: Path) -> None:
    home = Home(tmp_path / "home").create()
    demo = company(tmp_path / "demo", "public: demo", "of the demo")
    example = company(tmp_path / "example", "public: example", "of the example")
    assert night(home, demo) == (None, ["of the demo"])
    said, orders = night(home, example)
    assert "set aside" in said
    assert orders == ["of the example"]
    assert night(home, demo)[1] == ["of the demo"]
    assert LandingZone(home.landing).manifests() == [1], (
        "what was loaded before is known again, not read again"
    )
    assert night(home, demo)[0] is None


def test_a_company_with_a_secret_takes_the_demos_place_and_is_never_moved(tmp_path: Path) -> None:
    home = Home(tmp_path / "home").create()
    demo = company(tmp_path / "demo", "public: demo", "of the demo")
    shop = company(tmp_path / "shop", "env: KEY_OF_THE_SHOP", "of the shop")
    night(home, demo)
    assert night(home, shop)[1] == ["of the shop"]
    with pytest.raises(CustomerKeySecretChangedError):
        make_room(home, demo)
    assert night(home, shop)[1] == ["of the shop"]


def test_a_mistyped_secret_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = Home(tmp_path / "home").create()
    shop = company(tmp_path / "shop", "env: KEY_OF_THE_SHOP", "of the shop")
    night(home, shop)
    monkeypatch.setenv("KEY_OF_THE_SHOP", "long and randon")
    with pytest.raises(CustomerKeySecretChangedError):
        make_room(home, shop)


@pytest.mark.parametrize("dies_at", range(5))
def test_killed_between_two_moves_it_goes_on_where_it_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, dies_at: int
) -> None:
    home = Home(tmp_path / "home").create()
    demo = company(tmp_path / "demo", "public: demo", "of the demo")
    example = company(tmp_path / "example", "public: example", "of the example")
    night(home, demo)
    night(home, example)
    moves, rename = [], Path.rename

    def dying(path: Path, target: Path) -> Path:
        moves.append(path)
        if len(moves) > dies_at:
            raise KeyboardInterrupt
        return rename(path, target)

    with monkeypatch.context() as patched:
        patched.setattr(Path, "rename", dying)
        if dies_at < 4:
            with pytest.raises(KeyboardInterrupt):
                make_room(home, demo)
        else:
            make_room(home, demo)
    assert night(home.create(), demo)[1] == ["of the demo"]
    assert night(home, example)[1] == ["of the example"]
