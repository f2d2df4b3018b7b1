"""The lives of customers: who they are, what they buy, what they experience, and when they stop.

A customer has an *affinity* to the company that lasts. Every purchase gives a *result* (what they got) and a
*process* (how they were treated); both move the *attitude*, which is what people answer in surveys. *Habit*
follows the attitude slowly, and behaviour (how soon the next purchase comes, whether there is one) follows
habit. So damage shows in answers some months before it shows in revenue. All of these are in standard
deviations of latent satisfaction, times in days since the company's first day.

Only the lives belong here. How systems write them down is in ``crm.py``, ``survey.py`` and ``support.py``.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from pipelines.demo import draws
from pipelines.demo.draws import Floats, Keys
from pipelines.demo.plan import (
    CAMPAIGNS,
    CHARGE,
    FAULTY,
    LATE,
    LOCALE_SHARES,
    NO_CAMPAIGN,
    NONE,
    PILOT,
    REGRET,
    SALES,
    SEVERITY,
    UNSUITABLE,
    Plan,
)

Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]

ACQUISITION_CHANNELS = ("search", "shop window", "advert", "referral", "marketplace")
ACQUISITION_SHARES = np.array([0.34, 0.24, 0.20, 0.14, 0.08])
REFERRAL = ACQUISITION_CHANNELS.index("referral")
HOUSEHOLDS = ("single", "couple", "family")
HOUSEHOLD_SHARES = np.array([0.38, 0.34, 0.28])
FAMILY = HOUSEHOLDS.index("family")
CATEGORY_COUNT = 8

_KNOWN_BEFORE_SHARE = 0.50  # registered before the first day
_KNOWN_BEFORE_DAYS = 1000.0
_ALREADY_LOST_SHARE = 0.30  # of those, who had stopped buying before the first day
_BUYS_WHEN_REGISTERING_SHARE = 0.80
_SECOND_ACCOUNT_SHARE = 0.015
_PILOT_POOL = 5000  # the pilot's town: the first customers, so that its list stays a list
_PILOT_TREATED_SHARE = 0.30
_PILOT_CONTROL_SHARE = 0.30
_MOST_HAND_OFFS = 6
_CANCELLED_SHARE = 0.02
_IN_CAMPAIGN_SHARE = 0.5  # of a contacted customer's ordinary purchases while a campaign runs
_WORTH_ASKING_DELAY = 0.05  # days until a customer who only just registered buys


@dataclass(frozen=True)
class Customers:
    """Who a block of customers is. Arrays of one value per customer."""

    index: Ints
    keys: Keys
    registered_at: Floats
    affinity: Floats
    log_rate: Floats  # of purchases per day of mean demand
    home: Ints
    locale: Ints
    acquisition: Ints
    household: Ints
    has_card: Flags
    favourite: Ints  # category
    second_account_from: Floats  # infinite: has one account only
    pilot: Ints  # 1 treated, -1 control, 0 not in the pilot
    contacted: Flags  # customers x campaigns
    tempted_at: NDArray[np.float32]  # customers x campaigns: buys because of it; infinite: does not


def draw_customers(plan: Plan, index: Ints) -> Customers:
    """The customers with these numbers (0-based); the same number is the same person in every company of a seed."""
    effects = plan.effects
    keys = draws.keys_of(plan.seed, index)
    known_before = draws.uniform(keys, "known before") < _KNOWN_BEFORE_SHARE
    when = draws.uniform(keys, "registered")
    registered_on = np.floor(np.where(known_before, -_KNOWN_BEFORE_DAYS * when, plan.calendar.days * when))
    registered_at = registered_on + plan.calendar.open_hour(draws.uniform(keys, "registered hour"))
    acquisition = draws.choice(keys, "acquisition", ACQUISITION_SHARES)
    has_card = draws.uniform(keys, "loyalty card") < np.where(known_before, 0.35, 0.25)
    affinity = effects.affinity_sd * draws.normal(keys, "affinity") + effects.referral_affinity * (
        acquisition == REFERRAL
    )
    log_rate = (
        -np.log(effects.median_days_between_purchases)
        + effects.rate_sd * draws.normal(keys, "rate")
        + np.log(effects.loyalty_card_rate) * has_card
    )
    contacted, tempted_at = _campaign_contacts(plan, keys, registered_at)
    second = draws.uniform(keys, "second account")
    second_at = np.floor(
        np.maximum(registered_at, 0.0) + plan.calendar.days * draws.uniform(keys, "second account from")
    )
    second_at = 1 + second_at + plan.calendar.open_hour(draws.uniform(keys, "second account hour"))
    return Customers(
        index=index,
        keys=keys,
        registered_at=registered_at,
        affinity=affinity,
        log_rate=log_rate,
        home=draws.choice(keys, "home", np.array([d.share for d in SALES])),
        locale=draws.choice(keys, "locale", LOCALE_SHARES),
        acquisition=acquisition,
        household=draws.choice(keys, "household", HOUSEHOLD_SHARES),
        has_card=has_card,
        favourite=draws.whole(keys, "favourite", CATEGORY_COUNT),
        second_account_from=np.where(second < _SECOND_ACCOUNT_SHARE, second_at, np.inf),
        pilot=_pilot(plan, index, keys, registered_at),
        contacted=contacted,
        tempted_at=tempted_at,
    )


def _pilot(plan: Plan, index: Ints, keys: Keys, registered_at: Floats) -> Ints:
    lot = draws.uniform(keys, "pilot lot")
    eligible = (index < _PILOT_POOL) & (registered_at < plan.day_of_month(PILOT.start_month))
    control = (lot >= _PILOT_TREATED_SHARE) & (lot < _PILOT_TREATED_SHARE + _PILOT_CONTROL_SHARE)
    return np.where(eligible, (lot < _PILOT_TREATED_SHARE).astype(np.int64) - control, 0)


def _campaign_contacts(plan: Plan, keys: Keys, registered_at: Floats) -> tuple[Flags, NDArray[np.float32]]:
    contacted = np.zeros((len(keys), len(CAMPAIGNS)), dtype=bool)
    tempted_at = np.full((len(keys), len(CAMPAIGNS)), np.inf, dtype=np.float32)
    for number, campaign in enumerate(CAMPAIGNS):
        start = plan.campaign_starts[number]
        known = registered_at < start - 1
        chosen = known & (draws.uniform(keys, f"contacted {number}") < campaign.contacted_share)
        tempted = chosen & (draws.uniform(keys, f"tempted {number}") < campaign.response_rate)
        day = np.floor(start + campaign.days * draws.uniform(keys, f"tempted on {number}"))
        hour = plan.calendar.open_hour(draws.uniform(keys, f"tempted hour {number}"))
        contacted[:, number] = chosen
        tempted_at[tempted, number] = (np.maximum(day, start) + hour)[tempted]
    return contacted, tempted_at


@dataclass
class State:
    """How things stand with a block of customers; changed by every purchase."""

    attitude: Floats
    habit: Floats
    last_at: Floats  # of the last purchase; before the first: when the customer became known
    next_at: Floats  # of the next purchase; infinite: none any more
    next_campaign: Ints
    attempts: Ints  # purchases considered so far
    orders: Ints
    wave_attitude: Floats  # customers x relationship waves: attitude when the wave began


def first_state(plan: Plan, customers: Customers) -> State:
    """Before the first purchase inside the company's time."""
    keys = customers.keys
    count = len(keys)
    attitude = customers.affinity + 0.3 * draws.normal(keys, "first attitude")
    known_before = customers.registered_at < 0
    lost = known_before & (draws.uniform(keys, "already lost") < _ALREADY_LOST_SHARE)
    start = np.maximum(customers.registered_at, 0.0)
    wait = -np.log(draws.uniform(keys, "first wait")) / np.exp(customers.log_rate)
    at_once = ~known_before & (draws.uniform(keys, "buys at once") < _BUYS_WHEN_REGISTERING_SHARE)
    next_at = plan.calendar.after(start, np.where(at_once, _WORTH_ASKING_DELAY, wait))
    state = State(
        attitude=attitude,
        habit=attitude.copy(),
        last_at=np.where(known_before, 0.0, customers.registered_at),
        next_at=np.where(lost, np.inf, next_at),
        next_campaign=np.full(count, NO_CAMPAIGN),
        attempts=np.zeros(count, dtype=np.int64),
        orders=np.where(known_before, 1, 0),
        wave_attitude=np.repeat(attitude[:, None], len(plan.wave_starts), axis=1),
    )
    _prefer_campaign(customers, state, np.flatnonzero(~lost), start[~lost])
    return state


