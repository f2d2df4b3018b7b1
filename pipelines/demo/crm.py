"""What the company's CRM exports: customers, products, orders, their lines, returns, campaigns.

A relational system in the company's local time. Orders come as monthly files of what changed: an order that
is delivered or returned in a later month stands there again, in its newer version.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, fields
from functools import lru_cache

import numpy as np
import polars as pl
from numpy.typing import NDArray

from pipelines.demo import draws, people
from pipelines.demo.columns import labels
from pipelines.demo.draws import Floats
from pipelines.demo.lives import (
    ACQUISITION_CHANNELS,
    CATEGORY_COUNT,
    FAMILY,
    HOUSEHOLDS,
    Customers,
    Orders,
)
from pipelines.demo.plan import (
    ALL_CODES,
    CAMPAIGNS,
    CHARGE,
    FAULTY,
    INITIATIVES,
    LATE,
    LOCALE_COUNTRIES,
    LOCALES,
    REGRET,
    SALES,
    SALES_CODES,
    SERVICE,
    SERVICE_NAMES,
    UNSUITABLE,
    Plan,
)

CURRENCY = "EUR"
CATEGORIES = ("kitchen", "garden", "lighting", "textiles", "tools", "storage", "toys", "electronics")
_CATEGORY_PRICES = np.array(
    [24.0, 31.0, 42.0, 19.0, 36.0, 22.0, 17.0, 78.0]
)  # median, EUR, after the price rise
_ADJECTIVES = ("plain", "small", "large", "folding", "classic", "light", "sturdy", "round", "blue", "oak")
_PRODUCTS_PER_CATEGORY = 30
_PRICE_SD = 0.45  # of the log
_COST_SHARES = (0.42, 0.66)
_COST_UNKNOWN_SHARE = 0.05
_FORGOTTEN_PRODUCT = 239  # sold, but not in the product list
_POPULARITY_EXPONENT = 0.8

_MOST_LINES = 9
_FURTHER_LINE = 0.5  # chance of each further line
_QUANTITY_SHARES = np.array([0.80, 0.14, 0.06])
_SHIPPING_FEE = 4.95
_FREE_SHIPPING_FROM = 60.0
_PENALTY_PRODUCT = "FEE-LATE"
_PENALTY = 7.50
_CARD_FORGOTTEN_SHARE = 0.05  # of store sales: nobody knows who bought
_LEFT_OUT_SHARE = 0.0008  # customers who are missing from the CRM's own list

_NEWSLETTER_SHARE = 0.4
_PETS_SHARE = 0.3

_PROMISED_DAYS = 3
_LATEST_HOUR = 20 / 24
_STATES = (
    "shipped",
    "delivered",
    "returned",
    "completed",
    "canceled",
)  # the first three are versions of an order
_RETURNED, _COMPLETED, _CANCELED = 2, 3, 4
_RETURN_REASONS = ("", "", "faulty", "does not suit", "", "changed my mind")
CHANNELS = tuple(d.channel for d in SALES)
CAMPAIGN_IDS = tuple(c.campaign_id for c in CAMPAIGNS)


@dataclass(frozen=True)
class Products:
    """The range. Prices in EUR after the price rise."""

    price: Floats
    cost: Floats
    popularity: Floats  # categories x products of a category, accumulated


@lru_cache(maxsize=4)
def products(seed: int) -> Products:
    """The products of a company; product n belongs to category n // 30."""
    keys = draws.keys_of(seed, -10_000 - np.arange(CATEGORY_COUNT * _PRODUCTS_PER_CATEGORY))
    median = np.repeat(_CATEGORY_PRICES, _PRODUCTS_PER_CATEGORY)
    price = np.round(median * np.exp(_PRICE_SD * draws.normal(keys, "price")) + 0.49, 0) - 0.01
    low, high = _COST_SHARES
    cost = np.round(price * (low + (high - low) * draws.uniform(keys, "cost")), 2)
    rank = np.arange(1, _PRODUCTS_PER_CATEGORY + 1)
    popularity = np.cumsum(rank**-_POPULARITY_EXPONENT)
    return Products(price, cost, popularity / popularity[-1])


def product_id(number: NDArray[np.int64] | pl.Series) -> pl.Series:
    return "P" + (pl.Series(number) + 1).cast(pl.String).str.zfill(4)


