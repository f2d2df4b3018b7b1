"""What must be true of the rows that came in since the models were last built, before they are transformed.

Belongs here: the shape of a batch (how much of it was refused, whether it is plausible as a whole) and
business ranges. Does not: what a single row must look like, which its contract has decided by now. One
function per table; a new table brings its own and is added to :func:`raw_suites`. Only what shows that rows
were lost, or that an export changed altogether, is an error: real exports hold odd rows every night, and a
warning with file and line lets people mend them without waiting for their reports. Nothing personal is shown:
a row is named by its file and line.
"""

from __future__ import annotations

from data_quality.expectations import Expectation, Suite, finds_nothing, no_row, not_null
from pipelines import contracts
from pipelines.settings import Thresholds

_AS_OF = "(select as_of_date from ops.run_settings)"
_ROW = ("_file", "_line")
_EARLIEST = "1990-01-01"  # older times are a system's default value, such as 1900 or 1970
_DAYS_AHEAD = 2  # the hours from the business date to the export, and time zones; more is a wrong format
_ROWS_TO_STOP = 100  # of a smaller batch a few typing errors are a large share
_LOWEST_ANSWERS = 10  # so many 1s and 2s and not one 0 among them: real distributions do not stop there
_ANONYMOUS_ORDERS_SHARE = (
    0.5  # a real shop leaves a quarter of its lines without a customer; a wrong column all
)
_FREE_LINES_SHARE = 0.05  # gifts and samples; a real shop has 0.5 %
_UNMATCHABLE_SHARE = 0.5  # anonymous answers are normal, but tables of customers then tell about a minority
_UNANSWERED_SHARE = 0.9  # most people skip a question of many, not the only one that is read


def raw_suites(thresholds: Thresholds, newer_than: int = 0) -> tuple[Suite, ...]:
    """All suites of the gate before the transformation.

    Args:
        newer_than: look at the rows of the loads after this one; 0: at all rows.
    """
    return (
        run_settings(),
        loads(thresholds, newer_than),
        customers(newer_than),
        products(newer_than),
        orders(newer_than),
        order_lines(newer_than),
        returns(newer_than),
        campaign_contacts(newer_than),
        invitations(newer_than),
        responses(newer_than),
        tickets(newer_than),
        ticket_assignments(newer_than),
        ticket_events(newer_than),
    )


def run_settings() -> Suite:
    """What every "as of" in the models is compared with."""
    protects = "All tables speak of the same business date."
    return Suite(
        "ops.run_settings",
        (),
        (
            finds_nothing(
                "there is exactly one row",
                "select count(*) as observed from ops.run_settings having count(*) <> 1",
                protects=protects,
            ),
            not_null("as_of_date", protects=protects),
        ),
    )


def loads(thresholds: Thresholds, newer_than: int) -> Suite:
    return Suite(
        "ingest.loads",
        ("source", "table_name", "load_id"),
        (
            no_row(
                "rows read = loaded + quarantined + duplicate",
                "rows_read <> rows_loaded + rows_quarantined + rows_duplicate",
                shows="rows_read - rows_loaded - rows_quarantined - rows_duplicate",
                protects="No record of a source disappears without a trace.",
            ),
            finds_nothing(
                "the raw tables hold what was loaded",
                _rows_held_otherwise_than_loaded(),
                protects="No loaded record is lost or counted twice.",
            ),
            finds_nothing(
                f"less than {thresholds.stop_quarantined_share:.0%} of a table is quarantined",
                _quarantined_share(thresholds.stop_quarantined_share, newer_than, at_least=_ROWS_TO_STOP),
                protects="When an export has changed, yesterday's tables are better than half of today's.",
            ),
            finds_nothing(
                f"at most {thresholds.warn_quarantined_share:.0%} of a table is quarantined",
                _quarantined_share(thresholds.warn_quarantined_share, newer_than, at_least=1),
                severity="warning",
                protects="Reports are made of nearly all records.",
            ),
        ),
        query=f"select * from ingest.loads where load_id > {newer_than}",
    )