@dataclass(frozen=True)
class Orders:
    """What happened, one value per order, with its truth. ``customer`` is the row in the block."""

    customer: Ints
    keys: Keys
    number: Ints  # counts the purchases a customer considered: part of the order's number
    ordered_at: Floats
    department: Ints
    campaign: Ints
    was_tempted: Flags
    is_cancelled: Flags
    problem: Ints
    complains: Flags
    asks: Flags  # a ticket that is no complaint
    hand_offs: Ints
    is_resolved: Flags
    result: Floats
    process: Floats
    attitude_before: Floats
    attitude_after: Floats
    habit_after: Floats
    is_last: Flags  # the customer stopped after it

    @property
    def has_ticket(self) -> Flags:
        return self.complains | self.asks

    @property
    def is_silent(self) -> Flags:
        """Had a problem and did not say so."""
        return (self.problem != NONE) & ~self.complains

    def __len__(self) -> int:
        return len(self.customer)

    def taken(self, rows: Ints | Flags) -> Orders:
        return Orders(**{f.name: getattr(self, f.name)[rows] for f in fields(self)})

    @staticmethod
    def joined(parts: list[Orders]) -> Orders:
        return Orders(**{f.name: np.concatenate([getattr(p, f.name) for p in parts]) for f in fields(Orders)})


