"""Good and bad sales, computed a second time from the raw rows of a company in which much goes wrong.

In plain Python and polars, and in other ways than the models take: every line asks for itself what speaks for and
against it, and what could still change its verdict is found by trying.
"""

from __future__ import annotations

import csv
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from functools import cached_property
from itertools import combinations
from random import Random
from typing import Any

import polars as pl
import pytest
from dbt_company import Row, customer_key
from dbt_warehouse import PROJECT, Warehouse, failures

AS_OF = date(2024, 6, 30)
LAST_ORDER = date(2024, 6, 20)  # the shop's export ends here
TOKYO = timedelta(hours=9)
CUSTOMERS = 90
PRODUCTS = {"tea": "drinks", "pot": "things", "cup": "things", "gift": None}
WINDOW, HALF_YEAR = 60, 180  # days: seed sales_quality_rules
TENTH, TWENTIETH = Fraction(1, 10), Fraction(1, 20)
RULES = {  # in the order of their rank, with their verdicts
    "refund": "bad", "complaint": "bad", "detractor": "bad", "dissatisfied": "bad", "penalty": "bad", "fee": "bad",
    "reversal": "bad", "satisfied": "good", "promoter": "good", "promotion_only": "bad", "repeat": "good",
    "kept": "good", "anonymous": "undecided",
}  # fmt: skip
RANK = {rule: rank for rank, rule in enumerate(RULES)}
MAY_STILL_COME = dict.fromkeys(
    ("refund", "complaint", "detractor", "dissatisfied", "satisfied", "promoter"), WINDOW
)
DIMENSIONS = ("department", "category", "campaign_id", "sales_channel")
AMOUNTS = ("net_amount", "good_amount", "bad_amount", "undecided_amount", "refunded_amount", "sold_amount",
           "reversed_amount", "bad_sold_amount", "bad_reversed_amount", "anonymous_sold_amount",
           "undecided_anonymous_sold_amount")  # fmt: skip


def _day(at: datetime) -> date:
    return (at + TOKYO).date()


