"""The raw tables of a test warehouse as plain rows: what published numbers are computed a second time from.

Belongs here: who is who, which day it was, which orders and answers count. Does not: the numbers themselves; each
test computes its own, in another way than the models take.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import polars as pl
from dbt_history import AS_OF
from dbt_warehouse import Warehouse

CANCELLED = {"canceled", "cancelled"}

Row = dict[str, Any]


def customer_key(person: str) -> str:
    return hashlib.md5(f"secret{person}".encode()).hexdigest()


def _money(value: Decimal) -> Decimal:
    return value.quantize(Decimal("0.0001"), rounding=ROUND_HALF_UP)


def _local_date(column: str) -> pl.Expr:
    return pl.col(column).dt.replace_time_zone("UTC").dt.convert_time_zone("Asia/Tokyo").dt.date()


class Company:
    """The raw tables of a warehouse as rows, with every customer under their key."""

    def __init__(self, warehouse: Warehouse) -> None:
        self.warehouse = warehouse
        customers = self._rows("raw_crm.customers")
        self.person = {row["customer_id"]: row["person_id"] or row["customer_id"] for row in customers}
        self.mailboxes: dict[str, set[str]] = defaultdict(set)
        self.telephones: dict[str, set[str]] = defaultdict(set)
        for row in customers:
            if row["email"]:
                self.mailboxes[row["email"].strip().lower()].add(self.key(row["customer_id"]))
            if row["phone"]:
                self.telephones["".join(filter(str.isdigit, row["phone"]))].add(self.key(row["customer_id"]))
        self.lines = defaultdict(list)
        for line in self._rows("raw_crm.order_lines"):
            self.lines[line["order_id"]].append(line)
        self.costs = {row["product_id"]: row["unit_cost"] for row in self._rows("raw_crm.products")}
        self.refunds: Counter[str] = Counter()
        for row in self._rows("raw_crm.returns", "returned_at"):
            self.refunds[row["order_id"]] += row["refund_amount"]
        self.all_orders = {
            row["order_id"]: row for row in self._rows("raw_crm.orders", "ordered_at", date.max)
        }
        self.tickets = {row["ticket_id"]: row for row in self._rows("raw_support.tickets")}
        self.invitations = {row["invitation_id"]: row for row in self._rows("raw_survey.invitations")}

    def _rows(self, table: str, event: str | None = None, until: date = AS_OF) -> list[Row]:
        frame = self.warehouse.query(f"select * from {table}")
        if event is not None:
            frame = frame.with_columns(day=_local_date(event)).filter(pl.col("day") <= until)
        return frame.to_dicts()

    def key(self, account: str) -> str:
        return customer_key(self.person.get(account, account))

    def orders_by_customer(self) -> dict[str, list[Row]]:
        """The orders that are not cancelled, by customer, with what their lines come to."""
        by_customer: dict[str, list[Row]] = defaultdict(list)
        for order in self._kept_orders():
            if order["customer_id"]:
                by_customer[self.key(order["customer_id"])].append(self._with_lines(order))
        return by_customer

    def anonymous_orders(self) -> list[Row]:
        """The orders of nobody known that are not cancelled, with what their lines come to."""
        return [self._with_lines(order) for order in self._kept_orders() if not order["customer_id"]]

    def refunds_paid(self) -> list[Row]:
        """Refunds of all orders by the business date, with their day."""
        return self._rows("raw_crm.returns", "returned_at")

    def _kept_orders(self) -> list[Row]:
        return [
            order
            for order in self._rows("raw_crm.orders", "ordered_at")
            if (order["status"] or "").strip().lower() not in CANCELLED
        ]

    def _with_lines(self, order: Row) -> Row:
        nets, costed, margins = [], [], []
        for line in self.lines[order["order_id"]]:
            net = _money(line["quantity"] * line["unit_price"]) - (line["discount_amount"] or 0)
            cost = self.costs.get(line["product_id"])
            nets.append((net, line["quantity"] < 0 and line["line_type"] in (None, "product")))
            if cost is not None:
                costed.append(abs(net))
                margins.append(net - _money(line["quantity"] * cost))
        refund = self.refunds[order["order_id"]]
        return {
            "order_id": order["order_id"],
            "day": order["day"],
            "is_purchase": any(
                line["quantity"] > 0 and line["line_type"] in (None, "product")
                for line in self.lines[order["order_id"]]
            ),
            "net": sum(net for net, _ in nets),
            "revenue": sum(net for net, _ in nets) - refund,
            "returned": refund - sum(net for net, is_return in nets if is_return),
            "discount": sum(line["discount_amount"] or 0 for line in self.lines[order["order_id"]]),
            "margin": sum(margins) - refund if margins else None,
            "moved": sum(abs(net) for net, _ in nets),
            "moved_with_cost": sum(costed),
        }

    def match(self, row: Row) -> str | None:
        """The customer_key behind an answer or ticket, by the first reference that names one person."""
        if row["customer_id"]:
            return self.key(row["customer_id"])
        order = self.all_orders.get(row.get("order_id"))
        if order and order["customer_id"]:
            return self.key(order["customer_id"])
        if "response_id" in row:
            for referred_to in (
                self.tickets.get(row["ticket_id"]),
                self.invitations.get(row["invitation_id"]),
            ):
                if referred_to and (key := self.match(referred_to)):
                    return key
        mailbox = (row["email"] or "").strip().lower()
        telephone = "".join(filter(str.isdigit, row["phone"] or ""))
        for owners in (self.mailboxes.get(mailbox, set()), self.telephones.get(telephone, set())):
            if len(owners) == 1:
                return next(iter(owners))
        return None

    def sent_invitations(self) -> list[Row]:
        """Invitations sent by the business date."""
        return self._rows("raw_survey.invitations", "sent_at")

    def responses(self) -> list[Row]:
        """Answers to questions, those of colleagues and empty ones too, with the key of the customer who gave them."""
        return [
            {**row, "customer_key": None if row["respondent_type"] == "internal" else self.match(row)}
            for row in self._rows("raw_survey.responses", "submitted_at")
        ]

    def answers(self, respondent_type: str = "external") -> list[Row]:
        """Answered questions of customers or colleagues, with the key of who answered."""
        return [
            {**row, "customer_key": self.match(row)}
            for row in self._rows("raw_survey.responses", "submitted_at")
            if row["score"] is not None and (row["respondent_type"] or "external") == respondent_type
        ]


def on_usual_scale(answer: Row, lowest: int, highest: int) -> Decimal:
    """The score stretched from the answer's own scale to ``lowest..highest``, with four decimals."""
    if answer["scale_min"] is None:
        return answer["score"]
    place = (answer["score"] - answer["scale_min"]) / (answer["scale_max"] - answer["scale_min"])
    return _money(lowest + (highest - lowest) * place)