def live(plan: Plan, customers: Customers, state: State) -> Orders:
    """All purchases up to the company's last day; ``state`` is carried forward in place.

    The loop runs once per purchase of the customer who buys most, each time over all who are still buying.
    """
    parts: list[Orders] = []
    active = np.flatnonzero(state.next_at < plan.calendar.days)
    while active.size:
        parts.append(consider(plan, customers, state, active, state.next_at[active]))
        active = active[state.next_at[active] < plan.calendar.days]
    orders = Orders.joined(parts) if parts else consider(plan, customers, state, active, np.empty(0))
    return orders.taken(np.lexsort((orders.customer, orders.ordered_at)))


def consider(plan: Plan, customers: Customers, state: State, who: Ints, at: Floats) -> Orders:
    """The customers in rows ``who`` each consider one purchase, at their time ``at``; most of them buy."""
    keys = draws.child(customers.keys[who], state.attempts[who])
    campaign = state.next_campaign[who]
    buys = ~_refuses_price(plan, state, who, at, keys) | (campaign != NO_CAMPAIGN)
    bought = _buy(plan, customers, state, who[buys], at[buys], campaign[buys], keys[buys])
    state.attempts[who] += 1
    _schedule(plan, customers, state, who, at, keys)
    state.next_at[bought.customer[bought.is_last]] = np.inf
    return bought


def _refuses_price(plan: Plan, state: State, who: Ints, at: Floats, keys: Keys) -> Flags:
    """After the price rise some purchases are given up, more of them where loyalty is low."""
    share = plan.effects.price_refusal / (1 + np.exp(1.2 * state.habit[who] + 0.2))
    return (at >= plan.price_rise_at) & (draws.uniform(keys, "price") < share)