def _raw_tables() -> dict[str, list[Row]]:
    """A year and a half of a shop, seeded."""
    random = Random(5)
    tables: dict[str, list[Row]] = defaultdict(list)
    begin = datetime(2023, 1, 1)
    days = (LAST_ORDER - begin.date()).days
    names = list(PRODUCTS)

    def customer() -> str | None:
        return f"c{int(CUSTOMERS * random.random() ** 2)}" if random.random() > 0.08 else None

    tables["crm.customers"] = [{"customer_id": f"c{n}", "registered_at": begin} for n in range(CUSTOMERS)]
    tables["crm.products"] = [
        {"product_id": product, "category": category} for product, category in PRODUCTS.items()
    ]
    for number in range(520):
        ordered_at = begin + timedelta(seconds=random.randrange(days * 86_400))
        if number == 0:
            ordered_at = datetime(2024, 6, 20, 3)
        order = {
            "order_id": f"o{number}",
            "customer_id": customer(),
            "ordered_at": ordered_at,
            "department": random.choice(["shop", "web", None]),
            "sales_channel": random.choice(["store", "web", None]),
            "campaign_id": random.choice([None, None, None, "spring"]),
            "status": random.choice(["delivered"] * 12 + ["cancelled", None]),
        }
        tables["crm.orders"].append(order)
        discount = random.choice([Decimal(0), Decimal(0), Decimal("0.03"), Decimal("0.05"), Decimal("0.30")])
        for line in range(1, random.choice([2, 2, 3, 4])):
            quantity, price = Decimal(random.choice([1, 10, 20])), Decimal(random.randrange(500, 4000)) / 100
            tables["crm.order_lines"].append(
                {
                    "order_id": order["order_id"],
                    "line_number": line,
                    "product_id": random.choice(names),
                    "quantity": quantity,
                    "unit_price": price,
                    "discount_amount": (quantity * price * discount).quantize(Decimal("0.01")) or None,
                }
            )
        lot = random.random()
        if (
            lot < 0.20
        ):  # something comes back: of this order's goods, of an earlier one's, or of nobody knows which
            tables["crm.order_lines"].append(
                {
                    "order_id": order["order_id"],
                    "line_number": 8,
                    "product_id": random.choice(names),
                    "quantity": Decimal(-1),
                    "unit_price": Decimal(5),
                    "line_type": "product",
                }
            )
        elif lot < 0.28:
            tables["crm.order_lines"].append(
                {
                    "order_id": order["order_id"],
                    "line_number": 9,
                    "product_id": "charge",
                    "quantity": Decimal(random.choice([1, 1, -1])),
                    "unit_price": Decimal("7.50"),
                    "line_type": random.choice(["penalty", "fee", "shipping"]),
                }
            )
        if random.random() < 0.12:
            tables["crm.returns"].append(
                {
                    "return_id": f"r{number}",
                    "order_id": order["order_id"],
                    "line_number": random.choice([None, 1, 1, 77]),
                    "quantity": random.choice([None, 1]),
                    "refund_amount": random.choice(
                        [None, Decimal("0.50"), Decimal("4.51"), Decimal("19.99")]
                    ),
                    "returned_at": ordered_at + timedelta(hours=random.randrange(24, 1700)),
                }
            )
    for number in range(170):
        order = random.choice(tables["crm.orders"])
        names_order = random.random() < 0.5
        opened_at = begin + timedelta(seconds=random.randrange((days + 8) * 86_400))
        if names_order:
            opened_at = order["ordered_at"] + timedelta(hours=random.randrange(24, 1700))
        tables["support.tickets"].append(
            {
                "ticket_id": f"t{number}",
                "customer_id": order["customer_id"] if names_order else customer(),
                "order_id": order["order_id"] if names_order else random.choice([None, None, "gone"]),
                "opened_at": opened_at,
                "is_complaint": random.choice([True, False, None]),
            }
        )
    for number in range(330):
        order, ticket = random.choice(tables["crm.orders"]), random.choice(tables["support.tickets"])
        submitted_at = order["ordered_at"] + timedelta(hours=random.randrange(24, 1700))
        about: Row = random.choice(
            [
                {"order_id": order["order_id"], "customer_id": order["customer_id"]},
                {"ticket_id": ticket["ticket_id"], "customer_id": ticket["customer_id"]},
                {"customer_id": order["customer_id"]},
            ]
        )
        if "ticket_id" in about:  # nobody answers about a ticket before there is one
            submitted_at = ticket["opened_at"] + timedelta(hours=random.randrange(1, 200))
        for metric, score in (
            ("csat", random.choice([1, 2, 3, 4, 5, None])),
            ("nps", random.choice([3, 6, 7, 8, 9])),
        ):
            tables["survey.responses"].append(
                {
                    "response_id": f"q{number}",
                    "question_id": metric,
                    "metric": metric,
                    "score": score,
                    "submitted_at": submitted_at,
                    "respondent_type": "internal" if number % 30 == 0 else None,
                    **about,
                }
            )
    return tables


@dataclass
class _Line:
    """A line with what its order says of it."""

    order: Row
    row: Row
    refunds: list[tuple[date, Fraction]] = field(
        default_factory=list
    )  # day, share of the line that came back
    refunded: Decimal = Decimal(0)
    sale: _Line | None = None  # of goods that come back: what they belong to

    @property
    def key(self) -> tuple[str, int]:
        return self.row["order_id"], self.row["line_number"]

    @property
    def kind(self) -> str:
        return self.row.get("line_type") or "product"

    @property
    def day(self) -> date:
        return _day(self.order["ordered_at"])

    @cached_property
    def net(self) -> Decimal:
        return self.row["quantity"] * self.row["unit_price"] - (self.row.get("discount_amount") or 0)

    @property
    def is_return(self) -> bool:
        return self.kind == "product" and self.row["quantity"] < 0

    @property
    def is_promotion(self) -> bool:
        discount = Fraction(self.row.get("discount_amount") or 0)
        gross = abs(Fraction(self.row["quantity"] * self.row["unit_price"]))
        return self.kind == "product" and discount > 0 and discount >= TWENTIETH * gross


