"""What is planted can be found again in the truth, and in what the systems wrote down."""

from __future__ import annotations

import datetime as dt

import numpy as np
import polars as pl
import pytest

from pipelines.demo.calendar import Calendar
from pipelines.demo.plan import EFFECTS, GOOD_CAMPAIGNS, REGRET_CAMPAIGNS, Plan

SINKING = EFFECTS.sinking_department


@pytest.fixture(scope="module")
def orders(large_company):
    return large_company.truth("orders").with_columns(pl.col("ordered_at").dt.date().alias("day"))


@pytest.fixture(scope="module")
def answers(large_company):
    responses = large_company.csv("survey/responses/*.csv", header_rows=3)
    scores = responses.select("ResponseId", "TicketID", pl.col("^Q_(NPS|CSAT|CES)$").cast(pl.Int64))
    return large_company.truth("answers").join(scores, left_on="response_id", right_on="ResponseId")


def nps(column="Q_NPS"):
    return 100 * ((pl.col(column) >= 9).mean() - (pl.col(column) <= 6).mean())


def share_of_half_year(orders, department, first_day):
    half = orders.filter(
        pl.col("day").is_between(first_day, first_day + dt.timedelta(days=181)) & ~pl.col("is_cancelled")
    )
    amount = half.group_by("department").agg(pl.col("net_amount").sum())
    return amount.filter(department=department)["net_amount"].item() / amount["net_amount"].sum()


def test_silent_customers_per_complaint(orders):
    problems = orders.filter(pl.col("problem") != "none")
    complaint_rate = problems["complained"].mean()
    error = np.sqrt(EFFECTS.complaint_rate / len(problems))
    assert abs(complaint_rate - EFFECTS.complaint_rate) < 4 * error
    assert (problems["complained"] != problems["is_silent"]).all()


def test_loyalty_sinks_first_and_revenue_months_later_while_csat_stays(orders, answers):
    sinking = answers.filter((pl.col("department") == SINKING) & (pl.col("touchpoint") == "purchase"))
    before = sinking.filter(pl.col("submitted_at") < pl.datetime(2025, 6, 1))
    soon = sinking.filter(
        pl.col("submitted_at").is_between(pl.datetime(2025, 8, 1), pl.datetime(2025, 11, 1))
    )
    late = sinking.filter(pl.col("submitted_at") > pl.datetime(2026, 4, 1))
    assert soon.select(nps()).item() < before.select(nps()).item() - 12
    assert late.select(nps()).item() < before.select(nps()).item() - 35
    top_two = pl.col("Q_CSAT") >= 4
    assert abs(late.select(top_two.mean()).item() - before.select(top_two.mean()).item()) < 0.05
    shares = [
        share_of_half_year(orders, SINKING, day)
        for day in (dt.date(2024, 11, 1), dt.date(2025, 5, 1), dt.date(2025, 11, 1), dt.date(2026, 4, 1))
    ]
    assert shares[1] > 0.93 * shares[0]  # while NPS sinks already
    assert shares[3] < 0.85 * shares[0]


def test_the_middle_answering_locale_is_as_loyal_but_scores_lower(answers):
    by_locale = answers.group_by("locale").agg(
        nps().alias("raw"), nps("nps_uncompressed").alias("free"), pl.col("attitude").mean()
    )
    middle = by_locale.filter(locale=EFFECTS.middle_locale)
    others = by_locale.filter(pl.col("locale") != EFFECTS.middle_locale)
    assert abs(middle["attitude"].item() - others["attitude"].mean()) < 0.05
    assert abs(middle["free"].item() - others["free"].mean()) < 5
    assert middle["raw"].item() < others["raw"].min() - 30


def test_the_dissatisfied_answer_less(large_company, answers):
    everybody = large_company.truth("orders")["attitude_after"].mean()
    assert answers.filter(touchpoint="purchase")["attitude"].mean() > everybody + 0.05


def test_each_hand_off_costs_loyalty(large_company, answers):
    tickets = large_company.truth("tickets").filter(~pl.col("is_complaint")).select("ticket_id", "hand_offs")
    joined = answers.join(tickets, left_on="TicketID", right_on="ticket_id")
    by_number = (
        joined.group_by("hand_offs")
        .agg(nps().alias("nps"), pl.col("Q_CES").mean(), pl.len())
        .sort("hand_offs")
    )
    enough = by_number.filter(pl.col("len") >= 100)
    assert len(enough) >= 3
    assert (enough["nps"].diff().drop_nulls() < -5).all()
    assert (enough["Q_CES"].diff().drop_nulls() < -0.3).all()


def test_a_resolved_complaint_keeps_more_customers_than_silence_and_silence_more_than_failure(orders):
    problems = orders.filter(pl.col("problem") != "none")
    resolved = problems.filter(pl.col("complained") & pl.col("is_resolved"))["is_last"].mean()
    unresolved = problems.filter(pl.col("complained") & ~pl.col("is_resolved"))["is_last"].mean()
    silent = problems.filter("is_silent")["is_last"].mean()
    assert resolved < silent < unresolved


