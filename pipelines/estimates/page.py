"""The page that says how far to trust lifetime values: one file, readable offline, with no script in it.

Belongs here: how the outcome of a night is shown to people. Does not: any number that is not in it. Under each plot
stands the table that it is drawn from.
"""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import polars as pl
from jinja2 import Environment, StrictUndefined

from pipelines.estimates import plots
from pipelines.estimates.outcome import Outcome

_VALUE_BASES = {
    "margin": "margin",
    "margin_assumed": "margin, with the assumed rate for goods whose cost nobody knows",
    "margin_extrapolated": "margin, with the average rate for goods whose cost nobody knows",
    "revenue": "revenue",
    "revenue_no_cost": "revenue, as no cost is known and no rate is assumed",
}

_TEMPLATE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>How far to trust lifetime values: {{ company }}, {{ as_of }}</title>
<style>
body { font: 16px/1.5 system-ui, sans-serif; max-width: 46rem; margin: 2rem auto; padding: 0 1rem; color: #1a1a1a; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.2rem; margin-top: 2rem; }
table { border-collapse: collapse; font-size: .9rem; } caption { text-align: left; color: #555; padding: .3rem 0; }
th, td { padding: .2rem .6rem; border-bottom: 1px solid #ddd; text-align: right; }
th:first-child, td:first-child { text-align: left; }
.verdict { font-size: 1.2rem; border-left: .3rem solid #005a9c; padding-left: .8rem; }
.chosen { font-weight: 600; } .note { color: #555; } svg { max-width: 100%; height: auto; }
{{ style | safe }}
</style>
</head>
<body>
<h1>How far to trust lifetime values</h1>
<p>{{ company }}, as of {{ as_of }}; {{ "{:,}".format(outcome.customers) }} customers with a purchase.</p>
<p class="verdict">{{ outcome.verdict }}</p>
{% if outcome.model %}
<p>The lifetime value of a customer is what they are expected to bring in the next {{ settings.horizon_days }} days,
in {{ currency }} of {{ value_basis }}, discounted at {{ "%g" % (100 * settings.annual_discount_rate) }} % a year.
{{ outcome.reason }}.</p>
<p>The purchases of the holdout were worth {{ "{:,.0f}".format(total.actual_value) }},
{{ "{:,.0f}".format(total.predicted_value) }} were predicted.</p>

<h2>Expected and come, by tenths of the customers</h2>
<p class="note">Customers are ordered by how many purchases were expected of them. In a model to trust the bars of a
tenth are alike, and they rise to the right.</p>
{{ bars | safe }}
<p class="note">Grey: came. Blue: predicted.</p>
<table>
<caption>Purchases in the {{ settings.holdout_days }} days kept back, and what they were worth</caption>
<thead><tr><th scope="col">tenth</th><th scope="col">customers</th><th scope="col">came</th>
<th scope="col">predicted</th><th scope="col">value came</th><th scope="col">value predicted</th></tr></thead>
<tbody>
{% for row in deciles %}
<tr><td>{{ row.position }}</td><td>{{ "{:,}".format(row.customers) }}</td>
<td>{{ "{:,}".format(row.actual_purchases) }}</td><td>{{ "{:,.1f}".format(row.predicted_purchases) }}</td>
<td>{{ "{:,.0f}".format(row.actual_value) }}</td><td>{{ "{:,.0f}".format(row.predicted_value) }}</td></tr>
{% endfor %}
</tbody>
</table>

<h2>Expected and come, week by week</h2>
<p class="note">Purchases since the holdout began. Lines that part more and more mean that the error grows with the
horizon.</p>
{{ lines | safe }}
<p class="note">Grey: came. Blue and dashed: predicted.</p>
<details><summary>As numbers</summary>
<table>
<caption>Purchases so far</caption>
<thead><tr><th scope="col">week</th><th scope="col">came</th><th scope="col">predicted</th></tr></thead>
<tbody>
{% for row in weeks %}
<tr><td>{{ row.position }}</td><td>{{ "{:,}".format(row.actual) }}</td>
<td>{{ "{:,.1f}".format(row.predicted) }}</td></tr>
{% endfor %}
</tbody>
</table>
</details>
{% endif %}

{% if models %}
<h2>The models that were tried</h2>
<table>
<caption>The lower the deviance, the nearer a model came to what each customer did</caption>
<thead><tr><th scope="col">model</th><th scope="col">purchases predicted</th><th scope="col">purchases came</th>
<th scope="col">deviance per customer</th></tr></thead>
<tbody>
{% for row in models %}
<tr{% if row.is_chosen %} class="chosen"{% endif %}><td>{{ row.model }}{% if row.is_chosen %} (chosen){% endif %}</td>
<td>{{ "{:,.0f}".format(row.predicted_purchases) }}</td><td>{{ "{:,}".format(row.actual_purchases) }}</td>
<td>{{ "%.5f" % row.poisson_deviance }}</td></tr>
{% endfor %}
</tbody>
</table>
{% endif %}

{% if parameters %}
<h2>Parameters</h2>
<table>
<caption>Times in weeks, v in {{ currency }}; calibration: before the holdout, current: until {{ as_of }}</caption>
<thead><tr><th scope="col">model</th><th scope="col">fitted to</th><th scope="col">parameter</th>
<th scope="col">estimate</th><th scope="col">standard error</th><th scope="col">log-likelihood</th></tr></thead>
<tbody>
{% for row in parameters %}
<tr{% if row.is_chosen %} class="chosen"{% endif %}><td>{{ row.model }}</td><td>{{ row.dataset }}</td>
{% if row.status == "fitted" %}<td>{{ row.parameter }}</td><td>{{ "%.4f" % row.estimate }}</td>
<td>{{ "%.4f" % row.standard_error }}</td><td>{{ "{:,.2f}".format(row.log_likelihood) }}</td>
{% else %}<td colspan="4">not fitted: {{ row.reason }}</td>{% endif %}</tr>
{% endfor %}
</tbody>
</table>
{% endif %}
<p class="note">What the models assume, and what none of them can know, is in docs/lifetime_value.md. The same numbers
are in the published tables kpi.clv_validation, kpi.clv_model_parameters and kpi.clv_segments.</p>
</body>
</html>
"""

_environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)


def write_page(path: Path, outcome: Outcome, company: str, currency: str, as_of: dt.date) -> None:
    """Write the page of a night; the one of the night before is replaced as a whole.

    Args:
        path: such as ``KIZUNA_HOME/quality/lifetime_value.html``.
    """
    building = path.with_suffix(".building")
    building.write_text(page(outcome, company, currency, as_of), encoding="utf-8")
    building.replace(path)


def page(outcome: Outcome, company: str, currency: str, as_of: dt.date) -> str:
    """The page as HTML."""
    return _environment.from_string(_TEMPLATE).render(
        outcome=outcome,
        total=outcome.total,
        settings=outcome.settings,
        value_basis=_VALUE_BASES[outcome.value_basis],
        company=company,
        currency=currency,
        as_of=as_of,
        style=plots.STYLE,
        deciles=outcome.part("decile").to_dicts(),
        bars=plots.bars(outcome),
        weeks=plots.purchases_so_far(outcome).to_dicts(),
        lines=plots.lines(outcome),
        models=outcome.validation.filter(pl.col("level") == "total").sort("poisson_deviance").to_dicts(),
        parameters=outcome.parameters.to_dicts(),
    )
