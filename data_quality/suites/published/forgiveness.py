"""Who comes back: after failures, after price rises, to something new, and who does not at all."""

from __future__ import annotations

from data_quality.expectations import Expectation, Suite, between, finds_nothing, no_row, one_of
from data_quality.suites.published.shared import (
    AS_OF,
    MINIMUM_ANSWERS,
    MONEY_TOLERANCE,
    POINT_TOLERANCE,
    nobody_identified,
    within_its_interval,
)

BANDS = ("promoter", "passive", "detractor")
TOTALS_APART = "Totals and parts are not added together."


def _share(rate: str, successes: str, n: str) -> tuple[Expectation, ...]:
    """A rate in percent: it follows from its counts, lies in its interval and is shown from the minimum on."""
    return (
        between(rate, 0, 100, protects="A share of customers is a percentage."),
        within_its_interval(rate),
        no_row(
            f"{rate} follows from its counts",
            f"abs({rate} - 100.0 * {successes} / nullif({n}, 0)) > {POINT_TOLERANCE}",
            shows=rate,
            column=rate,
            protects="Whoever recomputes a share gets the same number.",
        ),
        no_row(
            f"{rate} is shown from the minimum of customers on",
            f"{rate} is not null and {n} < {MINIMUM_ANSWERS}",
            shows=n,
            column=rate,
            protects="Nobody takes a few customers for the rule.",
        ),
    )


def _difference(difference: str, one: str, other: str) -> tuple[Expectation, ...]:
    return (
        within_its_interval(difference),
        no_row(
            f"{difference} is that of the shares beside it",
            f"abs({difference} - ({one} - {other})) > 2 * {POINT_TOLERANCE}",
            shows=difference,
            column=difference,
            protects="A difference belongs to the two numbers that it is read with.",
        ),
    )


def _parts(whole: str, *parts: str) -> Expectation:
    """Every part lies between none and all of the whole."""
    named = ", ".join(parts)
    return no_row(
        f"{' and '.join(parts)} lie within {whole}",
        f"least({named}) < 0 or greatest({named}) > {whole}",
        shows=whole,
        column=parts[0],
        protects="Nobody is counted who does not belong to the row.",
    )


def _window() -> Expectation:
    return no_row(
        "the window is the rule's",
        "window_days is null or window_days <= 0",
        shows="window_days",
        column="window_days",
        protects="A share within days that nobody names says nothing.",
    )


def kpi_forgiveness() -> Suite:
    followed = "(customers - customers_window_open)"
    return Suite(
        "kpi.kpi_forgiveness",
        ("problem_kind", "failure_number", "band"),
        (
            one_of("problem_kind", ("(orders)", "(all)"), protects=TOTALS_APART),
            one_of("failure_number", ("1", "2", "3 or later", "(all)"), protects=TOTALS_APART),
            one_of("band", (*BANDS, "(unknown)", "(all)"), protects=TOTALS_APART),
            _window(),
            *_share("come_back_rate", "came_back", followed),
            _parts("customers", "customers_window_open", "came_back", "compared_customers"),
            between("ordinary_rate", 0, 100, protects="A share of purchases is a percentage."),
            within_its_interval("ordinary_rate"),
            *_difference("difference", "compared_rate", "ordinary_rate"),
            no_row(
                "what is compared is shown on both sides or on none",
                "(compared_rate is null) <> (ordinary_rate is null) "
                f"or compared_rate is not null and least(compared_customers, ordinary_purchases) < {MINIMUM_ANSWERS}",
                shows="compared_customers",
                column="compared_rate",
                protects="A share without what it is held against is not taken for an effect.",
            ),
            finds_nothing(
                "every customer with a problem is in the first failures, and no other",
                """
                select 'first failures' as observed
                from kpi.kpi_forgiveness
                where problem_kind = '(all)' and failure_number = '1' and band = '(all)'
                having coalesce(sum(customers), 0) <> (select count(distinct customer_key) from marts.fct_problems)
                """,
                protects="No customer with a failure is lost or counted twice.",
            ),
            *nobody_identified(),
        ),
    )


