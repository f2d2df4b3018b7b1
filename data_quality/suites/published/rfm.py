"""Recency, frequency and money of customers, and who moves between their segments."""

from __future__ import annotations

from data_quality.expectations import Expectation, Suite, between, finds_nothing, no_row, not_null
from data_quality.suites.published.shared import (
    AS_OF,
    MINIMUM_ANSWERS,
    POINT_TOLERANCE,
    is_as_of,
    nobody_identified,
    same_customers,
    within_its_interval,
)

# A month has ended when the day after the business date is in a later one.
_LAST_MONTH = f"date_trunc('month', {AS_OF} + 1) - interval 1 month"


def is_a_segment(column: str, *others: str) -> Expectation:
    """The seed decides, which users change; ``others`` are names beside the segments."""
    also = "".join(f" and {column} <> '{other}'" for other in others)
    return no_row(
        f"{column} is one of the seed",
        f"not list_contains((select list(segment) from seeds.rfm_segments), {column}){also}",
        shows=column,
        column=column,
        protects="Campaigns address the segments that people have agreed on.",
    )


def customer_rfm() -> Suite:
    return Suite(
        "marts.customer_rfm",
        ("customer_key",),
        (
            is_as_of(),
            *(
                between(f"{part}_score", 1, 5, protects="Every customer has a place in the grid of 25 cells.")
                for part in ("recency", "frequency", "monetary")
            ),
            not_null("segment", protects="Segment counts add up to all customers who bought."),
            is_a_segment("segment"),
            no_row(
                "recency counts the days since the last purchase",
                "recency_days <> as_of_date - last_purchase_date or recency_days < 0",
                shows="recency_days",
                column="recency_days",
                protects="Recent customers are not treated as lost ones.",
            ),
            no_row(
                "everybody here bought at least once",
                "frequency is null or frequency < 1 or first_purchase_date > last_purchase_date",
                shows="frequency",
                column="frequency",
                protects="Segments hold customers only.",
            ),
            finds_nothing(
                "equal purchase counts have equal scores",
                """
                select frequency, min(frequency_score) || ' and ' || max(frequency_score) as observed
                from marts.customer_rfm group by frequency having min(frequency_score) <> max(frequency_score)
                """,
                column="frequency_score",
                protects="Two customers who behave alike are in one segment.",
            ),
            finds_nothing(
                "holds everybody who bought, and nobody else",
                same_customers("marts.customer_rfm", "is_purchase"),
                protects="No customer is lost from, or invented for, the segments.",
            ),
            *nobody_identified(),
        ),
    )


def kpi_rfm_segments_monthly() -> Suite:
    return Suite(
        "kpi.kpi_rfm_segments_monthly",
        ("month", "segment"),
        (
            is_a_segment("segment", "(no purchase)", "(anonymous)"),
            _is_a_month_that_has_ended(),
            between("customer_share_percent", 0, 100, protects="A share of customers is a percentage."),
            no_row(
                "customers are counted in segments, and only there",
                "(customers is null) <> (segment in ('(no purchase)', '(anonymous)')) or customers < 0 "
                "or (recency_days_sum is null) <> coalesce(customers = 0, true)",
                shows="customers",
                column="customers",
                protects="Sales of unknown people are not taken for a segment of customers.",
            ),
            no_row(
                "the mean follows from its sum",
                f"abs(mean_recency_days - recency_days_sum / customers) > {POINT_TOLERANCE} "
                "or (mean_recency_days is null) <> (recency_days_sum is null) or recency_days_sum < 0",
                shows="mean_recency_days",
                column="mean_recency_days",
                protects="Whoever recomputes a mean gets the same number.",
            ),
            finds_nothing(
                "shares are those of the customers of the month",
                f"""
                select month, segment, customer_share_percent as observed
                from (
                    select *, 100.0 * customers / nullif(sum(customers) over (partition by month), 0) as share
                    from kpi.kpi_rfm_segments_monthly
                ) as shares
                where (share is null) <> (customer_share_percent is null)
                    or abs(share - customer_share_percent) > {POINT_TOLERANCE}
                """,
                column="customer_share_percent",
                protects="The segments of a month are parts of one whole.",
            ),
            finds_nothing(
                "the sales of a month add up to those of the orders",
                f"""
                select
                    coalesce(orders.month, segments.month) as month,
                    segments.purchases || ' of ' || orders.purchases || ' purchases, '
                        || segments.revenue || ' of ' || orders.revenue as observed
                from (
                    select cast(date_trunc('month', order_date) as date) as month,
                        count(*) filter (where is_purchase) as purchases,
                        sum(net_amount - refunded_amount) as revenue
                    from marts.fct_orders
                    where not is_cancelled and date_trunc('month', order_date) <= {_LAST_MONTH}
                    group by 1
                ) as orders
                full join (
                    select month, sum(purchases) as purchases, sum(revenue_amount) as revenue
                    from kpi.kpi_rfm_segments_monthly
                    group by month
                ) as segments on orders.month = segments.month
                where coalesce(segments.purchases, 0) <> coalesce(orders.purchases, 0)
                    or coalesce(segments.revenue, 0) <> coalesce(orders.revenue, 0)
                """,
                column="revenue_amount",
                protects="No sale is dropped or counted under two segments, anonymous ones included.",
            ),
            *nobody_identified(),
        ),
    )