def test_regret_campaigns_bring_orders_that_come_back(orders):
    by_campaign = orders.group_by("campaign_id").agg(
        pl.col("regrets").mean(), pl.col("is_last").mean(), pl.len()
    )
    regretted = by_campaign.filter(pl.col("campaign_id").is_in(REGRET_CAMPAIGNS))
    others = by_campaign.filter(~pl.col("campaign_id").is_in(REGRET_CAMPAIGNS))
    assert regretted["regrets"].min() > 0.25
    assert others["regrets"].max() == 0
    assert regretted["is_last"].min() > others["is_last"].max()


def test_a_good_campaign_leaves_customers_happier_than_they_were(orders):
    change = pl.col("attitude_after") - pl.col("attitude_before")
    good = orders.filter(pl.col("campaign_id").is_in(GOOD_CAMPAIGNS)).select(change.mean()).item()
    usual = orders.filter(pl.col("campaign_id").is_null()).select(change.mean()).item()
    assert good > usual + 0.1


def test_the_pilot_is_randomised_and_works(large_company, orders):
    pilot = large_company.truth("customers").filter(pl.col("pilot") != 0)
    treated, control = pilot.filter(pilot=1), pilot.filter(pilot=-1)
    assert abs(treated["affinity"].mean() - control["affinity"].mean()) < 0.06
    scope = pl.read_csv(large_company.folder / "org/initiatives.csv").filter(InitiativeNo="INI-04")["Scope"]
    named = scope.str.json_decode(
        pl.Struct({"customers": pl.List(pl.String), "control_customers": pl.List(pl.String)})
    ).struct.unnest()
    assert set(named["customers"][0]) == set(treated["customer_id"])
    assert set(named["control_customers"][0]) == set(control["customer_id"])
    since = orders.filter(pl.col("day") >= dt.date(2025, 10, 1))
    process = (
        since.join(pilot.select("customer_id", "pilot"), on="customer_id")
        .group_by("pilot")
        .agg(pl.col("process").mean())
    )
    effect = process.filter(pilot=1)["process"].item() - process.filter(pilot=-1)["process"].item()
    assert 0.7 < effect < 1.2


def test_one_initiative_works_in_two_departments_and_another_does_nothing():
    """Months 6-8, 9-11 and 12-14 are quarters: inside one of them only an initiative changes anything."""
    quality = Plan(1, Calendar(dt.date(2026, 9, 30), 24)).process_quality
    phone_sales, web_shop, stores_north = quality[4], quality[0], quality[2]
    assert phone_sales[8] - phone_sales[7] == pytest.approx(0.6)
    assert web_shop[14] - web_shop[13] == pytest.approx(0.6)
    assert stores_north[10] - stores_north[9] == pytest.approx(0)


def test_colleagues_are_a_quarter_ahead_of_their_customers():
    correlations = []
    for seed in range(20):
        plan = Plan(seed, Calendar(dt.date(2026, 9, 30), 24))
        morale = plan.morale[:6, :-3].ravel()
        change = (plan.process_quality - plan.process_quality[:, :1])[:, 3:].ravel()
        correlations.append(np.corrcoef(morale, change)[0, 1])
    assert np.mean(correlations) > 0.4


def test_planted_traits_go_with_value_and_the_others_do_not(large_company):
    accounts = large_company.csv("crm/customers/*.csv").filter(pl.col("CustomerNo") == pl.col("PersonNo"))
    traits = accounts.filter(~pl.col("CustomerNo").str.starts_with("C999")).select(
        "CustomerNo",
        pl.col("FoundUsBy"),
        pl.col("Attributes").str.json_decode(
            pl.Struct(
                {
                    "loyalty_card": pl.Boolean,
                    "household": pl.String,
                    "pets": pl.Boolean,
                    "newsletter": pl.Boolean,
                }
            )
        ),
    )
    spent = large_company.truth("orders").group_by("customer_id").agg(pl.col("net_amount").sum())
    known = traits.unnest("Attributes").join(spent, left_on="CustomerNo", right_on="customer_id")

    def lift(trait):
        return known.filter(trait)["net_amount"].mean() / known.filter(~trait)["net_amount"].mean()

    assert lift(pl.col("loyalty_card")) > 1.2
    assert lift(pl.col("household") == "family") > 1.3
    assert lift(pl.col("FoundUsBy") == "referral") > 1.15
    assert 0.93 < lift(pl.col("pets")) < 1.07
    assert 0.93 < lift(pl.col("newsletter")) < 1.07


def test_prices_rise_once(large_company):
    prices = large_company.csv("crm/order_lines/*.csv").filter(pl.col("ProductNo") == "P0001")
    new, old = sorted({float(p) for p in prices["UnitPrice"] if p != "9.99"}, reverse=True)
    assert new / old == pytest.approx(1 + EFFECTS.price_rise, abs=0.002)
