"""Good and bad sales: every line has a verdict and a reason, and all of them add up to what was sold."""

from __future__ import annotations

from data_quality.expectations import Expectation, Suite, between, finds_nothing, no_row, one_of
from data_quality.suites.published.shared import AS_OF, POINT_TOLERANCE, nobody_identified, not_after_as_of

QUALITIES = ("good", "bad", "undecided")
DIMENSIONS = ("department", "category", "campaign_id", "sales_channel")
REASON_LEVELS = ("month", "month_department", "month_category", "month_campaign", "month_sales_channel")


def fct_sales_quality() -> Suite:
    return Suite(
        "marts.fct_sales_quality",
        ("order_id", "line_number"),
        (
            one_of("quality", QUALITIES, protects="Every sale is good, bad or not decided."),
            not_after_as_of("order_date"),
            no_row(
                "a verdict has a rule, a reason and a day",
                "quality is null or quality <> 'undecided' and decided_by is null "
                "or (decided_by is null) <> (reasons is null) or (decided_by is null) <> (decided_on is null) "
                "or not starts_with(reasons, decided_by)",
                shows="quality",
                column="decided_by",
                protects="Whoever asks why a sale is called bad gets an answer.",
            ),
            no_row(
                "a verdict is not of tomorrow, and what is still open is not of yesterday",
                f"decided_on > {AS_OF} or decided_on < order_date or open_until < order_date "
                "or decided_by is null and open_until is null",
                shows="coalesce(decided_on, open_until)",
                column="decided_on",
                protects="Nothing is decided before it is known, and nothing is left open for ever without a reason.",
            ),
            no_row(
                "what came back is judged with its sale",
                "reversed_order_id is not null and not is_return "
                "or (reversed_order_id is null) <> (reversed_line_number is null)",
                shows="reversed_order_id",
                column="reversed_order_id",
                protects="A return is no sale of its own.",
            ),
            finds_nothing(
                "holds the lines of the fact, with their money",
                """
                select coalesce(judged.month, sold.month) as month,
                    coalesce(judged.net_amount, 0) || ' of ' || coalesce(sold.net_amount, 0) as observed
                from (select date_trunc('month', order_date) as month, count(*) as lines, sum(net_amount) as net_amount
                      from marts.fct_sales_quality group by all) as judged
                full join (select date_trunc('month', order_date) as month, count(*) as lines,
                               sum(net_amount) as net_amount
                           from marts.fct_order_lines where not is_cancelled group by all) as sold using (month)
                where judged.lines is distinct from sold.lines or judged.net_amount is distinct from sold.net_amount
                """,
                protects="No sale is lost or judged twice.",
            ),
            *nobody_identified(),
        ),
    )


def kpi_sales_quality_monthly() -> Suite:
    return Suite(
        "kpi.kpi_sales_quality_monthly",
        ("month", "level", *DIMENSIONS),
        (
            *_amounts_add_up(),
            *(
                between(share, 0, 100, protects="A share of sales is a percentage.")
                for share in (
                    "good_share",
                    "bad_share",
                    "undecided_share",
                    "bad_share_of_decided",
                    "anonymous_share",
                )
            ),
            no_row(
                "shares follow from their amounts",
                " or ".join(
                    f"({share} is null) <> (coalesce({whole}, 0) = 0) "
                    f"or abs({share} - 100.0 * {part}::double / {whole}::double) > {POINT_TOLERANCE}"
                    for share, part, whole in (
                        ("good_share", "good_sold_amount", "sold_amount"),
                        ("bad_share", "bad_sold_amount", "sold_amount"),
                        ("undecided_share", "undecided_sold_amount", "sold_amount"),
                        ("bad_share_of_decided", "bad_sold_amount", "(good_sold_amount + bad_sold_amount)"),
                        ("anonymous_share", "anonymous_sold_amount", "sold_amount"),
                    )
                ),
                shows="bad_share",
                protects="Whoever recomputes a share gets the same number.",
            ),
            no_row(
                "anonymous sales are a part of the undecided and of all",
                "undecided_anonymous_sold_amount not between 0 and least(undecided_sold_amount, anonymous_sold_amount) "
                "or anonymous_sold_amount > sold_amount or customers > lines or least(lines, customers) < 0",
                shows="undecided_anonymous_sold_amount",
                protects="What stays unknown is not taken for what is not known yet.",
            ),
            no_row(
                "a month is its first day, not after the business date",
                f"month > {AS_OF} or month <> date_trunc('month', month)",
                shows="month",
                column="month",
                protects="Months join the calendar.",
            ),
            finds_nothing(
                "every level adds up to the fact",
                """
                select level, month, net_amount || ', bad ' || bad_amount || ', refunded ' || refunded_amount
                    as observed
                from (select date_trunc('month', order_date) as month, count(*) as fact_lines,
                          sum(net_amount) as fact_amount,
                          coalesce(sum(net_amount) filter (where quality = 'bad'), 0) as fact_bad_amount,
                          sum(refunded_amount) as fact_refunded_amount
                      from marts.fct_sales_quality group by all) as facts
                cross join (select distinct level from kpi.kpi_sales_quality_monthly) as levels
                full join (select level, month, sum(lines) as lines, sum(net_amount) as net_amount,
                               sum(bad_amount) as bad_amount, sum(refunded_amount) as refunded_amount
                           from kpi.kpi_sales_quality_monthly group by all) as sums using (level, month)
                where lines is distinct from fact_lines or net_amount is distinct from fact_amount
                    or bad_amount is distinct from fact_bad_amount
                    or refunded_amount is distinct from fact_refunded_amount
                """,
                protects="No sale is lost or counted twice, however sales are told apart.",
            ),
            *nobody_identified(),
        ),
    )