def customers(newer_than: int) -> Suite:
    return _rows_of(
        "raw_crm.customers",
        newer_than,
        _plausible_time("registered_at"),
        no_row(
            "e-mail addresses have an @",
            "email is not null and not contains(email, '@')",
            severity="warning",
            protects="Answers and tickets find the customer they belong to.",
        ),
    )


def products(newer_than: int) -> Suite:
    return _rows_of(
        "raw_crm.products",
        newer_than,
        no_row(
            "list prices are not negative",
            "list_price < 0",
            shows="list_price",
            column="list_price",
            severity="warning",
            protects="Discounts are measured from a real price.",
        ),
    )


def orders(newer_than: int) -> Suite:
    table = _new_rows("raw_crm.orders", newer_than)
    return _rows_of(
        "raw_crm.orders",
        newer_than,
        _plausible_time("ordered_at"),
        no_row(
            "nothing is delivered before it is ordered",
            "delivered_at < ordered_at",
            shows="delivered_at",
            column="delivered_at",
            severity="warning",
            protects="Delivery delays are measured from the right moment.",
        ),
        finds_nothing(
            "all orders are in one currency",
            f"select string_agg(distinct currency, ', ' order by currency) as observed from ({table}) "
            "having count(distinct currency) > 1",
            column="currency",
            severity="warning",
            protects="Amounts are added as they are: pounds and euros would make one sum.",
        ),
        _share_at_most(
            "orders without a customer",
            "customer_id is null",
            _ANONYMOUS_ORDERS_SHARE,
            table,
            protects="Tables of customers tell about most of the sales.",
        ),
    )


def order_lines(newer_than: int) -> Suite:
    return _rows_of(
        "raw_crm.order_lines",
        newer_than,
        no_row(
            "prices are not negative",
            "unit_price < 0",
            shows="unit_price",
            column="unit_price",
            severity="warning",  # real books hold a few: written-off debts entered as lines
            protects="Revenue is not lowered by entries that are no sales.",
        ),
        no_row(
            "quantities are not zero",
            "quantity = 0",
            column="quantity",
            severity="warning",
            protects="Every line is a sale or a return.",
        ),
        _share_at_most(
            "lines for nothing",
            "unit_price = 0",
            _FREE_LINES_SHARE,
            _new_rows("raw_crm.order_lines", newer_than),
            protects="Revenue is not missing because the price was read from the wrong column.",
        ),
    )


def returns(newer_than: int) -> Suite:
    return _rows_of("raw_crm.returns", newer_than, _plausible_time("returned_at"))


def campaign_contacts(newer_than: int) -> Suite:
    return _rows_of("raw_crm.campaign_contacts", newer_than, _plausible_time("sent_at"))


def invitations(newer_than: int) -> Suite:
    return _rows_of("raw_survey.invitations", newer_than, _plausible_time("sent_at"))


def responses(newer_than: int) -> Suite:
    table = _new_rows("raw_survey.responses", newer_than)
    return _rows_of(
        "raw_survey.responses",
        newer_than,
        _plausible_time("submitted_at"),
        finds_nothing(
            "a survey with recommendation scores of 1 and 2 has some of 0",
            f"""
            select survey_id, count(*) filter (where score <= 2) || ' scores of 1 and 2, none of 0' as observed
            from ({table}) where metric = 'nps'
            group by survey_id
            having count(*) filter (where score <= 2) >= {_LOWEST_ANSWERS} and min(score) > 0
            """,
            column="score",
            severity="warning",
            protects="The angriest answers are counted: some exports write a 0 as an empty field.",
        ),
        finds_nothing(
            f"less than {_UNANSWERED_SHARE:.0%} of a metric is unanswered",
            f"""
            select metric, count(*) - count(score) || ' of ' || count(*) || ' unanswered' as observed
            from ({table}) where metric <> 'open_text'
            group by metric
            having count(*) - count(score) >= {_UNANSWERED_SHARE} * count(*) and count(*) >= {_ROWS_TO_STOP}
            """,
            column="score",
            severity="warning",
            protects="Scores are not missing because they were read from the wrong column.",
        ),
        _share_at_most(
            "answers of customers without any reference",
            "coalesce(customer_id, email, phone, order_id, ticket_id, invitation_id) is null "
            "and respondent_type is distinct from 'internal'",
            _UNMATCHABLE_SHARE,
            table,
            protects="What customers say can be set beside what they buy.",
        ),
    )


