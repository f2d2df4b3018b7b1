"""What the survey tool exports: invitations, and one wide row per questionnaire that was handed in.

Shaped like a Qualtrics export: a record of names, one of question texts with line breaks and quotes, one of
import ids as JSON. Times are UTC. Three surveys: after a purchase, after a support ticket, and a relationship
wave twice a year in a panel; one more for colleagues, by quarter.

Answers are latent values with a person's noise, put on the question's scale and rounded. Where a culture
answers in the middle, the distance from the middle of the scale shrinks, at the same latent value.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, fields

import numpy as np
import polars as pl
from numpy.typing import NDArray

from pipelines.demo import comments, crm, draws, people
from pipelines.demo.columns import labels, nulls
from pipelines.demo.draws import Floats, Keys
from pipelines.demo.files import Dialect
from pipelines.demo.lives import Customers, Orders, State
from pipelines.demo.plan import ALL_CODES, LOCALES, MONTHS_PER_QUARTER, NONE, SALES_CODES, Plan
from pipelines.demo.support import Tickets

PURCHASE, SUPPORT, RELATIONSHIP = range(3)
TOUCHPOINTS = ("purchase", "support", "relationship")
SURVEY_IDS = ("SV_purchase", "SV_support", "SV_relationship")
POINTS_OF_CONNECTION = ("listening", "importance", "conflict", "honesty", "reliability", "authenticity")

_QUESTIONNAIRE = 900  # the child of an order that its questionnaire is; the small numbers are its lines
_FIRST_WAVE = 5000  # children of a customer; the smaller numbers are purchases
_ITEM_SKIPPED_SHARE = 0.03
_COMMENT_SHARE = 0.22
_BY_ACCOUNT_SHARE = 0.5  # of invitations that name the account too
_OTHER_ADDRESS_SHARE = 0.02  # answered from an address the CRM does not know
_SHOUTED_ADDRESS_SHARE = 0.04  # written in capitals: the same address to a mail server
_WITH_ORDER_SHARE = 0.70  # of purchase questionnaires that carry the order's number
_POC_ITEM_LEVELS = np.array([0.05, 0.10, -0.30, 0.20, 0.15, 0.00])
_POC_ASKED_SHARE = 0.5  # of questionnaires after a purchase; always in a wave


@dataclass(frozen=True)
class Scale:
    """A question's scale: ``level`` and ``per_sd`` put a latent value on it."""

    low: float
    high: float
    level: float
    per_sd: float

    @property
    def middle(self) -> float:
        return (self.low + self.high) / 2

    def answer(self, latent: Floats, compression: Floats | float = 1.0) -> Floats:
        """Whole answers; ``compression`` is the distance from the middle that is left."""
        continuous = self.level + self.per_sd * latent
        return np.clip(np.round(self.middle + compression * (continuous - self.middle)), self.low, self.high)


_CSAT = Scale(1, 5, 4.15, 1.0)
_CES = Scale(1, 7, 5.4, 1.3)  # 7: it was easy
_FIVE = Scale(1, 5, 3.9, 0.90)


@dataclass(frozen=True)
class Asked:
    """Who is invited, one value per invitation. ``reference`` is the row of the order; -1 in a wave."""

    keys: Keys
    customer: NDArray[np.int64]  # row in the block
    touchpoint: NDArray[np.int64]
    reference: NDArray[np.int64]
    sent_at: Floats
    answered_at: Floats  # NaN: never
    department: NDArray[np.int64]  # among all departments
    attitude: Floats
    result: Floats
    process: Floats
    effort: Floats  # latent ease

    def taken(self, rows: NDArray[np.int64]) -> Asked:
        return Asked(**{f.name: getattr(self, f.name)[rows] for f in fields(self)})


def joined(parts: list[Asked]) -> Asked:
    return Asked(**{f.name: np.concatenate([getattr(part, f.name) for part in parts]) for f in fields(Asked)})


def nps_scale(plan: Plan) -> Scale:
    return Scale(0, 10, plan.effects.nps_centre, plan.effects.nps_per_sd)


