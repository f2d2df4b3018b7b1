"""Initiatives: what one company published about them against the same company without them.

The truth is a second life: the generator draws every chance of a customer from the customer's own key, so that the same
people with the same luck live once with an initiative and once without. The difference is what it moved.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import polars as pl

from pipelines.demo import DEFAULT_END, crm, lives, support, survey
from pipelines.demo.calendar import Calendar
from pipelines.demo.company import DEFAULT_MONTHS
from pipelines.demo.plan import INITIATIVES, PILOT, SALES_CODES, Initiative, Plan

from .company import Company
from .findings import Claim, Finding, Room
from .reference import References

PEOPLE = 40_000  # who live twice: a mean of their answers is then known to about a point
WORKING = tuple(i for i in INITIATIVES if i.process_effect > 0)
IDLE = tuple(i for i in INITIATIVES if i.process_effect == 0)
IN_WORDS = ("nps", "csat", "ces", "connection")
TOLD = ("gain", "loss", "no effect seen")
PERIOD_DAYS = 30
HOME_DAYS = 365  # seed initiative_rules

CLAIMS = (
    *(
        Claim(
            f"initiative_{'pilot' if initiative.department is None else initiative.department}",
            f"What works is found: {initiative.name} ({initiative.initiative_id})",
            "`kpi_initiative_impact.verdict` is success story or loved, not yet paid back. Numbers: points of NPS;"
            f" planted: the difference between {PEOPLE:,} people with it and the same people without.",
        )
        for initiative in WORKING
    ),
    Claim(
        "initiative_nps_gain",
        "What works raises NPS beyond chance",
        "The same initiatives: `status` of nps is gain. Numbers: points.",
        "initiatives of a seed",
    ),
    Claim(
        "initiative_idle",
        "What does nothing is called nothing",
        "`verdict` of the others is no effect seen. Numbers: points of NPS.",
        "initiatives of a seed",
    ),
    Claim(
        "initiative_covered",
        "The effect on answers is covered",
        "Outcomes nps, csat, ces and connection of all initiatives: the 95 % interval of `effect` holds the planted"
        " difference.",
        "outcomes of a seed",
    ),
    Claim(
        "initiative_sales_covered",
        "The effect on sales is covered",
        "The same for net_sales, in money per customer and 30 days. Planted: orders as placed, before refunds.",
        "initiatives of a seed",
    ),
)


@dataclass(frozen=True)
class _Life:
    """What became of the same people in one world."""

    customers: lives.Customers
    answers: pl.DataFrame  # customer, department, day, and one column per outcome in words
    orders: pl.DataFrame  # customer, department, day, net_sales


def findings_of(company: Company, _: References) -> list[Finding]:
    """Everything that one company says about its initiatives."""
    published = company.rows("select * from kpi.kpi_initiative_impact")
    planted = planted_effects(company.truth.planted["seed"], _windows(published))
    return list(_findings(published, planted))


def _windows(published: list[dict[str, Any]]) -> dict[str, int]:
    """Days after the start that were measured, by initiative."""
    return {row["initiative_id"]: PERIOD_DAYS * row["months_since"] for row in published}


def _findings(published: list[dict[str, Any]], planted: dict[tuple[str, str], float]) -> Iterator[Finding]:
    by_key = {(row["initiative_id"], row["outcome"]): row for row in published}
    for initiative in INITIATIVES:
        nps = by_key[initiative.initiative_id, "nps"]
        numbers = {"estimate": nps["effect"], "planted": planted[initiative.initiative_id, "nps"]}
        verdict = nps["verdict"]
        if initiative in IDLE:
            calm = verdict == "no effect seen"
            yield Finding("initiative_idle", calm, reason="" if calm else f"called {verdict}", **numbers)
            continue
        found = verdict in ("success story", "loved, not yet paid back")
        name = "pilot" if initiative.department is None else initiative.department
        yield Finding(f"initiative_{name}", found, reason="" if found else f"called {verdict}", **numbers)
        gained = nps["status"] == "gain"
        yield Finding("initiative_nps_gain", gained, reason="" if gained else nps["status"], **numbers)
    for (initiative_id, outcome), row in by_key.items():
        if outcome in (*IN_WORDS, "net_sales"):
            claim = "initiative_covered" if outcome in IN_WORDS else "initiative_sales_covered"
            yield _covered(claim, row, planted[initiative_id, outcome])


def _covered(claim: str, row: dict[str, Any], value: float) -> Finding:
    if row["status"] not in TOLD:
        return Finding(claim, False, planted=value, reason=row["status"])
    outside = (
        "the interval is above it"
        if value < row["effect_lower"]
        else "the interval is below it"
        if value > row["effect_upper"]
        else ""
    )
    return Finding(claim, not outside, estimate=row["effect"], planted=value, reason=outside)


def planted_effects(seed: int, windows: dict[str, int], people: int = PEOPLE) -> dict[tuple[str, str], float]:
    """What each initiative moved in the days measured, by initiative and outcome."""
    plan = Plan(seed, Calendar(DEFAULT_END, DEFAULT_MONTHS))
    untreated = lives.draw_customers(plan, np.arange(people))
    nobody = replace(untreated, pilot=np.zeros(people, dtype=np.int64))
    known = untreated.registered_at < plan.day_of_month(PILOT.start_month)
    with_departments, without = _live(plan, nobody), _live(_without_departments(plan), nobody)
    with_pilot = _live(plan, replace(untreated, pilot=known.astype(np.int64)))
    effects = {}
    for initiative in INITIATIVES:
        start = plan.day_of_month(initiative.start_month)
        until = start + windows[initiative.initiative_id]
        treated, other = (
            (with_pilot, with_departments) if initiative is PILOT else (with_departments, without)
        )
        first, second = (_outcomes(life, plan, initiative, start, until, known) for life in (treated, other))
        for outcome, value in first.items():
            effects[initiative.initiative_id, outcome] = value - second[outcome]
    return effects


def _without_departments(plan: Plan) -> Plan:
    """The same company in which no department tried anything."""
    bare = Plan(plan.seed, plan.calendar)
    quality = plan.process_quality.copy()
    for initiative in INITIATIVES:
        if initiative.department is not None:
            first = round(initiative.start_month * plan.calendar.months / DEFAULT_MONTHS)
            quality[SALES_CODES.index(initiative.department), first:] -= initiative.process_effect
    vars(bare)["process_quality"] = quality  # where the cached property keeps it
    return bare


def _live(plan: Plan, customers: lives.Customers) -> _Life:
    state = lives.first_state(plan, customers)
    orders = lives.live(plan, customers, state)
    handling = crm.handle(orders)
    tickets = support.open_tickets(orders, handling)
    after_orders = survey.ask_after_orders(plan, orders, handling, tickets)
    asked = survey.joined([after_orders, *survey.ask_panel(plan, customers, state)])
    answered = asked.taken(np.flatnonzero(asked.answered_at < plan.calendar.days))
    written = survey.responses_frame(
        plan, customers, orders, answered, support.ticket_ids_by_order(orders, tickets)
    )
    nps, csat, ces = pl.col("Q_NPS"), pl.col("Q_CSAT"), pl.col("Q_CES")
    points = [pl.col(f"Q_POC_{number}") for number in range(1, 7)]
    answers = written.select(
        pl.Series("customer", answered.customer),
        pl.col("Department").alias("department"),
        pl.Series("day", np.floor(answered.answered_at)),
        nps=100.0 * ((nps >= 9).cast(pl.Int8) - (nps <= 6).cast(pl.Int8)),
        csat=100.0 * (csat >= 4),
        ces=100.0 * (ces >= 6),
        connection=25.0 * (pl.mean_horizontal(points) - 1),
    )
    net = crm.fill_baskets(plan, customers, orders)
    bought = pl.DataFrame(
        {
            "customer": orders.customer,
            "department": np.array(SALES_CODES)[orders.department],
            "day": np.floor(orders.ordered_at),
            "net_sales": np.bincount(net.order, net.net, minlength=len(orders)),
        }
    ).filter(~pl.Series(orders.is_cancelled))
    return _Life(customers, answers, bought)


def _outcomes(
    life: _Life, plan: Plan, initiative: Initiative, start: float, until: float, known: np.ndarray
) -> dict[str, float]:
    """Means of a world over the treated since the start, as the published outcomes count them."""
    since = pl.col("day").is_between(start, until, closed="left")
    answers, orders = life.answers.filter(since), life.orders.filter(since)
    if initiative.department is None:
        treated = pl.DataFrame({"customer": np.flatnonzero(known)})
        answers = answers.join(treated, on="customer")
    else:
        answers = answers.filter(pl.col("department") == initiative.department)
        treated = _at_home(life, initiative.department, start)
    money = orders.join(treated, on="customer")["net_sales"].sum() / len(treated)
    means = answers.select(IN_WORDS).mean().row(0, named=True)
    return means | {"net_sales": money / ((until - start) / PERIOD_DAYS)}


def _at_home(life: _Life, department: str, start: float) -> pl.DataFrame:
    """Customers who bought most often there in the year before."""
    return (
        life.orders.filter(pl.col("day").is_between(start - HOME_DAYS, start, closed="left"))
        .group_by("customer", "department")
        .agg(pl.len().alias("purchases"), pl.col("day").max().alias("latest"))
        .sort("purchases", "latest", "department", descending=[True, True, False])
        .unique("customer", keep="first", maintain_order=True)
        .filter(pl.col("department") == department)
        .select("customer")
    )


ROOM = Room(
    "Initiatives",
    models=("kpi_initiative_impact", "kpi_initiative_timeline"),
    claims=CLAIMS,
    findings=findings_of,
)