def rfm_segment_migration() -> Suite:
    return Suite(
        "kpi.rfm_segment_migration",
        ("month", "from_segment", "to_segment"),
        (
            is_a_segment("from_segment", "(new)"),
            is_a_segment("to_segment"),
            _is_a_month_that_has_ended(),
            within_its_interval("share_percent"),
            no_row(
                "shares are shown from the minimum on and follow from their counts",
                f"(share_percent is not null) <> (from_customers >= {MINIMUM_ANSWERS}) "
                f"or abs(share_percent - 100.0 * customers / from_customers) > {POINT_TOLERANCE}",
                shows="share_percent",
                column="share_percent",
                protects="Whoever recomputes a share gets the same number, and nobody takes a few for all.",
            ),
            finds_nothing(
                "everybody who was in a segment is somewhere the month after",
                """
                with moves as (
                    select month, from_segment, sum(customers) as moved, max(from_customers) as said
                    from kpi.rfm_segment_migration group by all
                ),
                standing as (
                    select cast(month + interval 1 month as date) as month, segment, customers
                    from kpi.kpi_rfm_segments_monthly
                    where customers > 0
                        and month < (select max(month) from kpi.kpi_rfm_segments_monthly)
                )
                select coalesce(moves.month, standing.month) as month,
                    coalesce(from_segment, segment) as from_segment, moved || ' of ' || customers as observed
                from moves full join standing on moves.month = standing.month and from_segment = segment
                where moved is distinct from said
                    or coalesce(from_segment, '') <> '(new)' and moved is distinct from customers
                """,
                column="customers",
                protects="Nobody vanishes between two months.",
            ),
            finds_nothing(
                "everybody in a segment came from somewhere, with what they bought",
                """
                select coalesce(moves.month, standing.month) as month,
                    coalesce(to_segment, segment) as to_segment,
                    moved || ' of ' || customers || ', ' || money || ' of ' || revenue_amount as observed
                from (
                    select month, to_segment, sum(customers) as moved, sum(revenue_amount) as money
                    from kpi.rfm_segment_migration group by all
                ) as moves
                full join (
                    select * from kpi.kpi_rfm_segments_monthly where customers > 0
                ) as standing on moves.month = standing.month and to_segment = segment
                where coalesce(moved, 0) <> coalesce(customers, 0)
                    or coalesce(money, 0) <> coalesce(revenue_amount, 0)
                """,
                column="customers",
                protects="Movements explain how the segments have become what they are.",
            ),
            *nobody_identified(),
        ),
    )


def _is_a_month_that_has_ended() -> Expectation:
    return no_row(
        "a month is its first day, and has ended",
        f"month is null or month <> date_trunc('month', month) or month > {_LAST_MONTH}",
        shows="month",
        column="month",
        protects="Half a month is not taken for a fall.",
    )