def kpi_sales_quality_reasons_monthly() -> Suite:
    return Suite(
        "kpi.kpi_sales_quality_reasons_monthly",
        ("month", "level", *DIMENSIONS, "quality", "decided_by"),
        (
            one_of("quality", QUALITIES, protects="Every sale is good, bad or not decided."),
            one_of("level", REASON_LEVELS, protects="Totals and parts are not added together."),
            no_row(
                "what was sold and what was taken back are the amount",
                "net_amount <> sold_amount + reversed_amount or sold_amount < 0 or reversed_amount > 0 or lines <= 0",
                shows="net_amount",
                protects="The parts of an amount can be added up.",
            ),
            no_row(
                "an open line is undecided",
                "decided_by = '(open)' and quality <> 'undecided'",
                shows="quality",
                column="decided_by",
                protects="Good and bad sales have a rule that says so.",
            ),
            finds_nothing(
                "reasons add up to the verdicts",
                """
                select level, month, quality, given.amount || ' of ' || told.amount as observed
                from (select level, month, quality, sum(net_amount) as amount
                      from kpi.kpi_sales_quality_reasons_monthly group by all) as given
                full join (
                    select level, month, quality, sum(amount) as amount
                    from (unpivot (select level, month, good_amount as good, bad_amount as bad,
                                       undecided_amount as undecided from kpi.kpi_sales_quality_monthly)
                          on good, bad, undecided into name quality value amount)
                    group by all
                ) as told using (level, month, quality)
                where coalesce(given.amount, 0) <> coalesce(told.amount, 0)
                    and level in (select level from kpi.kpi_sales_quality_reasons_monthly)
                """,
                protects="Every bad sale has a reason, and one only decided.",
            ),
            *nobody_identified(),
        ),
    )


def sales_reconciliation() -> Suite:
    return Suite(
        "meta.sales_reconciliation",
        ("month",),
        (
            no_row(
                "good + bad + undecided = net sales",
                "good_amount + bad_amount + undecided_amount <> net_sales or difference_judged <> 0 "
                "or judged_lines <> fact_lines",
                shows="good_amount + bad_amount + undecided_amount - net_sales",
                column="net_sales",
                protects="Calling sales good or bad neither loses nor makes a cent.",
            ),
            no_row(
                "net sales = total of the CRM",
                "net_sales <> crm_total or difference_crm <> 0 or fact_lines <> crm_lines",
                shows="net_sales - crm_total",
                column="crm_total",
                protects="Sales in reports are those of the CRM, to the cent.",
            ),
            finds_nothing(
                "every month of the fact is accounted for",
                """
                select month, sold.net_sales || ' not accounted for' as observed
                from (select cast(date_trunc('month', order_date) as date) as month, sum(net_amount) as net_sales
                      from marts.fct_order_lines where not is_cancelled group by all) as sold
                left join meta.sales_reconciliation as accounts using (month)
                where accounts.net_sales is distinct from sold.net_sales
                """,
                protects="The accounts speak of the sales that are published, not of a copy.",
            ),
            *nobody_identified(),
        ),
    )


def _amounts_add_up() -> tuple[Expectation, ...]:
    sums = (
        ("good, bad and undecided sales are the net sales", "net_amount", "{}_amount", QUALITIES),
        ("they are what was sold", "sold_amount", "{}_sold_amount", QUALITIES),
        ("they are what was taken back", "reversed_amount", "{}_reversed_amount", QUALITIES),
        ("sold and taken back are the net sales", "net_amount", "{}_amount", ("sold", "reversed")),
        *(
            (
                f"{q} sales are those sold and those taken back",
                f"{q}_amount",
                f"{q}_{{}}_amount",
                ("sold", "reversed"),
            )
            for q in QUALITIES
        ),
    )
    return tuple(
        no_row(
            name,
            f"{whole} <> {' + '.join(part.format(one) for one in parts)}",
            shows=whole,
            column=whole,
            protects="Good and bad sales can be added up to the cent.",
        )
        for name, whole, part, parts in sums
    )