def ask_after_orders(plan: Plan, orders: Orders, handling: crm.Handling, tickets: Tickets) -> Asked:
    """Invitations after purchases, or after the ticket where there was one."""
    effects = plan.effects
    ticket_of = np.full(len(orders), -1)
    ticket_of[tickets.order] = np.arange(len(tickets.order))
    has_ticket = ticket_of >= 0
    invited = draws.uniform(orders.keys, "invited") < np.where(
        has_ticket, effects.support_invitation_rate, effects.purchase_invitation_rate
    )
    over_at = np.where(
        has_ticket, tickets.over_at[ticket_of] if len(tickets.order) else np.nan, handling.handed_over_at
    )
    row = np.flatnonzero(invited & ~orders.is_cancelled & np.isfinite(over_at))
    keys = draws.child(orders.keys[row], _QUESTIONNAIRE)
    sent_at = over_at[row] + 0.2 + 1.2 * draws.uniform(keys, "invitation delay")
    on_ticket = has_ticket[row]
    department = np.where(
        on_ticket,
        len(SALES_CODES) + (tickets.last_desk[ticket_of[row]] if len(tickets.order) else 0),
        orders.department[row],
    )
    ease = (
        0.35 * orders.process[row]
        - 0.9 * (orders.problem[row] != NONE)
        - 0.6 * orders.hand_offs[row]
        + 0.8 * draws.normal(keys, "ease")
    )
    # A ticket's own result is whether it was solved, not what the order contained.
    solved = np.where(orders.is_resolved[row], 0.3, -1.3) - 0.15 * orders.hand_offs[row]
    result = np.where(on_ticket, 0.35 * orders.result[row] + solved, orders.result[row])
    return Asked(
        keys=keys,
        customer=orders.customer[row],
        touchpoint=np.where(on_ticket, SUPPORT, PURCHASE),
        reference=row,
        sent_at=sent_at,
        answered_at=_answered_at(plan, keys, sent_at, orders.attitude_after[row]),
        department=department,
        attitude=orders.attitude_after[row],
        result=result,
        process=orders.process[row],
        effort=ease,
    )


def ask_panel(plan: Plan, customers: Customers, state: State) -> list[Asked]:
    """The relationship waves: the same people every time, with their attitude of that day."""
    in_panel = draws.uniform(customers.keys, "panel") < plan.effects.panel_share
    waves = []
    for number, start in enumerate(plan.wave_starts):
        bought = (customers.registered_at < start - 1) & (state.orders > 0)
        row = np.flatnonzero(in_panel & bought)
        keys = draws.child(customers.keys[row], _FIRST_WAVE + number)
        attitude = state.wave_attitude[row, number]
        sent_at = start + 9 / 24 + 2 * draws.uniform(keys, "sent")
        waves.append(
            Asked(
                keys=keys,
                customer=row,
                touchpoint=np.full(len(row), RELATIONSHIP),
                reference=np.full(len(row), -1),
                sent_at=sent_at,
                answered_at=_answered_at(plan, keys, sent_at, attitude),
                department=customers.home[row],
                attitude=attitude,
                result=attitude + 0.4 * draws.normal(keys, "result"),
                process=attitude + 0.4 * draws.normal(keys, "process"),
                effort=0.35 * attitude + 0.8 * draws.normal(keys, "ease"),
            )
        )
    return waves


def _answered_at(plan: Plan, keys: Keys, sent_at: Floats, attitude: Floats) -> Floats:
    """NaN for those who never answer; the dissatisfied answer less."""
    share = 1 / (1 + np.exp(-(plan.effects.answer_logit + plan.effects.answer_per_loyalty * attitude)))
    delay = -1.3 * np.log(draws.uniform(keys, "answer delay"))
    return np.where(draws.uniform(keys, "answers") < share, sent_at + 0.02 + delay, np.nan)


def nps_latent(asked: Asked) -> Floats:
    """What stands behind the answer to the recommendation question: attitude, and a little of the day."""
    day = 0.35 * asked.result + 0.65 * asked.process
    return 0.75 * asked.attitude + 0.25 * day + 0.50 * draws.normal(asked.keys, "nps")


def invitations_frame(plan: Plan, customers: Customers, asked: Asked) -> pl.DataFrame:
    """All invitations, in the order of ``asked``."""
    index = customers.index[asked.customer]
    addresses = people.emails(plan.seed, customers)[asked.customer]
    by_account = addresses.is_null() | pl.Series(draws.uniform(asked.keys, "by account") < _BY_ACCOUNT_SHARE)
    return pl.DataFrame(
        {
            "InvitationID": _invitation_ids(asked),
            "SurveyID": labels(SURVEY_IDS, asked.touchpoint),
            "ContactID": crm.customer_id(index).set(~by_account, None),
            "Email": addresses,
            "Department": labels(ALL_CODES, asked.department),
            "Touchpoint": labels(TOUCHPOINTS, asked.touchpoint),
            "Language": labels(LOCALES, customers.locale[asked.customer]),
            "SentAt": plan.calendar.utc(asked.sent_at),
        }
    )


def response_ids(asked: Asked) -> pl.Series:
    return "R_" + pl.Series(asked.keys).cast(pl.String)


def _invitation_ids(asked: Asked) -> pl.Series:
    return "EMD_" + pl.Series(asked.keys).cast(pl.String)