def products_frame(plan: Plan, *, after_rise: bool) -> pl.DataFrame:
    """The product list before or after the price rise."""
    catalogue = products(plan.seed)
    number = np.arange(len(catalogue.price))
    keys = draws.keys_of(plan.seed, -10_000 - number)
    price = catalogue.price if after_rise else price_before_rise(plan, catalogue.price)
    changed_on = plan.price_rise_at if after_rise else 0.0
    category = number // _PRODUCTS_PER_CATEGORY
    names = [
        f"{_ADJECTIVES[n % len(_ADJECTIVES)]} {CATEGORIES[c]} {n % _PRODUCTS_PER_CATEGORY + 1}"
        for n, c in zip(number.tolist(), category.tolist(), strict=True)
    ]
    unknown = draws.uniform(keys, "cost unknown") < _COST_UNKNOWN_SHARE
    frame = pl.DataFrame(
        {
            "ProductNo": product_id(number),
            "Title": names,
            "Category": labels(CATEGORIES, category),
            "ListPrice": price,
            "CostPrice": pl.Series(catalogue.cost).set(pl.Series(unknown), None),
            "ChangedAt": plan.calendar.local(np.full(len(number), changed_on)),
        }
    )
    return frame.filter(pl.Series(number != _FORGOTTEN_PRODUCT))


def price_before_rise(plan: Plan, price: Floats) -> Floats:
    return np.round(price / (1 + plan.effects.price_rise), 2)


def customer_id(index: NDArray[np.int64]) -> pl.Series:
    return "C" + (pl.Series(index) + 1).cast(pl.String).str.zfill(8)


def second_account_id(index: NDArray[np.int64]) -> pl.Series:
    return "W" + (pl.Series(index) + 1).cast(pl.String).str.zfill(8)


def order_id(customer_index: NDArray[np.int64], number: NDArray[np.int64]) -> pl.Series:
    return "SO" + pl.Series(customer_index * 1000 + number).cast(pl.String).str.zfill(11)


def customers_frame(plan: Plan, customers: Customers, until: float) -> pl.DataFrame:
    """Every account known by ``until``; some people have two, a few are missing."""
    locales = labels(LOCALES, customers.locale)
    left_out = draws.uniform(customers.keys, "left out of the CRM") < _LEFT_OUT_SHARE
    frame = pl.DataFrame(
        {
            "CustomerNo": customer_id(customers.index),
            "PersonNo": customer_id(customers.index),
            "Email": people.emails(plan.seed, customers),
            "Phone": people.phones(customers),
            "Name": people.names(customers),
            "Locale": locales,
            "Country": labels(LOCALE_COUNTRIES, customers.locale),
            "RegisteredAt": plan.calendar.local(customers.registered_at),
            "FoundUsBy": labels(ACQUISITION_CHANNELS, customers.acquisition),
            "Attributes": _attributes(customers),
            "ChangedAt": plan.calendar.local(np.maximum(customers.registered_at, 0.0)),
        }
    )
    second = np.flatnonzero(customers.second_account_from < until)
    opened = plan.calendar.local(customers.second_account_from[second])
    seconds = frame[second].with_columns(
        second_account_id(customers.index[second]).alias("CustomerNo"),
        pl.Series("RegisteredAt", opened),
        pl.Series("ChangedAt", opened),
        pl.lit("web account").alias("FoundUsBy"),
    )
    known = pl.Series((customers.registered_at < until) & ~left_out)
    return pl.concat([frame.filter(known), seconds])


def _attributes(customers: Customers) -> pl.Series:
    """A JSON object per customer: three attributes go with value, the others mean nothing."""
    keys = customers.keys
    frame = pl.DataFrame(
        {
            "loyalty_card": customers.has_card,
            "household": labels(HOUSEHOLDS, customers.household),
            "newsletter": draws.uniform(keys, "newsletter") < _NEWSLETTER_SHARE,
            "pets": draws.uniform(keys, "pets") < _PETS_SHARE,
            "preferred_contact": labels(
                ("email", "phone", "post"), draws.whole(keys, "preferred contact", 3)
            ),
            "device": labels(("phone", "tablet", "desktop"), draws.whole(keys, "device", 3)),
            "birth_month": draws.whole(keys, "birth month", 12) + 1,
        }
    )
    return frame.to_struct("attributes").struct.json_encode()


@dataclass(frozen=True)
class Handling:
    """What became of each order, in days; NaN: not. ``handed_over_at`` is when the customer had the goods."""

    promised_at: Floats
    delivered_at: Floats
    handed_over_at: Floats
    returned_at: Floats

    def taken(self, rows: NDArray[np.int64] | NDArray[np.bool_]) -> Handling:
        return Handling(**{f.name: getattr(self, f.name)[rows] for f in fields(self)})