def tickets(newer_than: int) -> Suite:
    return _rows_of(
        "raw_support.tickets",
        newer_than,
        _plausible_time("opened_at"),
        no_row(
            "nothing is answered or solved before it is opened",
            "first_replied_at < opened_at or resolved_at < opened_at or closed_at < opened_at",
            shows="opened_at",
            column="opened_at",
            severity="warning",  # support tools let agents enter times by hand
            protects="Average waiting times are not flattered by entry mistakes.",
        ),
        _share_at_most(
            "tickets without any reference",
            "coalesce(customer_id, email, phone, order_id) is null",
            _UNMATCHABLE_SHARE,
            _new_rows("raw_support.tickets", newer_than),
            protects="Complaints can be set beside what the customer does next.",
        ),
    )


def ticket_assignments(newer_than: int) -> Suite:
    return _rows_of("raw_support.ticket_assignments", newer_than, _plausible_time("assigned_at"))


def ticket_events(newer_than: int) -> Suite:
    return _rows_of(
        "raw_support.ticket_events",
        newer_than,
        _plausible_time("occurred_at"),
        _share_at_most(
            "events of tickets that are not there",
            "ticket_id not in (select ticket_id from raw_support.tickets)",
            _UNMATCHABLE_SHARE,  # a history can reach further back than the export of tickets
            _new_rows("raw_support.ticket_events", newer_than),
            protects="Waiting times come from what happened to the tickets, because both go by one identifier.",
        ),
    )


def _rows_of(table: str, newer_than: int, *expectations: Expectation) -> Suite:
    return Suite(table, _ROW, expectations, query=_new_rows(table, newer_than))


def _new_rows(table: str, newer_than: int) -> str:
    return f"select * from {table} where _load_id > {newer_than}"


def _plausible_time(column: str) -> Expectation:
    return no_row(
        f"{column} is after {_EARLIEST} and not in the future",
        f"{column} < timestamp '{_EARLIEST}' or {column} >= {_AS_OF} + interval {_DAYS_AHEAD + 1} day",
        shows=column,
        column=column,
        severity="warning",
        protects="Rows are not in the wrong month, or in none, because a date was read in the wrong format.",
    )


def _share_at_most(what: str, condition: str, share: float, rows: str, *, protects: str) -> Expectation:
    found = f"count(*) filter (where {condition})"
    return finds_nothing(
        f"at most {share:.0%} are {what}",
        f"select {found} || ' of ' || count(*) as observed from ({rows}) having {found} > {share} * count(*)",
        severity="warning",
        protects=protects,
    )


def _quarantined_share(share: float, newer_than: int, *, at_least: int) -> str:
    return f"""
        select source, table_name, sum(rows_quarantined) || ' of ' || sum(rows_read) as observed
        from ingest.loads where load_id > {newer_than}
        group by source, table_name
        having sum(rows_quarantined) > {share} * sum(rows_read) and sum(rows_read) >= {at_least}
    """


def _rows_held_otherwise_than_loaded() -> str:
    held = " union all ".join(
        f"select _source as source, '{contract.name}' as table_name, count(*) as rows_held "
        f"from {contract.raw_name} group by _source"
        for contract in contracts.ALL
    )
    return f"""
        select source, table_name, coalesce(rows_held, 0) - coalesce(rows_expected, 0) as observed
        from ({held}) as held
        full join (
            select source, table_name, sum(rows_loaded) - sum(rows_superseded) - sum(rows_deleted) as rows_expected
            from ingest.loads group by all
        ) as loaded using (source, table_name)
        where coalesce(rows_held, 0) <> coalesce(rows_expected, 0)
    """