def responses_frame(
    plan: Plan, customers: Customers, orders: Orders, asked: Asked, ticket_ids: pl.Series
) -> pl.DataFrame:
    """One wide row per questionnaire handed in; ``asked`` holds only those. ``ticket_ids`` is per order."""
    keys, locale = asked.keys, customers.locale[asked.customer]
    is_wave = asked.touchpoint == RELATIONSHIP
    minutes = 1.5 + 4 * draws.uniform(keys, "minutes")
    started_at = asked.answered_at - minutes / 1440
    middle = np.where(
        locale == LOCALES.index(plan.effects.middle_locale), plan.effects.middle_compression, 1.0
    )
    seconds = np.round(minutes * 60).astype(np.int64)
    columns: dict[str, pl.Series | NDArray | str | int] = {
        "StartDate": plan.calendar.utc(started_at),
        "EndDate": plan.calendar.utc(asked.answered_at),
        "Status": "IP Address",
        "Progress": np.full(len(keys), 100),
        "Duration (in seconds)": seconds,
        "Finished": "True",
        "RecordedDate": plan.calendar.utc(asked.answered_at),
        "ResponseId": response_ids(asked),
        "RecipientEmail": _answering_addresses(plan, customers, asked),
        "ExternalReference": _order_references(customers, orders, asked),
        "DistributionChannel": "email",
        "UserLanguage": labels(LOCALES, locale),
        "Q_NPS": _answers(nps_scale(plan).answer(nps_latent(asked), middle), keys, "nps"),
        "Q_CSAT": _answers(
            _CSAT.answer(asked.result + 0.3 * draws.normal(keys, "csat"), middle), keys, "csat"
        ),
        "Q_CES": _answers(_CES.answer(asked.effort, middle), keys, "ces"),
    }
    poc_asked = is_wave | (draws.uniform(keys, "points of connection asked") < _POC_ASKED_SHARE)
    for number, item in enumerate(POINTS_OF_CONNECTION):
        latent = 0.7 * asked.process + 0.3 * asked.attitude + _POC_ITEM_LEVELS[number]
        latent = latent + 0.5 * draws.normal(keys, item)
        columns[f"Q_POC_{number + 1}"] = _answers(_FIVE.answer(latent, middle), keys, item, poc_asked)
    for name, latent in (("Q_VALUE_RESULT", asked.result), ("Q_VALUE_PROCESS", asked.process)):
        answer = _FIVE.answer(latent + 0.5 * draws.normal(keys, name), middle)
        columns[name] = _answers(answer, keys, name)
    columns["Q_COMMENT"] = comments.of_customers(keys, locale, asked.process + asked.result, _COMMENT_SHARE)
    columns["Department"] = labels(ALL_CODES, asked.department)
    columns["Touchpoint"] = labels(TOUCHPOINTS, asked.touchpoint)
    columns["SurveyID"] = labels(SURVEY_IDS, asked.touchpoint)
    columns["TicketID"] = _ticket_references(asked, ticket_ids)
    columns["InvitationID"] = _invitation_ids(asked)
    return pl.DataFrame(columns)


def _answers(answer: Floats, keys: Keys, what: str, asked: NDArray[np.bool_] | None = None) -> pl.Series:
    """Whole numbers, null where the question was skipped or not asked."""
    skipped = draws.uniform(keys, f"skips {what}") < _ITEM_SKIPPED_SHARE
    if asked is not None:
        skipped |= ~asked
    return pl.Series(answer.astype(np.int64)).set(pl.Series(skipped), None)


def _answering_addresses(plan: Plan, customers: Customers, asked: Asked) -> pl.Series:
    addresses = people.emails(plan.seed, customers)[asked.customer]
    shouted = pl.Series(draws.uniform(asked.keys, "capitals") < _SHOUTED_ADDRESS_SHARE)
    other = pl.Series(draws.uniform(asked.keys, "other address") < _OTHER_ADDRESS_SHARE)
    addresses = addresses.str.to_uppercase().zip_with(shouted, addresses)
    unknown = "someone." + pl.Series(asked.keys).cast(pl.String).str.slice(0, 6) + "@example.net"
    return unknown.zip_with(other, addresses)


def _order_references(customers: Customers, orders: Orders, asked: Asked) -> pl.Series:
    row = np.maximum(asked.reference, 0)
    if not len(orders):
        return nulls(len(asked.keys))
    references = crm.order_id(customers.index[orders.customer[row]], orders.number[row])
    carries = (asked.touchpoint == PURCHASE) & (
        draws.uniform(asked.keys, "carries order") < _WITH_ORDER_SHARE
    )
    return references.set(pl.Series(~carries), None)