def _buy(
    plan: Plan, customers: Customers, state: State, who: Ints, at: Floats, tempted_by: Ints, keys: Keys
) -> Orders:
    effects = plan.effects
    was_tempted = tempted_by != NO_CAMPAIGN
    campaign = np.where(was_tempted, tempted_by, _running_campaign(plan, customers, who, at, keys))
    department = _department(plan, customers, who, keys)
    is_cancelled = ~was_tempted & (draws.uniform(keys, "cancelled") < _CANCELLED_SHARE)
    problem = np.where(is_cancelled, NONE, _problem(plan, department, campaign, keys))
    has_problem = problem != NONE
    complains = has_problem & (draws.uniform(keys, "complains") < effects.complaint_rate)
    asks = ~has_problem & ~is_cancelled & (draws.uniform(keys, "asks") < effects.question_rate)
    hand_offs = np.where(complains | asks, _hand_offs(plan, keys), 0)
    is_resolved = (complains | asks) & (
        draws.uniform(keys, "resolved") < _resolved_share(plan, complains, hand_offs)
    )

    affinity = customers.affinity[who]
    severity = SEVERITY[problem]
    result = (
        np.array([d.result_level for d in SALES])[department]
        + 0.35 * affinity
        + effects.result_noise_sd * draws.normal(keys, "result")
        - severity
    )
    pilot_effect = PILOT.process_effect * (
        (customers.pilot[who] == 1) & (at >= plan.day_of_month(PILOT.start_month))
    )
    process = (
        plan.process_quality[department, plan.calendar.month_of(at)]
        + _of_campaign(campaign, [c.process_effect for c in CAMPAIGNS])
        + pilot_effect
        + 0.35 * affinity
        + effects.process_noise_sd * draws.normal(keys, "process")
        - 0.35 * severity
        + effects.hand_off * hand_offs
        + complains * np.where(is_resolved, effects.recovery, effects.failed_recovery)
        + asks * np.where(is_resolved, 0.1, -0.6)
    )
    before = state.attitude[who].copy()
    experience = effects.result_weight * result + (1 - effects.result_weight) * process
    after = (
        before
        + effects.learning * (experience + 0.6 * affinity - before)
        - effects.silent_resentment * (has_problem & ~complains)
    )
    after = np.where(is_cancelled, before, after)
    elapsed = np.maximum(at - state.last_at[who], 0.0)
    habit = state.habit[who] + (1 - np.exp(-elapsed / effects.habit_days)) * (before - state.habit[who])
    is_last = ~is_cancelled & (
        draws.uniform(keys, "stops")
        < _drop_out_share(
            plan, habit, state.orders[who] == 0, has_problem, complains, is_resolved, problem == REGRET
        )
    )

    state.attitude[who] = after
    state.habit[who] = habit
    state.last_at[who] = at
    state.orders[who] += 1
    before_wave = at[:, None] <= plan.wave_starts[None, :]
    state.wave_attitude[who] = np.where(before_wave, after[:, None], state.wave_attitude[who])
    return Orders(
        customer=who,
        keys=keys,
        number=state.attempts[who].copy(),
        ordered_at=at,
        department=department,
        campaign=campaign,
        was_tempted=was_tempted,
        is_cancelled=is_cancelled,
        problem=problem,
        complains=complains,
        asks=asks,
        hand_offs=hand_offs,
        is_resolved=is_resolved,
        result=result,
        process=process,
        attitude_before=before,
        attitude_after=after,
        habit_after=habit,
        is_last=is_last,
    )


def _running_campaign(plan: Plan, customers: Customers, who: Ints, at: Floats, keys: Keys) -> Ints:
    """The campaign that an ordinary purchase happens to fall into; campaigns do not overlap."""
    running = (
        (at[:, None] >= plan.campaign_starts) & (at[:, None] < plan.campaign_ends) & customers.contacted[who]
    )
    joins = draws.uniform(keys, "joins campaign") < _IN_CAMPAIGN_SHARE
    return np.where(running.any(axis=1) & joins, running.argmax(axis=1), NO_CAMPAIGN)


def _of_campaign(campaign: Ints, values: list[float]) -> Floats:
    """A campaign's value per order; 0 for an order outside campaigns."""
    return np.append(np.array(values), 0.0)[campaign]  # NO_CAMPAIGN is -1: the last one


