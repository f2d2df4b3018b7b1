from __future__ import annotations

import datetime as dt
import json

import polars as pl
import pytest

from pipelines.demo import generate, write_next_night


@pytest.fixture
def company(tmp_path):
    return generate(tmp_path / "company", customers=1500, seed=3).folder


def files(folder):
    return {str(f.relative_to(folder)): f.read_bytes() for f in folder.rglob("*") if f.is_file()}


def test_a_night_adds_about_as_many_lines_and_touches_no_old_file(company):
    before = files(company)
    night = write_next_night(company, order_lines=1000)
    assert night.date == dt.date(2026, 10, 1)
    assert night.rows["order_lines"] == pytest.approx(1000, rel=0.1)
    after = files(company)
    assert {name: after[name] for name in before} == before
    added = set(after) - set(before)
    assert {name.split("/")[1] for name in added if not name.startswith("truth")} == {
        "invitations",
        "order_lines",
        "orders",
        "responses",
        "tickets",
    }


def test_everything_happens_on_that_day_and_orders_are_new(company):
    write_next_night(company, order_lines=1000)
    orders = pl.read_csv(company / "crm/orders/2026-10-01.csv", infer_schema=False)
    lines = pl.read_csv(company / "crm/order_lines/2026-10-01.csv", infer_schema=False)
    assert set(orders["OrderDate"].str.slice(0, 10)) == {"2026-10-01"}
    assert set(orders["OrderNo"]) == set(lines["OrderNo"])
    old = pl.read_parquet(company / "truth/orders/orders.parquet")["order_id"]
    assert set(orders["OrderNo"]).isdisjoint(set(old))
    answers = pl.read_parquet(company / "truth/answers/2026-10-01.parquet")
    assert (
        answers["submitted_at"].is_between(pl.datetime(2026, 9, 30, 22), pl.datetime(2026, 10, 1, 22)).all()
    )


def test_older_orders_are_delivered(company):
    write_next_night(company, order_lines=500)
    changed = pl.read_csv(company / "crm/orders/2026-10-01-changed.csv", infer_schema=False)
    assert set(changed["State"]) == {"delivered"}
    assert (changed["OrderDate"] < "2026-10-01").all()
    assert (changed["ChangedAt"] == "2026-10-01 10:00:00").all()


def test_nights_follow_one_another_and_are_the_same_every_time(tmp_path):
    companies = [generate(tmp_path / name, customers=400, seed=3).folder for name in ("one", "other")]
    dates = [[write_next_night(folder, order_lines=300).date for _ in range(2)] for folder in companies]
    assert dates == [[dt.date(2026, 10, 1), dt.date(2026, 10, 2)]] * 2
    assert files(companies[0]) == files(companies[1])
    orders = pl.read_parquet(companies[0] / "truth/orders/*.parquet")
    assert orders["order_id"].is_unique().all()


def test_a_small_company_buys_several_times_a_day(tmp_path):
    folder = generate(tmp_path / "small", customers=60, seed=3).folder
    assert write_next_night(folder, order_lines=400).rows["order_lines"] > 300


def test_the_night_follows_the_company_that_was_generated(tmp_path):
    folder = generate(tmp_path / "company", customers=300, seed=9, end=dt.date(2025, 6, 30), months=12).folder
    assert write_next_night(folder, order_lines=100).date == dt.date(2025, 7, 1)


def test_a_folder_without_a_company_is_refused(tmp_path):
    with pytest.raises(FileNotFoundError):
        write_next_night(tmp_path)


def test_a_company_that_nobody_buys_from_any_more_is_refused(company):
    truth = company / "truth/customers/customers.parquet"
    pl.read_parquet(truth).with_columns(pl.lit(float("inf")).alias("next_at")).write_parquet(truth)
    assert json.loads((company / "truth/planted.json").read_text())["customers"] == 1500
    with pytest.raises(ValueError, match="buys any more"):
        write_next_night(company)