class _Shop:
    """The raw rows by what they are about."""

    def __init__(self, tables: dict[str, list[Row]]) -> None:
        self.tables = tables
        self.orders = {order["order_id"]: order for order in tables["crm.orders"]}
        self.tickets = {
            ticket["ticket_id"]: ticket
            for ticket in tables["support.tickets"]
            if _day(ticket["opened_at"]) <= AS_OF
        }
        lines = (_Line(self.orders[row["order_id"]], row) for row in tables["crm.order_lines"])
        self.lines = [line for line in lines if line.order["status"] != "cancelled"]
        self.sold = [line for line in self.lines if line.kind == "product" and line.row["quantity"] > 0]
        self.said: dict[str, list[tuple[str, date]]] = defaultdict(list)  # by order: rule and day
        self._take_back()
        self._refund()
        self._listen()

    def _take_back(self) -> None:
        for line in self.lines:
            if not line.is_return:
                continue
            same = [sale for sale in self.sold if sale.row["product_id"] == line.row["product_id"]]
            here = [sale for sale in same if sale.order is line.order]
            before = [
                sale
                for sale in same
                if line.order["customer_id"]
                and sale.order["customer_id"] == line.order["customer_id"]
                and sale.order["ordered_at"] < line.order["ordered_at"]
            ]
            candidates = here or before
            if candidates:
                line.sale = max(
                    candidates, key=lambda sale: (sale.order["ordered_at"], -sale.row["line_number"])
                )
                share = Fraction(-line.row["quantity"]) / Fraction(line.sale.row["quantity"])
                line.sale.refunds.append((line.day, share))

    def _refund(self) -> None:
        for refund in self.tables["crm.returns"]:
            day = _day(refund["returned_at"])
            lines = [
                line
                for line in self.lines
                if line.order["order_id"] == refund["order_id"] and line.row["quantity"] > 0
            ]
            if day > AS_OF or not lines:
                continue
            money = refund["refund_amount"]
            named = [line for line in lines if line.row["line_number"] == refund["line_number"]]
            if named:
                (line,) = named
                units = Fraction(refund["quantity"] or line.row["quantity"]) / Fraction(line.row["quantity"])
                line.refunds.append((day, units if money is None else Fraction(money) / Fraction(line.net)))
                line.refunded += money or 0
                continue
            total = sum(line.net for line in lines)
            for line in lines:
                line.refunds.append(
                    (day, Fraction(1) if money is None else Fraction(money) / Fraction(total))
                )
                part = (money or 0) * line.net / total
                line.refunded += part.quantize(Decimal("0.0001"), rounding=ROUND_HALF_UP)
            first = min(lines, key=lambda line: line.row["line_number"])
            first.refunded += (money or 0) - sum(
                ((money or 0) * line.net / total).quantize(Decimal("0.0001"), rounding=ROUND_HALF_UP)
                for line in lines
            )

    def _listen(self) -> None:
        for ticket in self.tickets.values():
            if ticket["is_complaint"]:
                self._note("complaint", ticket, ticket["order_id"], ticket["opened_at"])
        for answer in self.tables["survey.responses"]:
            ticket = self.tickets.get(answer.get("ticket_id"), {})
            order_id = answer.get("order_id") or ticket.get("order_id")
            if answer["respondent_type"] == "internal" or answer["score"] is None:
                continue
            for rule, metric, is_met in (
                ("detractor", "nps", answer["score"] <= 6),
                ("promoter", "nps", answer["score"] >= 9),
                ("dissatisfied", "csat", answer["score"] <= 2),
                ("satisfied", "csat", answer["score"] >= 4),
            ):
                if answer["metric"] == metric and is_met:
                    self._note(rule, answer, order_id, answer["submitted_at"])

    def _note(self, rule: str, who: Row, order_id: str | None, at: datetime) -> None:
        if _day(at) > AS_OF:
            return
        order = self.orders.get(order_id)
        if order is None and who["customer_id"]:
            bought = {sale.order["order_id"]: sale.order for sale in self.sold}.values()
            theirs = [
                purchase
                for purchase in bought
                if purchase["customer_id"] == who["customer_id"] and purchase["ordered_at"] <= at
            ]
            order = max(theirs, key=lambda purchase: purchase["ordered_at"], default=None)
        if order is not None and (_day(at) - _day(order["ordered_at"])).days <= WINDOW:
            self.said[order["order_id"]].append((rule, _day(at)))

    def next_full_price(self, customer: str, after: date) -> date | None:
        days = (
            sale.day for sale in self.sold if sale.order["customer_id"] == customer and not sale.is_promotion
        )
        return min((day for day in days if day > after), default=None)

    def verdict(self, line: _Line) -> Row:
        """What is published of a line."""
        judged = line.sale or line
        customer = judged.order["customer_id"]
        known = (LAST_ORDER - judged.day).days
        fired: dict[str, date] = {}

        def fire(rule: str, day: date) -> None:
            fired[rule] = min(day, fired.get(rule, day))

        came_back = Fraction(0)
        for day, share in sorted(judged.refunds):
            came_back += share
            if (day - judged.day).days <= WINDOW and came_back >= TENTH:
                fire("refund", day)
        for rule, day in self.said[judged.order["order_id"]]:
            fire(rule, day)
        if line.kind in ("penalty", "fee"):
            fire(line.kind, line.day)
        if line.is_return and line.sale is None:
            fire("reversal", line.day)
        following = self.next_full_price(customer, judged.day) if customer else None
        is_back = following is not None and (following - judged.day).days <= HALF_YEAR
        if is_back:
            fire("repeat", following)
        is_bargain = judged.is_promotion and not (line.is_return and line.sale is None)
        may_be_promotion_only = is_bargain and customer is not None and not is_back
        if may_be_promotion_only and known >= HALF_YEAR:
            fire("promotion_only", judged.day + timedelta(HALF_YEAR))
        is_bad = any(RULES[rule] == "bad" for rule in fired)
        if known >= WINDOW and not is_bad and not may_be_promotion_only:
            fire("kept" if customer else "anonymous", judged.day + timedelta(WINDOW))
        decided_by = min(fired, key=RANK.__getitem__, default=None)
        quality = RULES[decided_by] if decided_by else "undecided"
        return {
            "customer_key": line.order["customer_id"] and customer_key(line.order["customer_id"]),
            "net_amount": line.net,
            "refunded_amount": line.refunded,
            "is_promotion": is_bargain,
            "is_return": line.is_return,
            "reversed_order_id": line.sale.key[0] if line.sale else None,
            "reversed_line_number": line.sale.key[1] if line.sale else None,
            "quality": quality,
            "decided_by": decided_by,
            "reasons": ", ".join(sorted(fired, key=RANK.__getitem__)) or None,
            "decided_on": max(fired[decided_by], line.day) if decided_by else None,
            "open_until": self._open_until(judged, decided_by, set(fired), may_be_promotion_only),
        }

    @staticmethod
    def _open_until(
        judged: _Line, decided_by: str | None, fired: set[str], may_be_promotion_only: bool
    ) -> date | None:
        """Try everything that may still come: the last day on which it would change the verdict.

        What nothing has been said of will be kept, in the end.
        """
        verdict = RULES[decided_by or "kept"]
        coming = MAY_STILL_COME | ({"promotion_only": HALF_YEAR} if may_be_promotion_only else {})
        days = [
            judged.day + timedelta(window)
            for rule, window in coming.items()
            if rule not in fired
            and RULES[min([rule, decided_by or "kept"], key=RANK.__getitem__)] != verdict
            and judged.day + timedelta(window) > LAST_ORDER
        ]
        return max(days, default=None)


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    warehouse = Warehouse(tmp_path_factory.mktemp("sales_quality")).create()
    warehouse.load(1, _raw_tables())
    warehouse.set_run(AS_OF)
    only = ("--resource-type", "model", "--resource-type", "seed")
    selected = ("+sales_reconciliation", "+kpi_sales_quality_reasons_monthly")
    assert failures(warehouse.dbt("build", "--select", *selected, *only)) == {}
    return warehouse