def _ticket_references(asked: Asked, ticket_ids: pl.Series) -> pl.Series:
    if not len(ticket_ids):
        return nulls(len(asked.keys))
    return ticket_ids[np.maximum(asked.reference, 0)].set(pl.Series(asked.touchpoint != SUPPORT), None)


_QUESTIONS = {
    "Q_NPS": "How likely is it that you would recommend us to a friend?\n0 = not at all, 10 = extremely",
    "Q_CSAT": 'All in all, how satisfied were you "this time"?',
    "Q_CES": "We made it easy for me.\n1 = disagree strongly, 7 = agree strongly",
    "Q_POC_1": "We listened to you.",
    "Q_POC_2": "You felt that you matter to us, not only your money.",
    "Q_POC_3": "When we disagreed, it was settled fairly.",
    "Q_POC_4": "We were honest with you.",
    "Q_POC_5": 'We did what we said ("a promise is a promise").',
    "Q_POC_6": "The people you dealt with were themselves.",
    "Q_VALUE_RESULT": "What you got was worth it.",
    "Q_VALUE_PROCESS": "The way you got it was worth it.",
    "Q_COMMENT": "Anything else, good or bad, that you would like to tell us?\n\n(Please leave out names.)",
    "Q_ENPS": "How likely is it that you would recommend working here?\n0 = not at all, 10 = extremely",
}
_UTC_COLUMNS = ("StartDate", "EndDate", "RecordedDate")


def dialect(frame: pl.DataFrame) -> Dialect:
    """How the tool writes this frame: with its three header rows."""
    return Dialect(header=three_header_rows(frame.columns))


def three_header_rows(columns: list[str]) -> str:
    """Names, question texts and import ids, as Qualtrics writes them above the answers."""
    texts = [_QUESTIONS.get(name, name) for name in columns]
    return "".join(_csv_record(record) for record in (columns, texts, [_import_id(name) for name in columns]))


def _import_id(name: str) -> str:
    known = {"ImportId": f"QID_{name[2:]}" if name.startswith("Q_") else name[0].lower() + name[1:]}
    if name in _UTC_COLUMNS:
        known["timeZone"] = "Etc/UTC"
    return json.dumps(known, separators=(",", ":"))


def _csv_record(values: list[str]) -> str:
    return (
        ",".join(
            '"' + value.replace('"', '""') + '"' if set(value) & set(',"\n') else value for value in values
        )
        + "\n"
    )


_COLLEAGUES_PER_DEPARTMENT = (24, 14, 36, 34, 18, 15, 30, 9, 16, 12)
_ENPS = Scale(0, 10, 7.3, 1.9)
_COLLEAGUE_ANSWER_SHARE = 0.72


def colleagues_frame(plan: Plan) -> pl.DataFrame:
    """The colleagues' survey: one row per answer and quarter. Their morale is a quarter ahead of the customers."""
    department = np.repeat(np.arange(len(ALL_CODES)), _COLLEAGUES_PER_DEPARTMENT)
    number = np.arange(len(department))
    frames = []
    for quarter, month in enumerate(range(0, plan.calendar.months, MONTHS_PER_QUARTER)):
        keys = draws.child(draws.keys_of(plan.seed, -20_000 - number), quarter)
        row = np.flatnonzero(draws.uniform(keys, "answers") < _COLLEAGUE_ANSWER_SHARE)
        keys = keys[row]
        lasting = 0.6 * draws.normal(draws.keys_of(plan.seed, -20_000 - row), "lasting")
        mood = 1.3 * plan.morale[department[row], month] + lasting
        sent_at = plan.calendar.month_starts[month] + 20 + 5 * draws.uniform(keys, "day")
        columns: dict[str, object] = {
            "StartDate": plan.calendar.utc(sent_at),
            "EndDate": plan.calendar.utc(sent_at + 0.004),
            "RecordedDate": plan.calendar.utc(sent_at + 0.004),
            "ResponseId": "R_" + pl.Series(keys).cast(pl.String),
            "EmployeeNo": "E" + pl.Series(row + 1).cast(pl.String).str.zfill(4),
            "Department": labels(ALL_CODES, department[row]),
            "Q_ENPS": _answers(_ENPS.answer(mood + 0.5 * draws.normal(keys, "enps")), keys, "enps"),
        }
        for item_number, item in enumerate(POINTS_OF_CONNECTION):
            latent = mood + _POC_ITEM_LEVELS[item_number] + 0.5 * draws.normal(keys, item)
            columns[f"Q_POC_{item_number + 1}"] = _answers(_FIVE.answer(latent), keys, item)
        columns["Q_COMMENT"] = comments.of_colleagues(keys, mood, _COMMENT_SHARE)
        frames.append(pl.DataFrame(columns).filter(pl.Series(sent_at < plan.calendar.days)))
    return pl.concat(frames)