def _department(plan: Plan, customers: Customers, who: Ints, keys: Keys) -> Ints:
    elsewhere = draws.choice(keys, "department", np.array([d.share for d in SALES]))
    at_home = draws.uniform(keys, "at home") < plan.effects.home_share
    return np.where(at_home, customers.home[who], elsewhere)


def _problem(plan: Plan, department: Ints, campaign: Ints, keys: Keys) -> Ints:
    """At most one problem per order; each kind leaves a trace in the exports (a delay, a return, a penalty)."""
    effects = plan.effects
    delivers = np.array([d.delivers for d in SALES])[department]
    rates = {
        LATE: effects.late_rate * delivers,
        FAULTY: effects.faulty_rate,
        UNSUITABLE: effects.unsuitable_rate,
        CHARGE: effects.charge_rate,
        REGRET: _of_campaign(campaign, [c.regret_rate for c in CAMPAIGNS]),
    }
    lot = draws.uniform(keys, "problem")
    problem = np.full(len(keys), NONE)
    upper = np.zeros(len(keys))
    for kind, rate in rates.items():
        problem = np.where((lot >= upper) & (lot < upper + rate), kind, problem)
        upper = upper + rate
    return problem


def _hand_offs(plan: Plan, keys: Keys) -> Ints:
    """Changes of desk, 0 .. 6: whether at all, then each further one with the same chance."""
    effects = plan.effects
    passed_on = draws.uniform(keys, "passed on") < effects.hand_off_rate
    further = np.floor(np.log(draws.uniform(keys, "passed further")) / np.log(effects.further_hand_off_rate))
    return np.where(passed_on, np.minimum(1 + further, _MOST_HAND_OFFS), 0).astype(np.int64)


def _resolved_share(plan: Plan, complains: Flags, hand_offs: Ints) -> Floats:
    effects = plan.effects
    base = np.where(complains, effects.complaint_resolved_rate, effects.question_resolved_rate)
    return base - 0.05 * hand_offs


def _drop_out_share(
    plan: Plan,
    habit: Floats,
    is_first: Flags,
    has_problem: Flags,
    complains: Flags,
    is_resolved: Flags,
    regrets: Flags,
) -> Floats:
    effects = plan.effects
    logit = (
        effects.drop_out_logit
        + effects.drop_out_per_loyalty * habit
        + effects.drop_out_first_purchase * is_first
        + effects.drop_out_silent * (has_problem & ~complains)
        + effects.drop_out_resolved * (complains & is_resolved)
        + effects.drop_out_unresolved * (complains & ~is_resolved)
        + effects.drop_out_regret * regrets
    )
    return 1 / (1 + np.exp(-logit))


def _schedule(plan: Plan, customers: Customers, state: State, who: Ints, at: Floats, keys: Keys) -> None:
    """When the next purchase is considered: the ordinary one, or a campaign's temptation if that comes first."""
    rate = np.exp(customers.log_rate[who] + plan.effects.rate_per_loyalty * np.clip(state.habit[who], -3, 3))
    wait = -np.log(draws.uniform(keys, "wait")) / rate
    state.next_at[who] = plan.calendar.after(at, wait)
    state.next_campaign[who] = NO_CAMPAIGN
    _prefer_campaign(customers, state, who, at)


def _prefer_campaign(customers: Customers, state: State, who: Ints, at: Floats) -> None:
    tempted_at = customers.tempted_at[who].astype(np.float64)
    tempted_at[tempted_at <= at[:, None] + 1e-3] = np.inf  # float32 holds a day to within a minute and a half
    first = tempted_at.argmin(axis=1)
    soonest = tempted_at[np.arange(len(who)), first]
    sooner = soonest < state.next_at[who]
    state.next_at[who] = np.where(sooner, soonest, state.next_at[who])
    state.next_campaign[who] = np.where(sooner, first, state.next_campaign[who])