def kpi_price_tolerance() -> Suite:
    return Suite(
        "kpi.kpi_price_tolerance",
        ("rise_month", "category", "comparison", "band"),
        (
            one_of(
                "comparison",
                ("year before", "period before"),
                protects="A rise is held against times that readers know.",
            ),
            one_of("band", (*BANDS, "(unknown)", "(all)"), protects=TOTALS_APART),
            _window(),
            no_row(
                "a rise is the first of a month, not after the business date",
                f"rise_month > {AS_OF} or rise_month <> date_trunc('month', rise_month)",
                shows="rise_month",
                column="rise_month",
                protects="Months join the calendar.",
            ),
            no_row(
                "a rise is one",
                "not coalesce(price_change_percent > 0, false) or products_risen < 1 "
                "or products_risen > products_compared",
                shows="price_change_percent",
                column="price_change_percent",
                protects="Nobody looks for the effect of a rise that was none.",
            ),
            *_share("buying_rate", "bought_again", "customers"),
            *_share("compared_rate", "compared_bought_again", "compared_customers"),
            _parts("customers", "bought_again"),
            _parts("compared_customers", "compared_bought_again"),
            no_row(
                "there is no share while the window is open",
                "buying_rate is not null and not is_window_closed",
                shows="buying_rate",
                column="buying_rate",
                protects="Customers who still have time are not counted as lost.",
            ),
            *_difference("change", "buying_rate", "compared_rate"),
            within_its_interval("tolerance"),
            finds_nothing(
                "tolerance is the change beside that of the detractors",
                f"""
                select own.rise_month, own.category, own.comparison, own.band, own.tolerance as observed
                from kpi.kpi_price_tolerance as own
                left join kpi.kpi_price_tolerance as detractors
                    on own.rise_month = detractors.rise_month and own.category = detractors.category
                    and own.comparison = detractors.comparison and detractors.band = 'detractor'
                where own.tolerance is not null and (
                    own.band not in ('promoter', 'passive')
                    or not coalesce(
                        abs(own.tolerance - (own.change - detractors.change)) <= 2 * {POINT_TOLERANCE}, false
                    )
                )
                """,
                protects="Loyal customers are compared with those who are not.",
            ),
            finds_nothing(
                "the bands are all customers",
                """
                select rise_month, category, comparison, sum(customers) as observed
                from kpi.kpi_price_tolerance
                group by rise_month, category, comparison
                having sum(customers) <> 2 * sum(case when band = '(all)' then customers end)
                    or sum(compared_customers) <> 2 * sum(case when band = '(all)' then compared_customers end)
                """,
                protects="No buyer is lost between the bands or counted twice.",
            ),
            *nobody_identified(),
        ),
    )


def kpi_category_adoption() -> Suite:
    followed = "(customers - customers_window_open)"
    return Suite(
        "kpi.kpi_category_adoption",
        ("period", "band"),
        (
            one_of("band", (*BANDS, "(all)"), protects=TOTALS_APART),
            _window(),
            no_row(
                "a half-year is its first day, not after the business date, and named by its period",
                f"wave > {AS_OF} or wave <> date_trunc('month', wave) or period <> "
                "coalesce(year(wave) || case month(wave) when 1 then ' H1' when 7 then ' H2' end, '(all)')",
                shows="period",
                column="wave",
                protects="Half-years join the calendar.",
            ),
            *_share("adoption_rate", "adopters", followed),
            *_share("buyer_adoption_rate", "adopters", "buyers"),
            *_share("next_purchase_rate", "next_purchase_adopters", "buyers"),
            _parts("customers", "customers_window_open", "buyers"),
            _parts("buyers", "adopters"),
            _parts("adopters", "next_purchase_adopters"),
            between("expected_rate", 0, 100, protects="A share of customers is a percentage."),
            *_difference("adventure", "next_purchase_rate", "expected_rate"),
            no_row(
                "whoever answered had bought before",
                "mean_categories_before < 1",
                shows="mean_categories_before",
                column="mean_categories_before",
                protects="A first purchase is not taken for adventure.",
            ),
            finds_nothing(
                "over all answers the expected is what happened",
                """
                select period, band, expected_adopters - adopters as observed
                from (
                    select period, band, expected_rate * buyers / 100 as expected_adopters,
                        next_purchase_adopters as adopters, buyers
                    from kpi.kpi_category_adoption
                    where period = '(all)' and band = '(all)'
                ) as everybody
                where abs(expected_adopters - adopters) > buyers * 1e-6 + 1e-6
                """,
                protects="What a band is held against is what customers do.",
            ),
            *nobody_identified(),
        ),
    )


def kpi_lost_customers() -> Suite:
    followed = "(customers - customers_window_open)"
    return Suite(
        "kpi.kpi_lost_customers",
        ("period", "department", "buyer"),
        (
            one_of("buyer", ("first purchase", "returning", "(all)"), protects=TOTALS_APART),
            _window(),
            *_share("lost_rate", "lost", followed),
            _parts("customers", "customers_window_open", "lost"),
            no_row(
                "a month is its first day, not after the business date, and named by its period",
                f"month > {AS_OF} or month <> date_trunc('month', month) "
                "or month is not null and period <> strftime(month, '%Y-%m') "
                "or month is null and period not in ('(last year)', '(year before)')",
                shows="period",
                column="month",
                protects="Months join the calendar.",
            ),
            no_row(
                "a year has twelve months and a month is one",
                "months < 1 or months > 12 or month is not null and months <> 1",
                shows="months",
                column="months",
                protects="Years are compared with years.",
            ),
            no_row(
                "an open month has lost nobody yet, and a year has none",
                "customers_window_open > 0 and (lost > 0 or month is null)",
                shows="lost",
                column="customers_window_open",
                protects="Customers who still have time are not counted as lost.",
            ),
            finds_nothing(
                "departments and kinds of buyers add up to the company",
                f"""
                select period, sum(customers) as observed
                from kpi.kpi_lost_customers
                group by period
                having sum(customers) <> 4 * sum(case when department = '(all)' and buyer = '(all)' then customers end)
                    or sum(lost) <> 4 * sum(case when department = '(all)' and buyer = '(all)' then lost end)
                    or abs(
                        sum(lost_revenue_12m)
                        - 4 * sum(case when department = '(all)' and buyer = '(all)' then lost_revenue_12m end)
                    ) > {MONEY_TOLERANCE}
                """,
                protects="No customer is lost between departments or counted twice.",
            ),
            *nobody_identified(),
        ),
    )