def handle(orders: Orders) -> Handling:
    """Deliver and take back."""
    keys = orders.keys
    delivers = np.array([d.delivers for d in SALES])[orders.department] & ~orders.is_cancelled
    day = np.floor(orders.ordered_at)
    hour = (8 + 11 * draws.uniform(keys, "delivery hour")) / 24
    in_time = 1 + draws.whole(keys, "delivery days", _PROMISED_DAYS)
    late = _PROMISED_DAYS + 1 + draws.whole(keys, "late days", 8)
    delivered_at = np.where(delivers, day + np.where(orders.problem == LATE, late, in_time) + hour, np.nan)
    handed_over_at = np.where(delivers, delivered_at, orders.ordered_at)
    returned_after = (
        2 + draws.whole(keys, "return days", 12) + (9 + 11 * draws.uniform(keys, "return hour")) / 24
    )
    is_returned = np.isin(orders.problem, (FAULTY, UNSUITABLE, REGRET))
    return Handling(
        promised_at=np.where(delivers, day + _PROMISED_DAYS + _LATEST_HOUR, np.nan),
        delivered_at=delivered_at,
        handed_over_at=handed_over_at,
        returned_at=np.where(is_returned, np.floor(handed_over_at) + returned_after, np.nan),
    )


@dataclass(frozen=True)
class Lines:
    """Order lines, sorted by order. ``order`` is the row in the orders; amounts in EUR."""

    order: NDArray[np.int64]
    number: NDArray[np.int64]
    product: NDArray[np.int64]  # -1: a penalty
    quantity: NDArray[np.int64]
    unit_price: Floats
    discount: Floats
    fee: Floats

    @property
    def net(self) -> Floats:
        return self.quantity * self.unit_price - self.discount


def fill_baskets(plan: Plan, customers: Customers, orders: Orders) -> Lines:
    """What is in each order."""
    effects = plan.effects
    further = np.log(draws.uniform(orders.keys, "lines")) / np.log(_FURTHER_LINE)
    mean_family = effects.family_basket / (1 + effects.family_basket)
    for_family = np.log(draws.uniform(orders.keys, "family lines")) / np.log(mean_family)
    is_family = customers.household[orders.customer] == FAMILY
    count = np.minimum(1 + np.floor(further) + np.where(is_family, np.floor(for_family), 0), _MOST_LINES)
    order = np.repeat(np.arange(len(orders)), count.astype(np.int64))
    first = np.append(0, np.cumsum(count))[:-1].astype(np.int64)
    number = np.arange(len(order)) - first[order] + 1
    keys = draws.child(orders.keys[order], number)

    curiosity = effects.new_category_rate + effects.new_category_per_loyalty * orders.habit_after[order]
    favourite = customers.favourite[orders.customer[order]]
    explores = draws.uniform(keys, "explores") < curiosity
    category = np.where(explores, draws.whole(keys, "category", CATEGORY_COUNT), favourite)
    catalogue = products(plan.seed)
    rank = np.searchsorted(catalogue.popularity, draws.uniform(keys, "product"))
    product = category * _PRODUCTS_PER_CATEGORY + np.minimum(rank, _PRODUCTS_PER_CATEGORY - 1)
    quantity = 1 + draws.choice(keys, "quantity", _QUANTITY_SHARES)
    dear = orders.ordered_at[order] >= plan.price_rise_at
    unit_price = np.where(dear, catalogue.price[product], price_before_rise(plan, catalogue.price)[product])
    discount_share = np.append(np.array([c.discount for c in CAMPAIGNS]), 0.0)[orders.campaign[order]]
    discount = np.round(quantity * unit_price * discount_share, 2)
    basket = np.bincount(order, quantity * unit_price - discount, minlength=len(orders))
    ships = np.array([d.delivers for d in SALES])[orders.department] & (basket < _FREE_SHIPPING_FROM)
    fee = np.where((number == 1) & ships[order], _SHIPPING_FEE, 0.0)
    goods = Lines(order, number, product, quantity, unit_price, discount, fee)
    return _with_penalties(orders, goods, count.astype(np.int64))


def _with_penalties(orders: Orders, goods: Lines, count: NDArray[np.int64]) -> Lines:
    charged = np.flatnonzero(orders.problem == CHARGE)
    nothing = np.zeros(len(charged))
    penalties = Lines(
        charged, count[charged] + 1, np.full(len(charged), -1), np.ones(len(charged), dtype=np.int64),
        np.full(len(charged), _PENALTY), nothing, nothing,
    )  # fmt: skip
    both = {
        f.name: np.concatenate([getattr(goods, f.name), getattr(penalties, f.name)]) for f in fields(Lines)
    }
    sorted_rows = np.argsort(both["order"], kind="stable")
    return Lines(**{name: values[sorted_rows] for name, values in both.items()})