@pytest.fixture(scope="module")
def shop() -> _Shop:
    return _Shop(_raw_tables())


@pytest.fixture(scope="module")
def verdicts(shop: _Shop) -> dict[tuple[str, int], Row]:
    return {line.key: shop.verdict(line) for line in shop.lines}


@pytest.fixture(scope="module")
def lines(shop: _Shop, verdicts: dict[tuple[str, int], Row]) -> pl.DataFrame:
    """Every line with its verdict and what sums are told apart by."""
    rows = [
        {
            "month": line.day.replace(day=1),
            "department": line.order["department"] or "(unknown)",
            "category": (PRODUCTS[line.row["product_id"]] or "(unknown)")
            if line.kind == "product"
            else "(no product)",
            "campaign_id": line.order["campaign_id"] or "(none)",
            "sales_channel": line.order["sales_channel"] or "(unknown)",
            **{
                name: verdicts[line.key][name]
                for name in ("customer_key", "quality", "decided_by", "net_amount")
            },
            "refunded_amount": verdicts[line.key]["refunded_amount"],
        }
        for line in shop.lines
    ]
    frame = pl.DataFrame(rows, infer_schema_length=None).with_columns(
        pl.col("net_amount", "refunded_amount").cast(pl.Decimal(38, 4))
    )
    zero = pl.lit(Decimal(0), dtype=pl.Decimal(38, 4))
    sold, taken_back = pl.max_horizontal("net_amount", zero), pl.min_horizontal("net_amount", zero)
    return frame.with_columns(sold_amount=sold, reversed_amount=taken_back)


