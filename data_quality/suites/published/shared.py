"""Expectations that tables of several rooms have, and the numbers behind them."""

from __future__ import annotations

from data_quality.expectations import Expectation, finds_nothing, no_email_address, no_personal_column, no_row

AS_OF = "(select as_of_date from ops.run_settings)"
MINIMUM_ANSWERS = "(select minimum_answers from ops.run_settings)"
CUSTOMER_KEY_LENGTH = 32  # hexadecimal digits of the keyed hash; account ids and addresses have other lengths
MONEY_TOLERANCE = 0.01  # totals must agree to the cent; sums of four decimals may differ below it
POINT_TOLERANCE = 6e-5  # scores are published with four decimals

EVIDENCE = "'customer_id', 'order', 'ticket', 'invitation', 'email', 'phone', 'probable'"  # names a person


def within_its_interval(score: str) -> Expectation:
    return no_row(
        f"{score} lies within its interval",
        f"not coalesce({score} >= {score}_lower - {POINT_TOLERANCE} "
        f"and {score} <= {score}_upper + {POINT_TOLERANCE}, {score} is null)",
        shows=f"{score}_lower || ' <= ' || {score} || ' <= ' || {score}_upper",
        column=score,
        protects="The uncertainty that is shown belongs to the score beside it.",
    )


def shown_from_enough_answers(score: str, n: str | None = None) -> Expectation:
    """``n`` is the column that counts what the score is made of, by default the one named after it."""
    n = n or f"{score}_n"
    return no_row(
        f"{score} is shown from the minimum of answers on",
        f"({score} is not null) <> ({n} >= {MINIMUM_ANSWERS})",
        shows=n,
        column=score,
        protects="Nobody takes the answers of a few for the opinion of all.",
    )


def is_as_of() -> Expectation:
    return no_row(
        "as_of_date is the run's",
        f"as_of_date is distinct from {AS_OF}",
        shows="as_of_date",
        column="as_of_date",
        protects="All tables speak of the same business date.",
    )


def not_after_as_of(date_column: str) -> Expectation:
    return no_row(
        f"{date_column} is not after the business date",
        f"not coalesce({date_column} <= {AS_OF}, false)",  # an empty date is no date before it
        shows=date_column,
        column=date_column,
        protects="Yesterday's report, made again, says what it said.",
    )


def is_a_key(column: str) -> Expectation:
    """By length: dim_customers is looked at digit by digit, and every key of a fact is in it."""
    return no_row(
        f"{column} is a keyed hash",
        f"length({column}) <> {CUSTOMER_KEY_LENGTH}",
        keys=(),  # what is no hash may be an account id
        column=column,
        protects="Nobody can be identified from what is published.",
    )


def same_customers(table: str, condition: str) -> str:
    """Customers that the orders meeting ``condition`` have and ``table`` lacks, or the other way round."""
    return f"""
        select
            coalesce(orders.customer_key, customers.customer_key) as customer_key,
            case when orders.customer_key is null then 'no such order' else 'lost' end as observed
        from (select distinct customer_key from marts.fct_orders
              where {condition} and customer_key is not null) as orders
        full join {table} as customers on orders.customer_key = customers.customer_key
        where orders.customer_key is null or customers.customer_key is null
    """


def not_empty_where(table: str, raw_table: str, timestamp: str) -> Expectation:
    # A day before the business date: whatever the time zone, such a row belongs into the table.
    return finds_nothing(
        f"is not empty while {raw_table} has rows",
        f"""
        select count(*) as observed from {raw_table}
        where {timestamp} < {AS_OF} - interval 1 day and not exists (select 1 from {table})
        having count(*) > 0
        """,
        protects="An empty report means that nothing happened, not that something broke.",
    )


def nobody_identified() -> tuple[Expectation, ...]:
    return no_personal_column(), no_email_address()