@dataclass(frozen=True)
class Sales:
    """Orders with all that belongs to them."""

    customers: Customers
    orders: Orders
    handling: Handling
    lines: Lines

    @property
    def order_ids(self) -> pl.Series:
        return order_id(self.customers.index[self.orders.customer], self.orders.number)


def account_ids(customers: Customers, orders: Orders) -> pl.Series:
    """The account each order was made with; null: a store sale where nobody showed a card."""
    index = customers.index[orders.customer]
    has_second = orders.ordered_at >= customers.second_account_from[orders.customer]
    uses_second = has_second & (np.array(CHANNELS)[orders.department] == "web")
    forgotten = (np.array(CHANNELS)[orders.department] == "store") & (
        draws.uniform(orders.keys, "card forgotten") < _CARD_FORGOTTEN_SHARE
    )
    accounts = customer_id(index).zip_with(pl.Series(~uses_second), second_account_id(index))
    return accounts.set(pl.Series(forgotten), None)


def order_versions(plan: Plan, sales: Sales, until: float) -> tuple[pl.DataFrame, NDArray[np.int64]]:
    """The orders as exported, and the month of the file each version stands in.

    A monthly file holds the state at the month's end of every order that changed in it.
    """
    calendar, orders, handling = plan.calendar, sales.orders, sales.handling
    placed, delivered, returned = orders.ordered_at, handling.delivered_at, handling.returned_at
    times = np.stack([placed, delivered, returned])
    times[times >= until] = np.nan
    month = np.where(np.isnan(times), -1, calendar.month_of(times))
    # A version is written unless a newer one falls into the same month.
    newest_in_month = (month >= 0) & ~np.stack(
        [
            (month[1] == month[0]) | (month[2] == month[0]),
            month[2] == month[1],
            np.zeros(len(orders), dtype=bool),
        ]
    )
    version, row = np.nonzero(newest_in_month)
    sent = ~np.isnan(handling.promised_at[row])
    status = np.where(sent | (version == _RETURNED), version, _COMPLETED)
    status = np.where(orders.is_cancelled[row], _CANCELED, status)
    department = orders.department[row]
    frame = pl.DataFrame(
        {
            "OrderNo": sales.order_ids[row],
            "CustomerNo": account_ids(sales.customers, orders)[row],
            "OrderDate": calendar.local(placed[row]),
            "Channel": labels(CHANNELS, department),
            "Dept": labels(SALES_CODES, department),
            "CampaignCode": labels(CAMPAIGN_IDS, orders.campaign[row]),
            "Currency": CURRENCY,
            "State": labels(_STATES, status),
            "PromisedBy": calendar.local(handling.promised_at[row]),
            "DeliveredAt": calendar.local(np.where(version >= 1, delivered[row], np.nan)),
            "ChangedAt": calendar.local(times[version, row]),
        }
    )
    in_time_order = np.lexsort((frame["OrderNo"].to_numpy(), times[version, row]))
    return frame[in_time_order], month[version, row][in_time_order]


def lines_frame(sales: Sales) -> pl.DataFrame:
    """Order lines, sorted by order."""
    lines = sales.lines
    is_penalty = pl.Series(lines.product < 0)
    return pl.DataFrame(
        {
            "OrderNo": sales.order_ids[lines.order],
            "Pos": lines.number,
            "ProductNo": product_id(lines.product).set(is_penalty, _PENALTY_PRODUCT),
            "Qty": lines.quantity,
            "UnitPrice": lines.unit_price,
            "Discount": lines.discount,
            "ShippingFee": lines.fee,
            "Kind": labels(("product", "penalty"), (lines.product < 0).astype(np.int64)),
        }
    )