def test_every_line_has_its_verdict_and_its_reasons(
    judged: Warehouse, verdicts: dict[tuple[str, int], Row]
) -> None:
    columns = ", ".join(next(iter(verdicts.values())))
    published = {
        (row.pop("order_id"), row.pop("line_number")): row
        for row in judged.query(
            f"select order_id, line_number, {columns} from marts.fct_sales_quality"
        ).to_dicts()
    }
    assert published.keys() == verdicts.keys()
    wrong = [
        (key, column, published[key][column], value)
        for key, row in verdicts.items()
        for column, value in row.items()
        if published[key][column] != value
    ]
    assert wrong == []
    assert {row["decided_by"] for row in verdicts.values()} == {None, *RULES}
    assert {(row["is_return"], row["quality"]) for row in verdicts.values() if row["reversed_order_id"]} == {
        (True, "good"), (True, "bad"), (True, "undecided"),
    }  # fmt: skip
    assert any(row["quality"] == "good" and row["open_until"] for row in verdicts.values())


def _amounts() -> list[pl.Expr]:
    def of(quality: str, amount: str) -> pl.Expr:
        return pl.col(amount).filter(pl.col("quality") == quality).sum()

    return [
        pl.len().cast(pl.Int64).alias("lines"),
        *(pl.col(name).sum() for name in ("net_amount", "refunded_amount", "sold_amount", "reversed_amount")),
        *(of(quality, "net_amount").alias(f"{quality}_amount") for quality in ("good", "bad", "undecided")),
        of("bad", "sold_amount").alias("bad_sold_amount"),
        of("bad", "reversed_amount").alias("bad_reversed_amount"),
        pl.col("sold_amount").filter(pl.col("customer_key").is_null()).sum().alias("anonymous_sold_amount"),
        pl.col("sold_amount")
        .filter(pl.col("decided_by") == "anonymous")
        .sum()
        .alias("undecided_anonymous_sold_amount"),
        pl.col("customer_key").n_unique().cast(pl.Int64).alias("customers")
        - pl.col("customer_key").is_null().any().cast(pl.Int64),
    ]


def _levels(most: int) -> list[tuple[str, ...]]:
    return [kept for count in range(most + 1) for kept in combinations(DIMENSIONS, count)]


def _named(frame: pl.DataFrame, kept: tuple[str, ...]) -> pl.DataFrame:
    level = "_".join(("month", *(name.removesuffix("_id") for name in kept)))
    others = [pl.lit("(all)").alias(name) for name in DIMENSIONS if name not in kept]
    return frame.with_columns(pl.lit(level).alias("level"), *others)


def test_months_add_up_at_every_level(judged: Warehouse, lines: pl.DataFrame) -> None:
    levels = []
    for kept in _levels(4):
        cells = _named(lines.group_by("month", *kept).agg(_amounts()), kept)
        is_counted = pl.lit(len(kept) <= 1)
        levels.append(cells.with_columns(pl.when(is_counted).then("customers").alias("customers")))
    key = ["month", "level", *DIMENSIONS]
    columns = [*key, "lines", "customers", *AMOUNTS]
    expected = pl.concat(levels, how="diagonal").select(columns).sort(key)
    published = judged.query(f"select {', '.join(columns)} from kpi.kpi_sales_quality_monthly").sort(key)
    assert published.rows() == expected.rows()
    shares = judged.query(
        "select * from kpi.kpi_sales_quality_monthly where level = 'month_department' and sold_amount > 0"
    )
    sold = pl.col("sold_amount").cast(pl.Float64)
    for share in ("good", "bad", "undecided"):
        again = shares.select(
            (100 * pl.col(f"{share}_sold_amount").cast(pl.Float64) / sold).round(4)
        ).to_series()
        assert shares[f"{share}_share"].to_list() == pytest.approx(again.to_list(), abs=1e-4)


def test_reasons_add_up_at_every_level(judged: Warehouse, lines: pl.DataFrame) -> None:
    amounts = ("net_amount", "sold_amount", "reversed_amount")
    key = ["month", "level", *DIMENSIONS, "quality", "decided_by"]
    named = lines.with_columns(pl.col("decided_by").fill_null("(open)"))
    expected = pl.concat(
        [
            _named(
                named.group_by("month", *kept, "quality", "decided_by").agg(
                    pl.len().cast(pl.Int64).alias("lines"), pl.col(amounts).sum()
                ),
                kept,
            )
            for kept in _levels(1)
        ],
        how="diagonal",
    )
    columns = [*key, "lines", *amounts]
    published = judged.query(f"select {', '.join(columns)} from kpi.kpi_sales_quality_reasons_monthly")
    assert published.sort(key).rows() == expected.select(columns).sort(key).rows()


