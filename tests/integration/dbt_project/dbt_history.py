"""Three nights of a small company: each load is what one night's ingestion changed.

Hand-written rows for what goes wrong in practice (each odd one says which case it is), and seeded ones
beside them, so that scores have something to rank and intervals something to count.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from random import Random
from typing import Any

from pipelines.contracts import contract_named

AS_OF = date(2024, 6, 30)
EARLIER_AS_OF = date(2024, 4, 30)

Row = dict[str, Any]


def _at(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _customer(customer_id: str, registered_at: str, **more: Any) -> Row:
    return {"customer_id": customer_id, "registered_at": _at(registered_at), **more}


def _order(
    order_id: str, customer_id: str | None, ordered_at: str, status: str = "delivered", **more: Any
) -> Row:
    return {
        "order_id": order_id,
        "customer_id": customer_id,
        "ordered_at": _at(ordered_at),
        "status": status,
        "department": "shop",
        "currency": "JPY",
        **more,
    }


def _line(order_id: str, number: int, product_id: str, quantity: str, unit_price: str, **more: Any) -> Row:
    return {
        "order_id": order_id,
        "line_number": number,
        "product_id": product_id,
        "quantity": quantity,
        "unit_price": unit_price,
        **more,
    }


def _answer(response_id: str, metric: str, score: str | None, submitted_at: str, **more: Any) -> Row:
    return {
        "response_id": response_id,
        "question_id": metric,
        "survey_id": "s1",
        "metric": metric,
        "score": score,
        "submitted_at": _at(submitted_at),
        **more,
    }


def _ticket(ticket_id: str, opened_at: str, **more: Any) -> Row:
    return {"ticket_id": ticket_id, "opened_at": _at(opened_at), **more}


def _assignment(ticket_id: str, number: int, department: str | None, assigned_at: str) -> Row:
    return {
        "ticket_id": ticket_id,
        "sequence_number": number,
        "department": department,
        "assigned_at": _at(assigned_at),
    }


def _event(ticket_id: str, event_id: str, occurred_at: str, kind: str, **more: Any) -> Row:
    return {
        "ticket_id": ticket_id,
        "event_id": event_id,
        "occurred_at": _at(occurred_at),
        "kind": kind,
        **more,
    }


FIRST_NIGHT: dict[str, list[Row]] = {
    "crm.customers": [
        _customer(
            "a1",
            "2023-01-10",
            person_id="p1",
            email="One@example.org ",
            country="JP",
            acquisition_channel="web",
        ),
        _customer(
            "a2", "2023-05-01", person_id="p1", email="one.new@example.org", country="GB", locale="en-GB"
        ),
        _customer("a3", "2023-02-01", email="home@example.org", phone="+81 3-1111-2222"),
        _customer("a4", "2023-02-02", email="HOME@example.org"),  # shares the mailbox of a3
        _customer("a5", "2023-03-01", email="five@example.org"),
        _customer("a6", "2023-03-02", email="six@example.org"),
        _customer("a8", "2024-05-20", email="eight@example.org"),  # registers after the earlier business date
    ],
    "crm.products": [
        {"product_id": "tea", "name": "Tea", "category": "food", "list_price": "10.00", "unit_cost": "4.00"},
        {"product_id": "cup", "name": "Cup", "category": "home", "list_price": "20.00", "unit_cost": None},
    ],
    "crm.orders": [
        _order("o1", "a1", "2023-01-31T15:30:00"),  # already February in Tokyo
        _order(
            "o2", "a2", "2024-02-10T01:00:00", promised_at=_at("2024-02-12"), delivered_at=_at("2024-02-15")
        ),
        _order(
            "o3", "a3", "2024-03-05T01:00:00", promised_at=_at("2024-03-09"), delivered_at=_at("2024-03-07")
        ),
        _order("o4", "a4", "2024-03-06T01:00:00", status=" Canceled"),
        _order("o5", "a5", "2024-04-30T14:59:59"),  # the last second of 30 April in Tokyo
        _order("o6", "a5", "2024-04-30T15:00:00"),  # the first of 1 May
        _order("o7", None, "2024-04-01T01:00:00", campaign_id="spring"),  # an anonymous sale
        _order(
            "o8", "stranger", "2024-04-02T01:00:00", status="at the moon"
        ),  # an account the CRM does not know
        _order("o9", "a6", "2024-04-03T01:00:00"),  # no lines yet
    ],
    "crm.order_lines": [
        _line("o1", 1, "tea", "2", "9.99"),
        _line("o1", 2, "cup", "1", "19.995", discount_amount="1.50"),
        _line("o2", 1, "tea", "10", "9.5", fee_amount="3"),
        _line("o2", 2, "post", "1", "5", line_type="shipping"),  # a product the catalogue does not list
        _line("o3", 1, "tea", "3", "10"),
        _line("o4", 1, "tea", "1", "10"),
        _line("o5", 1, "cup", "2", "20"),
        _line("o6", 1, "tea", "1", "10"),
        _line("o6", 2, "cup", "-1", "20"),  # a return written as an order line
        _line("o7", 1, "tea", "1", "10"),
        _line("o8", 1, "late product", "1.2345", "2.3456"),  # its cost comes a night later
        _line("o12", 1, "tea", "7", "10"),  # its order comes two nights later
    ],
    "crm.returns": [
        {"return_id": "r1", "order_id": "o2", "refund_amount": "20", "returned_at": _at("2024-03-01")},
    ],
    "crm.campaigns": [
        {
            "campaign_id": "spring",
            "name": "Spring",
            "starts_on": date(2024, 3, 1),
            "ends_on": date(2024, 4, 30),
        },
    ],
    "crm.campaign_contacts": [
        {"campaign_id": "spring", "customer_id": "a1", "sent_at": _at("2024-03-01"), "channel": "mail"},
        {
            "campaign_id": "spring",
            "customer_id": "a2",
            "sent_at": _at("2024-03-01"),
            "channel": "mail",
        },  # same person
        {"campaign_id": "unheard of", "customer_id": "a5", "sent_at": _at("2024-03-02"), "channel": "mail"},
    ],
    "survey.responses": [
        _answer(
            "q1", "nps", "0", "2024-03-10", customer_id="a1", email="home@example.org", department="shop"
        ),
        _answer("q1", "csat", "5", "2024-03-10", customer_id="a1", department="shop"),
        _answer("q1", "ces", None, "2024-03-10", customer_id="a1", department="shop"),
        _answer(
            "q2", "nps", "9", "2024-03-11", order_id="o3", email="five@example.org", touchpoint="purchase"
        ),
        _answer("q3", "nps", "8", "2024-03-12", ticket_id="t1", department="help", locale="ja-JP"),
        _answer("q4", "nps", "10", "2024-03-13", email=" FIVE@example.org"),
        _answer("q5", "nps", "3", "2024-03-14", email="home@example.org"),
        _answer("q6", "csat", "2", "2024-03-15", phone="81311112222"),
        _answer("q7", "csat", "8", "2024-03-16", order_id="o7", scale_min="1", scale_max="10"),
        _answer("q8", "csat", "4", "2024-03-17", order_id="nowhere"),
        _answer("q9", "csat", "4", "2024-03-18", email="eight@example.org"),
        _answer("q10", "enps", "9", "2024-03-19", respondent_type="internal", email="six@example.org"),
        _answer("q11", "nps", "7", "2022-03-19", customer_id="a6"),  # older than twelve months
        _answer("q12", "open_text", None, "2024-03-20", comment="kind people"),
    ],
    "support.tickets": [
        _ticket(
            "t1",
            "2024-03-01T00:00:00",
            email="six@example.org",
            first_replied_at=_at("2024-03-01T01:30:00"),
            resolved_at=_at("2024-05-03T00:00:00"),
            is_complaint=True,
        ),
        _ticket("t2", "2024-03-02T00:00:00", department="help", satisfaction_score="0", reopen_count=2),
        _ticket("t3", "2024-05-02T00:00:00", customer_id="a5"),
    ],
    "support.ticket_assignments": [
        _assignment("t1", 1, "help", "2024-03-01T00:10:00"),
        _assignment("t1", 2, None, "2024-03-01T00:20:00"),
        _assignment("t1", 3, "help", "2024-03-01T00:30:00"),
        _assignment(
            "t1", 5, "repairs", "2024-03-01T00:40:00"
        ),  # numbered after the next one but before it in time
        _assignment("t1", 4, "help", "2024-03-01T00:50:00"),
        _assignment("t3", 1, "shop", "2024-05-02T00:00:00"),
    ],
    "support.ticket_events": [
        _event("t2", "e1", "2024-03-02T00:00:00", "created", status="new", agent_id="jane"),
        _event("t2", "e2", "2024-03-02T01:00:00", "agent_replied", agent_id="jane"),
        _event("t2", "e5", "2024-03-02T09:00:00", "status_changed", status="solved", department="repairs"),
        _event(
            "t3", "e1", "2024-07-02T00:00:00", "status_changed", status="closed"
        ),  # after the business date
    ],
    "org.departments": [{"department": "shop", "name": "Shop floor"}],
}

SECOND_NIGHT: dict[str, list[Row]] = {
    "crm.customers": [
        _customer("a6", "2023-03-02", person_id="p5", email="six@example.org")
    ],  # same person as a5 soon
    "crm.products": [
        {"product_id": "tea", "name": "Tea", "category": "food", "list_price": "10.00", "unit_cost": "5.00"},
        {"product_id": "late product", "name": "Late", "category": "food", "unit_cost": "1.1111"},
    ],
    "crm.orders": [
        _order(
            "o3",
            "a3",
            "2024-03-05T01:00:00",
            status="delivered",
            promised_at=_at("2024-03-09"),
            delivered_at=_at("2024-05-07"),
        ),
        _order("o10", "a8", "2024-05-25T01:00:00"),
    ],
    "crm.order_lines": [
        _line("o3", 2, "cup", "1", "20"),  # a line added to an old order
        _line("o7", 1, "tea", "2", "10"),  # a corrected quantity
        _line("o9", 1, "tea", "1", "10"),
        _line("o10", 1, "tea", "1", "10"),
    ],
    "crm.returns": [
        {"return_id": "r2", "order_id": "o1", "refund_amount": "9.99", "returned_at": _at("2024-06-01")},
        {
            "return_id": "r3",
            "order_id": "o3",
            "refund_amount": "5",
            "returned_at": _at("2024-07-05"),
        },  # after as_of
    ],
    "survey.responses": [
        _answer("q13", "nps", "9", "2024-05-10", customer_id="a1", department="shop"),
        _answer("q14", "csat", "1", "2024-05-11", customer_id="a5", department="shop"),
    ],
}

THIRD_NIGHT: dict[str, list[Row]] = {
    "crm.customers": [_customer("a5", "2023-03-01", person_id="p5", email="five@example.org")],
    "crm.orders": [
        _order("o12", "a4", "2024-03-20T01:00:00"),  # the order that line o12 has waited for
        _order("o13", "a5", "2024-07-02T01:00:00"),  # after as_of
        _order("o14", "a3", "2024-06-20T01:00:00", status="cancelled"),  # never had lines
    ],
    "crm.order_lines": [
        _line("o13", 1, "tea", "1", "10"),
        _line("o99", 1, "tea", "4", "2.5"),
    ],  # o99 never comes
    "support.ticket_assignments": [_assignment("t3", 2, "repairs", "2024-07-01T00:00:00")],
    "support.ticket_events": [  # what came late, and a reopening
        _event("t2", "e4", "2024-03-02T02:00:00", "agent_replied", agent_id="kim", department="help"),
        _event("t2", "e6", "2024-03-03T00:00:00", "status_changed", status="open"),
        _event("t2", "e7", "2024-03-03T12:00:00", "status_changed", status="solved"),
    ],
}

POINTS_OF_CONNECTION = tuple(
    (f"poc_{item}", 5)
    for item in ("listening", "importance", "conflict", "honesty", "reliability", "authenticity")
)

CROWD = 150  # enough customers for all five scores, few enough to build in a second


def _crowd_night(random: Random, orders: range, answers: range) -> dict[str, list[Row]]:
    """Orders, lines, refunds, answers and tickets of the crowd; a second night may send an identifier again."""
    night: dict[str, list[Row]] = defaultdict(list)
    start = datetime(2023, 1, 1)

    def moment() -> datetime:
        return start + timedelta(seconds=random.randrange(560 * 86_400))

    for number in orders:
        customer = f"c{int(CROWD * random.random() ** 2)}"
        status = random.choice(["delivered", "delivered", "shipped", "cancelled", None])
        ordered_at = moment()
        night["crm.orders"].append(
            _order(
                f"x{number}",
                customer if random.random() > 0.1 else None,
                ordered_at.isoformat(),
                status=status,
                department=random.choice(["shop", "web", None]),
                promised_at=ordered_at + timedelta(days=5),
                delivered_at=ordered_at + timedelta(hours=random.randrange(240)),
            )
        )
        for line in range(1, random.randrange(1, 4)):
            night["crm.order_lines"].append(
                _line(
                    f"x{number}",
                    line,
                    random.choice(["tea", "cup", "post"]),
                    str(random.choice([1, 1, 2, 3, -1])),
                    f"{random.randrange(5, 40)}.{random.randrange(100):02}",
                    discount_amount=random.choice([None, "0.75"]),
                    line_type=random.choice([None, "product", "shipping"]),
                )
            )
        if random.random() < 0.1:
            night["crm.returns"].append(
                {
                    "return_id": f"xr{number}",
                    "order_id": f"x{number}",
                    "refund_amount": "3.25",
                    "returned_at": moment(),
                }
            )
    for number in answers:
        reference: Row = random.choice(
            [
                {"customer_id": f"c{random.randrange(CROWD)}"},
                {"email": f"C{random.randrange(CROWD)}@example.org"},
                {"order_id": f"x{random.choice(orders)}"},
                {},
            ]
        )
        about = {
            "department": random.choice(["shop", "web", None]),
            "touchpoint": random.choice(["purchase", "support"]),
            "locale": random.choice(["ja-JP", "en-GB"]),
            **reference,
        }
        submitted_at = moment().isoformat()
        nps = random.choice(["0", "5", "7", "8", "9", "10", None])
        csat = random.choice(["1", "3", "4", "5", None])
        night["survey.responses"].append(_answer(f"xq{number}", "nps", nps, submitted_at, **about))
        night["survey.responses"].append(_answer(f"xq{number}", "csat", csat, submitted_at, **about))
    return night


def _scorecards_night(random: Random, questionnaires: range) -> dict[str, list[Row]]:
    """Relationship questionnaires of customers and of colleagues: some items skipped, some on a scale of their own.

    Few people, so that many answer again in the next half-year. A mood is behind all answers of a questionnaire; one
    that a second night sends again is by the same person.
    """
    night: dict[str, list[Row]] = defaultdict(list)
    for number in questionnaires:
        person = Random(number)
        is_colleague = person.random() < 0.3
        about: Row = {
            "department": random.choice(["shop", "web", None]),
            "touchpoint": "colleagues"
            if is_colleague
            else random.choice(["relationship"] * 3 + ["purchase"]),
            "respondent_type": "internal" if is_colleague else random.choice(["external", None]),
            "customer_id": None if is_colleague or person.random() < 0.1 else f"c{person.randrange(60)}",
        }
        submitted_at = datetime(2023, 1, 1) + timedelta(seconds=random.randrange(560 * 86_400))
        mood = random.gauss(0, 1)
        for metric, top in (("enps" if is_colleague else "nps", 10), ("ces", 7), *POINTS_OF_CONNECTION):
            of_its_own = metric.startswith("poc_") and random.random() < 0.05
            highest = 10 if of_its_own else top
            score = min(highest, max(1, round(highest * (0.7 + 0.15 * mood + 0.1 * random.gauss(0, 1)))))
            night["survey.responses"].append(
                _answer(
                    f"xw{number}",
                    metric,
                    None if random.random() < 0.06 else str(score),
                    submitted_at.isoformat(),
                    **about,
                    **({"scale_min": "1", "scale_max": "10"} if of_its_own else {}),
                )
            )
    return night


def _invitations_night(random: Random, invitations: range) -> dict[str, list[Row]]:
    """Invitations of customers and colleagues, and what came back: with the invitation, without it, late or empty.

    In the last months those who answer about the desk are as satisfied as before and recommend it no more. One
    that a second night sends again went to the same person for the same survey.
    """
    night: dict[str, list[Row]] = defaultdict(list)
    for number in invitations:
        fixed = Random(number)
        is_colleague = fixed.random() < 0.1
        customer = fixed.randrange(60)
        person: Row = fixed.choice([{"customer_id": f"c{customer}"}, {"email": f"c{customer}@example.org"}])
        if fixed.random() < 0.1:
            person = {"email": "nobody@example.org"}
        about: Row = {
            "survey_id": "s3" if is_colleague else fixed.choice(["s2", None]),
            "department": fixed.choice(["desk", "desk", "shop", None]),
            "touchpoint": fixed.choice(["purchase", "purchase", "support", None]),
            "locale": fixed.choice(["ja-JP", "en-GB", None]),
        }
        sent_at = datetime(2023, 3, 1) + timedelta(seconds=fixed.randrange(500 * 86_400))
        night["survey.invitations"].append(
            {"invitation_id": f"i{number}", "sent_at": sent_at, **about, **person}
        )
        if random.random() < 0.35:
            continue
        answered_at = sent_at + timedelta(
            days=random.choice([1, 5, 29, 45]), seconds=random.randrange(86_400)
        )
        reference: Row = random.choice(
            [{"invitation_id": f"i{number}"}, person, {"invitation_id": f"i{number}", **person}]
        )
        is_sunk = about["department"] == "desk" and answered_at >= datetime(2024, 3, 1)
        scores = {
            "nps": random.choice(["0", "3", "6", "8"] if is_sunk else ["6", "8", "9", "9", "10", None]),
            "csat": random.choice(["2", "4", "4", "5", None]),
            "ces": random.choice(["3", "5", "6", "7", None]),
        }
        for metric, score in scores.items():
            night["survey.responses"].append(
                _answer(
                    f"xi{number}",
                    metric,
                    None if number % 25 == 0 else score,  # every twenty-fifth is handed in empty
                    answered_at.isoformat(),
                    **(about | reference),
                    respondent_type="internal" if is_colleague else None,
                )
            )
    return night


def _with_crowd(
    hand_written: Mapping[str, list[Row]], crowd: Mapping[str, list[Row]]
) -> dict[str, list[Row]]:
    names = [*hand_written, *(name for name in crowd if name not in hand_written)]
    return {name: [*hand_written.get(name, []), *crowd.get(name, [])] for name in names}


_CROWD_ACCOUNTS = {
    "crm.customers": [
        _customer(
            f"c{number}",
            f"2023-01-{1 + number % 28:02}",
            email=f"c{number - number % 20 // 19}@example.org",  # every twentieth shares the address before it
            person_id=f"c{number - 1}" if number % 15 == 14 else None,  # every fifteenth is a second account
        )
        for number in range(CROWD - 10)  # the last ten are unknown to the CRM
    ]
}

LOADS = tuple(
    _with_crowd(_with_crowd(_with_crowd(hand_written, crowd), scorecards), invitations)
    for hand_written, crowd, scorecards, invitations in (
        (
            _with_crowd(FIRST_NIGHT, _CROWD_ACCOUNTS),
            _crowd_night(Random(1), range(300), range(250)),
            _scorecards_night(Random(4), range(200)),
            _invitations_night(Random(7), range(300)),
        ),
        (
            SECOND_NIGHT,
            _crowd_night(Random(2), range(280, 340), range(240, 290)),
            _scorecards_night(Random(5), range(190, 240)),
            _invitations_night(Random(8), range(290, 340)),
        ),
        (
            THIRD_NIGHT,
            _crowd_night(Random(3), range(330, 345), range(285, 300)),
            _scorecards_night(Random(6), range(235, 250)),
            _invitations_night(Random(9), range(335, 360)),
        ),
    )
)


def all_at_once() -> dict[str, list[Row]]:
    """The same content in one load: the newest row of each key."""
    newest: dict[str, dict[tuple[Any, ...], Row]] = defaultdict(dict)
    for tables in LOADS:
        for name, rows in tables.items():
            for row in rows:
                newest[name][tuple(row[column] for column in contract_named(name).key)] = row
    return {name: list(rows.values()) for name, rows in newest.items()}
