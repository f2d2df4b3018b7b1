"""What is planted: the company's departments, campaigns, initiatives and the strength of every effect.

Everything that a test may want to recover stands here as a named number with its unit and is written to
``truth/planted.json``. How the numbers act on a customer is in ``lives.py``.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipelines.demo import draws
from pipelines.demo.calendar import Calendar

NO_CAMPAIGN = -1


@dataclass(frozen=True)
class Department:
    """A sales department. Levels are in standard deviations of latent satisfaction."""

    code: str
    name: str
    share: float  # of customers who call it home
    channel: str
    delivers: bool  # goods are sent, so they can be late
    result_level: float  # what customers get
    process_level: float  # how they are treated
    parent: str = "sales"


SALES = (
    Department("web_shop", "Web shop", 0.28, "web", True, 0.05, -0.05),
    Department("app", "App", 0.16, "app", True, 0.05, 0.10),
    Department("stores_north", "Stores north", 0.16, "store", False, 0.00, 0.30),
    Department("stores_south", "Stores south", 0.18, "store", False, 0.05, 0.20),
    Department("phone_sales", "Phone sales", 0.12, "phone", True, -0.05, -0.35),
    Department("business", "Business customers", 0.10, "field", True, 0.10, 0.10),
)
SERVICE = ("care_desk", "billing", "logistics", "repairs")
SERVICE_NAMES = ("Care desk", "Billing", "Logistics", "Repairs")
SALES_CODES = tuple(d.code for d in SALES)
ALL_CODES = (*SALES_CODES, *SERVICE)

LOCALES = ("de-DE", "en-GB", "fr-FR", "ja-JP")
LOCALE_COUNTRIES = ("DE", "GB", "FR", "JP")
LOCALE_SHARES = np.array([0.36, 0.26, 0.16, 0.22])

PROBLEMS = ("none", "late", "faulty", "unsuitable", "charge", "regret")
NONE, LATE, FAULTY, UNSUITABLE, CHARGE, REGRET = range(6)
SEVERITY = np.array([0.0, 0.9, 1.4, 0.6, 1.2, 1.1])  # standard deviations taken from the result


@dataclass(frozen=True)
class Campaign:
    """Times are in months of a company of 24 months; other lengths are scaled."""

    campaign_id: str
    name: str
    kind: str
    channel: str
    start_month: int
    days: int
    contacted_share: float
    response_rate: float  # of the contacted, who buy because of it
    discount: float  # share of the price
    regret_rate: float  # of its orders, who are sorry afterwards: the order is returned
    process_effect: float  # standard deviations
    cost_per_contact: float


CAMPAIGNS = (
    Campaign("CMP-01", "Autumn letter", "newsletter", "email", 1, 14, 0.25, 0.03, 0.0, 0.0, 0.0, 0.05),
    Campaign("CMP-02", "Winter sale", "discount", "email", 3, 21, 0.30, 0.05, 0.15, 0.0, 0.0, 0.05),
    Campaign("CMP-03", "Members' evening", "event", "post", 5, 10, 0.30, 0.12, 0.0, 0.0, 0.80, 1.20),
    Campaign(
        "CMP-04", "Flash weekend 40 % off", "flash_sale", "app", 7, 5, 0.35, 0.10, 0.40, 0.34, -0.2, 0.04
    ),
    Campaign("CMP-05", "Summer sale", "discount", "email", 9, 21, 0.30, 0.05, 0.15, 0.0, 0.0, 0.05),
    Campaign("CMP-06", "Back to school", "newsletter", "email", 11, 14, 0.25, 0.03, 0.0, 0.0, 0.0, 0.05),
    Campaign("CMP-07", "Black week", "discount", "email", 13, 8, 0.35, 0.07, 0.20, 0.0, 0.0, 0.05),
    Campaign(
        "CMP-08", "Mystery clearance box", "flash_sale", "app", 16, 7, 0.30, 0.10, 0.35, 0.30, -0.2, 0.04
    ),
    Campaign("CMP-09", "Members' spring evening", "event", "post", 18, 10, 0.30, 0.12, 0.0, 0.0, 0.80, 1.20),
    Campaign("CMP-10", "Summer sale again", "discount", "email", 21, 21, 0.30, 0.05, 0.15, 0.0, 0.0, 0.05),
)
REGRET_CAMPAIGNS = tuple(c.campaign_id for c in CAMPAIGNS if c.regret_rate > 0)
GOOD_CAMPAIGNS = tuple(c.campaign_id for c in CAMPAIGNS if c.process_effect > 0)


@dataclass(frozen=True)
class Initiative:
    """An improvement tried on one department, or on customers drawn at random."""

    initiative_id: str
    name: str
    owner: str
    start_month: int
    cost: float
    department: str | None
    process_effect: float  # standard deviations, from its first day on


INITIATIVES = (
    Initiative("INI-01", "One contact from start to end", "phone_sales", 8, 42000.0, "phone_sales", 0.60),
    Initiative("INI-02", "One contact from start to end", "web_shop", 14, 60000.0, "web_shop", 0.60),
    Initiative("INI-03", "New music and lighting", "stores_north", 10, 95000.0, "stores_north", 0.0),
    Initiative("INI-04", "Personal thank-you call (randomised pilot)", "care_desk", 12, 9000.0, None, 0.90),
)
PILOT = INITIATIVES[3]


@dataclass(frozen=True)
class Effects:
    """Strength of everything that acts on a single customer. sd = standard deviation of latent satisfaction."""

    # experience -> attitude -> habit -> behaviour
    affinity_sd: float = 0.55  # lasting differences between people
    result_noise_sd: float = 0.75
    process_noise_sd: float = 0.65
    result_weight: float = 0.35  # of the result in an experience; the rest is how people were treated
    learning: float = 0.40  # share of the way that one experience moves the attitude
    habit_days: float = 75.0  # how slowly behaviour follows attitude; so loyalty sinks before revenue
    rate_per_loyalty: float = 0.60  # log of the purchase rate per sd of habit
    drop_out_logit: float = -2.85  # leaving after a purchase, at loyalty 0
    drop_out_per_loyalty: float = -1.00
    drop_out_first_purchase: float = 0.75  # many buy once only
    median_days_between_purchases: float = 88.0
    rate_sd: float = 0.65  # of the log of the rate
    home_share: float = 0.85  # of a customer's orders with the home department
    # problems and complaints
    late_rate: float = 0.075  # of orders that are delivered
    faulty_rate: float = 0.045
    unsuitable_rate: float = 0.030
    charge_rate: float = 0.012
    complaint_rate: float = 1 / 24  # of those with a problem: 23 silent customers per complaint
    question_rate: float = 0.08  # of orders without a problem: a ticket that is no complaint
    silent_resentment: float = 0.20  # sd of loyalty lost by not saying it
    drop_out_silent: float = 0.90  # logit, after a problem that was never voiced
    drop_out_unresolved: float = 2.20
    drop_out_resolved: float = 0.0
    drop_out_regret: float = 0.60  # on top
    complaint_resolved_rate: float = 0.68
    question_resolved_rate: float = 0.94
    recovery: float = 1.20  # sd of process quality given back by a resolved complaint
    failed_recovery: float = -0.80
    hand_off: float = -0.55  # sd of process quality for each change of desk
    hand_off_rate: float = 0.40  # of tickets that are passed on at all
    further_hand_off_rate: float = 0.35
    # surveys
    purchase_invitation_rate: float = 0.60
    support_invitation_rate: float = 0.85
    panel_share: float = 0.30  # of customers asked in every relationship wave
    answer_logit: float = -0.75
    answer_per_loyalty: float = 0.50  # the dissatisfied answer less
    nps_centre: float = 7.5
    nps_per_sd: float = 2.40
    middle_locale: str = "ja-JP"
    middle_compression: float = (
        0.55  # distance from the middle of the scale that is left; latent loyalty is equal
    )
    # price and value
    price_rise: float = 0.06
    price_rise_month: int = 15
    price_refusal: float = 0.30  # highest share of purchases refused after it, by customers without loyalty
    loyalty_card_rate: float = 1.35  # purchase rate of card holders against others: a high-value trait
    referral_affinity: float = 0.40  # sd, of customers who came by referral: a high-value trait
    family_basket: float = 1.0  # further lines in the basket of families: a high-value trait
    new_category_rate: float = 0.28  # of lines outside the favourite category
    new_category_per_loyalty: float = 0.08
    # the sinking department
    sinking_department: str = "stores_south"
    sinking_from_month: int = 8
    sinking_until_month: int = 13
    sinking_depth: float = -1.60  # sd of process quality; the result stays as it was
    # colleagues
    morale_sd: float = 0.30
    morale_memory: float = 0.40  # of a quarter's morale that lasts into the next
    morale_to_process: float = 0.80  # sd of process quality in the next quarter per sd of morale
    sinking_morale: float = -1.0  # in the sinking department, a quarter ahead


EFFECTS = Effects()
MONTHS_PER_QUARTER = 3
PLANNED_MONTHS = 24


@dataclass(frozen=True)
class Plan:
    """One company: its seed, its time and what is planted in it."""

    seed: int
    calendar: Calendar
    effects: Effects = field(default=EFFECTS)

    def day_of_month(self, planned_month: int) -> float:
        """First day of a planned month, in days since the start, scaled to this company's length."""
        months = self.calendar.months
        return float(self.calendar.month_starts[min(round(planned_month * months / PLANNED_MONTHS), months)])

    def date_of_month(self, planned_month: int) -> dt.date:
        return self.calendar.date_of(self.day_of_month(planned_month))

    @cached_property
    def campaign_starts(self) -> NDArray[np.float64]:
        return np.array([self.day_of_month(c.start_month) for c in CAMPAIGNS])

    @cached_property
    def campaign_ends(self) -> NDArray[np.float64]:
        """First day after each campaign."""
        return self.campaign_starts + np.array([c.days for c in CAMPAIGNS])

    @cached_property
    def price_rise_at(self) -> float:
        return self.day_of_month(self.effects.price_rise_month)

    @cached_property
    def wave_starts(self) -> NDArray[np.float64]:
        """Days of the relationship waves, two a year."""
        return self.calendar.month_starts[:-1][2::6].astype(np.float64)

    @cached_property
    def morale(self) -> NDArray[np.float64]:
        """Colleagues' morale, departments x months (constant within a quarter), in sd around the usual."""
        quarters = -(-self.calendar.months // MONTHS_PER_QUARTER)
        effects = self.effects
        keys = draws.keys_of(self.seed, -1 - np.arange(len(ALL_CODES)))
        morale = np.empty((len(ALL_CODES), quarters))
        level = np.zeros(len(ALL_CODES))
        for quarter in range(quarters):
            shock = draws.normal(draws.child(keys, quarter), "morale") * effects.morale_sd
            level = effects.morale_memory * level + shock
            morale[:, quarter] = level
        by_month = np.repeat(morale, MONTHS_PER_QUARTER, axis=1)[:, : self.calendar.months]
        sinking = ALL_CODES.index(effects.sinking_department)
        ahead = self._sinking_progress(-float(MONTHS_PER_QUARTER))
        by_month[sinking] += effects.sinking_morale * ahead
        return by_month

    @cached_property
    def process_quality(self) -> NDArray[np.float64]:
        """How customers are treated, sales departments x months, in sd."""
        effects = self.effects
        months = self.calendar.months
        quality = np.repeat(np.array([d.process_level for d in SALES])[:, None], months, axis=1)
        sales_morale = self.morale[: len(SALES)].copy()
        sinking = SALES_CODES.index(effects.sinking_department)
        sales_morale[sinking] -= effects.sinking_morale * self._sinking_progress(-float(MONTHS_PER_QUARTER))
        quality[:, MONTHS_PER_QUARTER:] += effects.morale_to_process * sales_morale[:, :-MONTHS_PER_QUARTER]
        quality[sinking] += effects.sinking_depth * self._sinking_progress(0.0)
        for initiative in INITIATIVES:
            if initiative.department is not None:
                first = round(initiative.start_month * months / PLANNED_MONTHS)
                quality[SALES_CODES.index(initiative.department), first:] += initiative.process_effect
        return quality

    def _sinking_progress(self, shift_months: float) -> NDArray[np.float64]:
        """0 before the department sinks, 1 once it has sunk, by month."""
        scale = self.calendar.months / PLANNED_MONTHS
        start = self.effects.sinking_from_month * scale + shift_months
        end = self.effects.sinking_until_month * scale + shift_months
        return np.clip((np.arange(self.calendar.months) + 0.5 - start) / (end - start), 0.0, 1.0)

    def described(self) -> dict[str, Any]:
        """Everything planted, as ``truth/planted.json`` holds it."""
        effects = asdict(self.effects)
        return {
            "seed": self.seed,
            "start": self.calendar.start.isoformat(),
            "end": self.calendar.end.isoformat(),
            "months": self.calendar.months,
            "effects": effects,
            "silent_per_complaint": 1 / self.effects.complaint_rate - 1,
            "problem_severity": dict(zip(PROBLEMS, SEVERITY.tolist(), strict=True)),
            "departments": [asdict(d) for d in SALES],
            "service_departments": list(SERVICE),
            "sinking": {
                "department": self.effects.sinking_department,
                "from": self.date_of_month(self.effects.sinking_from_month).isoformat(),
                "until": self.date_of_month(self.effects.sinking_until_month).isoformat(),
            },
            "price_rise_on": self.date_of_month(self.effects.price_rise_month).isoformat(),
            "campaigns": [
                asdict(c) | {"starts_on": self.date_of_month(c.start_month).isoformat()} for c in CAMPAIGNS
            ],
            "regret_campaigns": list(REGRET_CAMPAIGNS),
            "good_campaigns": list(GOOD_CAMPAIGNS),
            "initiatives": [
                asdict(i) | {"starts_on": self.date_of_month(i.start_month).isoformat()} for i in INITIATIVES
            ],
            "relationship_waves": [self.calendar.date_of(day).isoformat() for day in self.wave_starts],
            "high_value_traits": {
                "loyalty_card": True,
                "household": "family",
                "acquisition_channel": "referral",
            },
            "traits_without_effect": ["newsletter", "pets", "preferred_contact", "device", "birth_month"],
        }