def test_good_bad_and_undecided_are_the_crms_total(judged: Warehouse, lines: pl.DataFrame) -> None:
    totals = dict(lines.group_by("month").agg(pl.col("net_amount").sum()).rows())
    accounts = judged.query("select * from meta.sales_reconciliation order by month").to_dicts()
    assert {row["month"]: row["crm_total"] for row in accounts} == totals
    for row in accounts:
        assert row["good_amount"] + row["bad_amount"] + row["undecided_amount"] == row["net_sales"]
        assert row["net_sales"] == row["crm_total"]
        assert row["difference_judged"] == row["difference_crm"] == 0
        assert row["crm_lines"] == row["fact_lines"] == row["judged_lines"]


def test_as_of_an_earlier_date_what_came_later_is_not_known(tmp_path: Any, shop: _Shop) -> None:
    """A night of three months before sees the windows of that day: nothing that it decided for good changes later."""
    warehouse = Warehouse(tmp_path).create()
    warehouse.load(1, _raw_tables())
    only = ("--resource-type", "model", "--resource-type", "seed")
    seen = []
    for as_of in (date(2024, 3, 31), AS_OF):
        warehouse.set_run(as_of)
        assert failures(warehouse.dbt("build", "--select", "+fct_sales_quality", *only)) == {}
        seen.append(warehouse.query("select * from marts.fct_sales_quality order by order_id, line_number"))
    before, after = seen
    assert before["order_date"].max() <= date(2024, 3, 31)
    assert before["decided_on"].max() <= date(2024, 3, 31)
    both = before.join(after, on=["order_id", "line_number"], suffix="_later")
    assert both.height == before.height
    # goods that come back may name a sale of theirs late, never before
    final = both.filter(pl.col("open_until").is_null() & pl.col("decided_by").is_not_null())
    assert final.height > 100
    assert final.filter(pl.col("quality") != pl.col("quality_later")).is_empty()
    changed = both.filter(pl.col("quality") != pl.col("quality_later"))
    assert changed.height > 0
    assert changed["open_until"].null_count() == 0


# what is wrong with the seed, and the rule that the test names
MISTAKES = [
    ("update {t} set verdict = 'fine' where rule = 'kept'", "kept"),
    ("update {t} set window_days = null where rule = 'refund'", "refund"),
    ("update {t} set threshold = 10 where rule = 'refund'", "refund"),
    ("update {t} set evidence_value = null where rule = 'detractor'", "detractor"),
    ("update {t} set evidence = 'hearsay' where rule = 'complaint'", "complaint"),
    ("update {t} set window_days = 30 where rule = 'penalty'", "penalty"),
    ("update {t} set verdict = 'undecided' where rule = 'refund'", "refund"),
    (
        "insert into {t} select * replace ('refund again' as rule, 20 as rank) from {t} where rule = 'refund'",
        "refund",
    ),
    ("delete from {t} where rule = 'anonymous'", "anonymous"),
    ("update {t} set reason = null where rule = 'repeat'", "repeat"),
]


@pytest.mark.parametrize(("mistake", "rule"), MISTAKES, ids=[mistake for mistake, _ in MISTAKES])
def test_a_seed_with_a_mistake_is_named(tmp_path: Any, mistake: str, rule: str) -> None:
    """The test itself, on the seed as a user may have left it."""
    import duckdb

    sql = (PROJECT / "tests" / "sales_quality_rules_are_whole.sql").read_text(encoding="utf-8")
    query = sql[sql.index("with rules as") :].replace(
        "{{ ref('sales_quality_rules') }}", "sales_quality_rules"
    )
    with duckdb.connect() as connection:
        connection.execute(
            "create table sales_quality_rules as select * from read_csv(?)",
            [str(PROJECT / "seeds" / "sales_quality_rules.csv")],
        )
        assert connection.sql(query).fetchall() == []
        connection.execute(mistake.format(t="sales_quality_rules"))
        assert [row[0] for row in connection.sql(query).fetchall()] == [rule]


def test_the_rules_recomputed_here_are_those_of_the_seed() -> None:
    with (PROJECT / "seeds" / "sales_quality_rules.csv").open(encoding="utf-8") as file:
        seed = sorted(csv.DictReader(file), key=lambda row: int(row["rank"]))
    assert {row["rule"]: row["verdict"] for row in seed} == RULES
    assert [row["rule"] for row in seed] == list(RULES)
