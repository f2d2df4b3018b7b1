"""Customer lifetime value: what the models say of themselves."""

from __future__ import annotations

from data_quality.expectations import Suite, between, finds_nothing, no_row, one_of
from data_quality.suites.published.shared import MONEY_TOLERANCE, POINT_TOLERANCE, nobody_identified

VALUE_BASES = ("margin", "margin_assumed", "margin_extrapolated", "revenue", "revenue_no_cost")
PURCHASE_MODELS = ("MBG/NBD", "BG/NBD", "Pareto/NBD", "NBD")
AS_BEFORE = "(as before)"

_MONEY_IS_OF_ONE_KIND = one_of(
    "value_basis", VALUE_BASES, protects="Readers know whether a value is margin or revenue."
)


def clv_model_parameters() -> Suite:
    return Suite(
        "kpi.clv_model_parameters",
        ("dataset", "model", "parameter"),
        (
            one_of(
                "dataset", ("current", "calibration", "(none)"), protects="Fits to two dates are not mixed."
            ),
            one_of(
                "model",
                (*PURCHASE_MODELS, "Gamma-Gamma", "(none)"),
                protects="Every model is one that the literature describes.",
            ),
            _MONEY_IS_OF_ONE_KIND,
            no_row(
                "a fitted parameter has an estimate above zero, a standard error and a likelihood",
                "status = 'fitted' and not coalesce(estimate > 0 and standard_error > 0 and customers > 0 "
                "and isfinite(estimate) and isfinite(standard_error) and isfinite(log_likelihood), false)",
                shows="estimate",
                column="estimate",
                protects="No prediction rests on a fit that failed silently.",
            ),
            no_row(
                "what could not be fitted says why, and is not chosen",
                "status = 'not_fitted' and (reason is null or estimate is not null or is_chosen)",
                shows="status",
                column="reason",
                protects="Too little data is said, not hidden.",
            ),
            finds_nothing(
                "one model of purchases at most is chosen, the same for both datasets",
                """
                select string_agg(distinct model, ', ') as observed
                from kpi.clv_model_parameters
                where is_chosen and model <> 'Gamma-Gamma'
                having count(distinct model) > 1 or count(distinct dataset) = 1
                """,
                protects="All lifetime values of a night rest on one model, which the holdout has tried.",
            ),
            *nobody_identified(),
        ),
    )


def clv_validation() -> Suite:
    return Suite(
        "kpi.clv_validation",
        ("model", "level", "position"),
        (
            one_of("level", ("total", "decile", "week"), protects="Totals and parts are not added together."),
            one_of(
                "model",
                (*PURCHASE_MODELS, AS_BEFORE),
                protects="Every model is one that the literature describes, or none at all.",
            ),
            one_of("status", ("predicted", "observed"), protects="A prediction is told from an observation."),
            _MONEY_IS_OF_ONE_KIND,
            no_row(
                "purchases are not negative",
                "customers < 0 or actual_purchases < 0 or predicted_purchases < 0",
                shows="predicted_purchases",
                column="predicted_purchases",
                protects="Counts can be added up.",
            ),
            no_row(
                "the bias follows from what was predicted and what came",
                f"abs(purchases_bias_percent - 100 * (predicted_purchases / actual_purchases - 1)) > "
                f"{POINT_TOLERANCE} * (1 + 100 / actual_purchases)",
                shows="purchases_bias_percent",
                column="purchases_bias_percent",
                protects="Whoever recomputes the bias gets the same number.",
            ),
            finds_nothing(
                "tenths and weeks add up to the total",
                f"""
                select parts.model, parts.level, parts.actual - total.actual_purchases as observed
                from (
                    select model, level, sum(actual_purchases) as actual, sum(predicted_purchases) as predicted,
                        sum(actual_value) as value
                    from kpi.clv_validation where level <> 'total' group by model, level
                ) as parts
                inner join kpi.clv_validation as total on parts.model = total.model and total.level = 'total'
                where parts.actual <> total.actual_purchases
                    or abs(parts.predicted - total.predicted_purchases) > {MONEY_TOLERANCE}
                    or abs(parts.value - total.actual_value) > {MONEY_TOLERANCE}
                """,
                protects="No purchase of the holdout is lost or counted twice.",
            ),
            finds_nothing(
                "all models met the same holdout",
                """
                select count(distinct actual_purchases) as observed
                from kpi.clv_validation where level = 'total'
                having count(distinct (customers, actual_purchases, actual_value)) > 1
                """,
                protects="Models are compared on the same customers.",
            ),
            finds_nothing(
                "exactly one total is the chosen one",
                """
                select count(*) as observed from kpi.clv_validation
                where level = 'total' and is_chosen having count(*) <> 1
                """,
                column="is_chosen",
                protects="Readers see how far tonight's lifetime values can be trusted.",
            ),
            *nobody_identified(),
        ),
    )


def clv_segments() -> Suite:
    return Suite(
        "kpi.clv_segments",
        ("segment",),
        (
            finds_nothing(
                "holds every customer with a segment and a lifetime value",
                """
                select segments.customers || ' of ' || clv.customers as observed
                from (
                    select coalesce(sum(customers) filter (where segment <> '(all)'), 0) as customers,
                        coalesce(sum(customers) filter (where segment = '(all)'), 0) as together,
                        coalesce(sum(case when segment = '(all)' then clv_amount else -clv_amount end), 0) as rest
                    from kpi.clv_segments
                ) as segments
                cross join (select count(*) as customers from intermediate.int_customers__clv) as clv
                where segments.customers <> clv.customers or segments.together <> clv.customers
                    or segments.rest <> 0
                """,
                column="customers",
                protects="Segments add up to all customers who bought and kept something.",
            ),
            one_of(
                "clv_status", ("predicted", "observed"), protects="A prediction is told from an observation."
            ),
            _MONEY_IS_OF_ONE_KIND,
            between("p_alive_mean", 0, 1, protects="A probability lies between 0 and 1."),
            no_row(
                "a prediction lies within its interval, and an observation has none",
                f"case clv_status when 'predicted' then not coalesce(clv_lower - {MONEY_TOLERANCE} <= clv_amount "
                f"and clv_amount <= clv_upper + {MONEY_TOLERANCE}, false) else clv_lower is not null end",
                shows="clv_lower || ' <= ' || clv_amount || ' <= ' || clv_upper",
                column="clv_amount",
                protects="The uncertainty that is shown belongs to the value beside it.",
            ),
            no_row(
                "the mean is that of the segment's customers",
                f"abs(clv_mean - clv_amount / customers) > {POINT_TOLERANCE}",
                shows="clv_mean",
                column="clv_mean",
                protects="Whoever recomputes the mean gets the same number.",
            ),
            finds_nothing(
                "an observation says why nothing is predicted",
                """
                select count(*) as observed from kpi.clv_segments
                where clv_status = 'observed' and reason is null having count(*) > 0
                """,
                column="reason",
                protects="Too little data is said, not hidden.",
            ),
            *nobody_identified(),
        ),
    )