def returns_frame(plan: Plan, sales: Sales, until: float) -> tuple[pl.DataFrame, NDArray[np.int64]]:
    """Returns, and the month of each: a regretted order whole, otherwise its first line."""
    orders, handling, lines = sales.orders, sales.handling, sales.lines
    row = np.flatnonzero(handling.returned_at < until)
    order = sales.order_ids[row]
    is_whole = orders.problem[row] == REGRET
    of_first_line = np.bincount(lines.order, lines.net * (lines.number == 1), minlength=len(orders))[row]
    first_quantity = np.bincount(lines.order, lines.quantity * (lines.number == 1), minlength=len(orders))[
        row
    ]
    of_order = np.bincount(lines.order, lines.net, minlength=len(orders))[row]
    whole = pl.Series(is_whole)
    frame = pl.DataFrame(
        {
            "ReturnNo": "RT" + order.str.slice(2),
            "OrderNo": order,
            "Pos": pl.Series(np.ones(len(row), dtype=np.int64)).set(whole, None),
            "Qty": pl.Series(first_quantity.astype(np.int64)).set(whole, None),
            "Refund": np.round(np.where(is_whole, of_order, of_first_line), 2),
            "Reason": labels(_RETURN_REASONS, orders.problem[row]),
            "ReturnedOn": plan.calendar.local(handling.returned_at[row]),
        }
    )
    return frame, plan.calendar.month_of(handling.returned_at[row])


def contacts_frame(plan: Plan, customers: Customers, number: int) -> pl.DataFrame:
    """The messages of one campaign; times carry their offset from UTC."""
    row = np.flatnonzero(customers.contacted[:, number])
    campaign = CAMPAIGNS[number]
    day = np.floor(2 * draws.uniform(customers.keys[row], f"message day {number}"))
    hour = (8 + 9 * draws.uniform(customers.keys[row], f"message hour {number}")) / 24
    sent_at = plan.calendar.local(plan.campaign_starts[number] - 1 + day + hour)
    return pl.DataFrame(
        {
            "CampaignCode": campaign.campaign_id,
            "CustomerNo": customer_id(customers.index[row]),
            "SentAt": pl.Series(sent_at).dt.replace_time_zone("Europe/Berlin"),
            "Medium": campaign.channel,
        },
        schema_overrides={"CampaignCode": pl.String, "Medium": pl.String},
    )


def campaigns_frame(plan: Plan, contacts: NDArray[np.int64]) -> pl.DataFrame:
    """Campaigns with what they cost; ``contacts`` counts the messages of each."""
    return pl.DataFrame(
        {
            "CampaignCode": [c.campaign_id for c in CAMPAIGNS],
            "Title": [c.name for c in CAMPAIGNS],
            "Kind": [c.kind for c in CAMPAIGNS],
            "From": [plan.calendar.date_of(day) for day in plan.campaign_starts],
            "To": [plan.calendar.date_of(day - 1) for day in plan.campaign_ends],
            "Cost": [
                round(500 + c.cost_per_contact * n, 2)
                for c, n in zip(CAMPAIGNS, contacts.tolist(), strict=True)
            ],
        }
    )


def departments_frame() -> pl.DataFrame:
    return pl.DataFrame(
        {
            "Dept": [*ALL_CODES, "sales", "service"],
            "Name": [*(d.name for d in SALES), *SERVICE_NAMES, "Sales", "Service"],
            "Above": [*(d.parent for d in SALES), *("service" for _ in SERVICE), None, None],
        }
    )


def initiatives_frame(plan: Plan, pilot: NDArray[np.int64]) -> pl.DataFrame:
    """Improvements with their scope as JSON; ``pilot`` is 1, -1 or 0 for each of the first customers."""
    treated = customer_id(np.flatnonzero(pilot == 1)).to_list()
    control = customer_id(np.flatnonzero(pilot == -1)).to_list()
    scopes = [
        {"department": i.department}
        if i.department is not None
        else {"randomised": True, "customers": treated, "control_customers": control}
        for i in INITIATIVES
    ]
    return pl.DataFrame(
        {
            "InitiativeNo": [i.initiative_id for i in INITIATIVES],
            "Title": [i.name for i in INITIATIVES],
            "Owner": [i.owner for i in INITIATIVES],
            "From": [plan.date_of_month(i.start_month) for i in INITIATIVES],
            "To": pl.Series([None] * len(INITIATIVES), dtype=pl.Date),
            "Cost": [i.cost for i in INITIATIVES],
            "Scope": [json.dumps(scope, separators=(",", ":")) for scope in scopes],
        }
    )


_TARGETS = {"nps": 20.0, "csat": 75.0, "return_rate": 8.0, "response_rate": 30.0}


def targets_frame(plan: Plan) -> pl.DataFrame:
    """One target per KPI, sales department and month."""
    months = [plan.calendar.date_of(day) for day in plan.calendar.month_starts[:-1]]
    rows = [
        (kpi, code, month, value)
        for kpi, value in _TARGETS.items()
        for code in SALES_CODES
        for month in months
    ]
    return pl.DataFrame(rows, schema=["Kpi", "Dept", "Month", "Target"], orient="row")
