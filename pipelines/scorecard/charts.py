"""The charts, as Vega-Lite by Altair. They get their rows in the browser, where filters choose them.

Every chart reads the named data ``rows``; a column that holds words is drawn by its ``_label`` in the page's language.
Colours are those of Okabe and Ito (2008), which people tell apart who do not see all colours; what matters is told by
shape or words too.
"""

from __future__ import annotations

from collections.abc import Sequence

import altair as alt

from pipelines.scorecard.texts import Texts

BLUE, ORANGE, GREEN, PURPLE, SKY, RED = "#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00"
GREY = "#8a8f98"
_HEIGHT = 260
_ROW_HEIGHT = 26
_ROWS = alt.NamedData(name="rows")
_MONTH = "%Y-%m"
_LEGEND = alt.Legend(orient="top", title=None, symbolOpacity=1, labelLimit=260)
_PALE = (0.05, 0.6)  # of a colour scheme: dark words stay readable on all of it


def _chart() -> alt.Chart:
    return alt.Chart(_ROWS, width="container", height=_HEIGHT)


def _rows_chart(height: int = _ROW_HEIGHT) -> alt.Chart:
    """As high as it has rows, each of so many pixels."""
    return alt.Chart(_ROWS, width="container", height=alt.Step(height))


def _falling(column: str) -> alt.EncodingSortField:
    """From the highest down; every layer of a chart has to say the same."""
    return alt.EncodingSortField(field=column, op="max", order="descending")


def _tooltips(texts: Texts, columns: Sequence[str]) -> list[alt.Tooltip]:
    return [alt.Tooltip(_field(column), title=texts.column(column.split(":")[0])) for column in columns]


def _field(column: str) -> str:
    """``name:w`` is a column of words, ``name:m`` a month, anything else a number."""
    name, _, kind = column.partition(":")
    return {"w": f"{name}_label:N", "m": f"{name}:T"}.get(kind, f"{name}:Q")


def _month_axis() -> alt.X:
    return alt.X("month:T", title=None, axis=alt.Axis(format=_MONTH, labelAngle=0, labelOverlap=True))


def loyalty(texts: Texts) -> alt.LayerChart:
    """NPS by month with its interval."""
    tooltip = _tooltips(texts, ["month:m", "department:w", "nps", "nps_lower", "nps_upper", "nps_n"])
    base = _chart().encode(x=_month_axis(), tooltip=tooltip)
    band = base.mark_area(opacity=0.18, color=BLUE).encode(
        y=alt.Y("nps_lower:Q", title=texts.column("nps"), scale=alt.Scale(zero=False)), y2="nps_upper:Q"
    )
    line = base.mark_line(color=BLUE, strokeWidth=2.5).encode(y="nps:Q")
    return alt.layer(band, line, base.mark_point(filled=True, size=45, color=BLUE).encode(y="nps:Q"))


def satisfaction(texts: Texts) -> alt.LayerChart:
    """CSAT and CES by month, with intervals: what stays green while NPS falls."""
    layers = []
    for column, dash in (("csat", [1, 0]), ("ces", [6, 3])):
        tooltip = _tooltips(
            texts, ["month:m", "department:w", column, f"{column}_lower", f"{column}_upper", f"{column}_n"]
        )
        named = _chart().transform_calculate(indicator=repr(texts.column(column)))
        base = named.encode(
            x=_month_axis(),
            tooltip=tooltip,
            color=alt.Color(
                "indicator:N",
                scale=alt.Scale(domain=[texts.column("csat"), texts.column("ces")], range=[GREEN, ORANGE]),
                legend=_LEGEND,
            ),
        )
        layers += [
            base.mark_area(opacity=0.12).encode(
                y=alt.Y(f"{column}_lower:Q", title=texts.page["percent"], scale=alt.Scale(zero=False)),
                y2=f"{column}_upper:Q",
            ),
            base.mark_line(strokeWidth=2.5, strokeDash=dash).encode(y=f"{column}:Q"),
        ]
    return alt.layer(*layers)


def divergence(texts: Texts) -> alt.LayerChart:
    """Where CSAT holds and NPS falls, by department and month."""
    tooltip = _tooltips(
        texts,
        ["month:m", "department:w", "alert:w", "nps_change", "csat_change", "nps_recent_n", "csat_recent_n"],
    )
    base = _rows_chart().encode(
        x=alt.X("yearmonth(month):O", title=None, axis=alt.Axis(format=_MONTH, labelAngle=-45)),
        y=alt.Y("department_label:N", title=None),
        tooltip=tooltip,
    )
    cells = base.mark_rect(stroke="white", strokeWidth=1).encode(
        color=alt.Color(
            "nps_change:Q",
            title=texts.column("nps_change"),
            scale=alt.Scale(scheme="redblue", domainMid=0),
            legend=alt.Legend(orient="top", gradientLength=160),
        )
    )
    alerts = (
        base.transform_filter("datum.is_alert")
        .mark_text(fontSize=15, fontWeight="bold")
        .encode(text=alt.value("▲"))
    )
    return alt.layer(cells, alerts)


def grid(texts: Texts) -> alt.LayerChart:
    """Customers by recency and frequency score."""
    base = _chart().encode(
        x=alt.X("frequency_score:O", title=texts.column("frequency_score"), axis=alt.Axis(labelAngle=0)),
        y=alt.Y("recency_score:O", sort="descending", title=texts.column("recency_score")),
        tooltip=_tooltips(
            texts, ["segment:w", "recency_score", "frequency_score", "customers", "monetary_amount"]
        ),
    )
    cells = base.mark_rect(stroke="white", cornerRadius=3).encode(
        color=alt.Color(
            "customers:Q", scale=alt.Scale(scheme=alt.SchemeParams("blues", extent=_PALE)), legend=None
        )
    )
    words = base.mark_text(fontSize=9, limit=70, color="#111827").encode(text="segment_label:N")
    return alt.layer(cells, words)


def movements(texts: Texts) -> alt.LayerChart:
    """From segment to segment within the last whole month."""
    base = _rows_chart().encode(
        x=alt.X("to_segment_label:N", title=texts.column("to_segment"), axis=alt.Axis(labelAngle=-45)),
        y=alt.Y("from_segment_label:N", title=texts.column("from_segment")),
        tooltip=_tooltips(
            texts, ["from_segment:w", "to_segment:w", "customers", "share_percent", "revenue_amount"]
        ),
    )
    cells = base.mark_rect(stroke="white").encode(
        color=alt.Color(
            "share_percent:Q",
            scale=alt.Scale(scheme=alt.SchemeParams("purples", extent=_PALE), domain=[0, 100]),
            legend=None,
        )
    )
    return alt.layer(cells, base.mark_text(fontSize=10, color="#111827").encode(text="customers:Q"))


def lifetime_value(texts: Texts) -> alt.LayerChart:
    """What a customer of each segment is expected to bring, with its interval."""
    tooltip = _tooltips(
        texts, ["segment:w", "customers", "clv_mean", "clv_mean_lower", "clv_mean_upper", "clv_amount"]
    )
    base = _rows_chart().encode(
        y=alt.Y("segment_label:N", sort=_falling("clv_mean"), title=None), tooltip=tooltip
    )
    spans = base.mark_rule(strokeWidth=3, color=BLUE, opacity=0.5).encode(
        x=alt.X("clv_mean_lower:Q", title=texts.column("clv_mean")), x2="clv_mean_upper:Q"
    )
    return alt.layer(
        spans, base.mark_point(filled=True, size=90, color=BLUE, opacity=1).encode(x="clv_mean:Q")
    )


def sales(texts: Texts) -> alt.Chart:
    """Good, bad and undecided sales by month, as sold."""
    kinds = ["good_sold_amount", "undecided_sold_amount", "bad_sold_amount"]
    words = [texts.column(kind) for kind in kinds]
    return (
        _chart()
        .transform_fold(kinds, as_=["kind", "amount"])
        .transform_calculate(
            kind_label=f"{dict(zip(kinds, words, strict=True))}[datum.kind]",
            place=f"indexof({kinds}, datum.kind)",
        )
        .mark_bar()
        .encode(
            x=alt.X("yearmonth(month):O", title=None, axis=alt.Axis(format=_MONTH, labelAngle=-45)),
            y=alt.Y("amount:Q", title=texts.page["money"]),
            color=alt.Color(
                "kind_label:N",
                scale=alt.Scale(domain=words, range=[GREEN, GREY, RED]),
                legend=_LEGEND,
            ),
            order=alt.Order("place:Q", sort="descending"),
            tooltip=[
                *_tooltips(texts, ["month:m", "department:w"]),
                alt.Tooltip("kind_label:N", title=texts.page["kind"]),
                alt.Tooltip("amount:Q", title=texts.page["money"], format=",.0f"),
            ],
        )
    )


def silence(texts: Texts) -> alt.LayerChart:
    """Silent customers per complaint, beside what is claimed everywhere."""
    tooltip = _tooltips(
        texts,
        [
            "department:w",
            "customers_with_problem",
            "silent_per_complaint",
            "silent_per_complaint_lower",
            "silent_per_complaint_upper",
            "revenue_at_risk",
        ],
    )
    base = _rows_chart().encode(y=alt.Y("department_label:N", title=None), tooltip=tooltip)
    scale = alt.Scale(type="log", nice=False)
    spans = base.mark_rule(strokeWidth=3, color=PURPLE, opacity=0.6).encode(
        x=alt.X("silent_per_complaint_lower:Q", title=texts.column("silent_per_complaint"), scale=scale),
        x2="silent_per_complaint_upper:Q",
    )
    points = base.mark_point(filled=True, size=90, color=PURPLE, opacity=1).encode(x="silent_per_complaint:Q")
    claim = (
        _rows_chart()
        .mark_rule(strokeDash=[4, 3], color=GREY)
        .encode(
            x="claimed_silent_per_complaint:Q",
            tooltip=_tooltips(texts, ["claimed_silent_per_complaint"]),
        )
    )
    return alt.layer(claim, spans, points)


def recovery(texts: Texts) -> alt.LayerChart:
    """Who buys again after a problem, by what became of it."""
    outcomes = [texts.value(value) for value in ("resolved", "unresolved", "never_voiced")]
    base = _chart().encode(
        x=alt.X("day:Q", title=texts.column("day")),
        color=alt.Color(
            "outcome_label:N",
            scale=alt.Scale(domain=outcomes, range=[GREEN, RED, GREY]),
            legend=_LEGEND,
        ),
        tooltip=_tooltips(
            texts,
            [
                "outcome:w",
                "day",
                "repurchase_rate",
                "repurchase_rate_lower",
                "repurchase_rate_upper",
                "at_risk",
            ],
        ),
    )
    band = base.mark_area(opacity=0.12).encode(
        y=alt.Y("repurchase_rate_lower:Q", title=texts.column("repurchase_rate")),
        y2="repurchase_rate_upper:Q",
    )
    line = base.mark_line(point=True, strokeWidth=2.5).encode(
        y="repurchase_rate:Q",
        strokeDash=alt.StrokeDash("outcome_label:N", scale=alt.Scale(domain=outcomes), legend=_LEGEND),
    )
    return alt.layer(band, line)


def handoffs(texts: Texts) -> alt.LayerChart:
    """NPS by the number of hand-offs behind it."""
    tooltip = _tooltips(texts, ["handoffs:w", "nps", "nps_lower", "nps_upper", "n"])
    base = _chart().encode(
        x=alt.X("handoffs_label:N", title=texts.column("handoffs"), axis=alt.Axis(labelAngle=0)),
        tooltip=tooltip,
    )
    spans = base.mark_rule(strokeWidth=3, color=ORANGE, opacity=0.7).encode(
        y=alt.Y("nps_lower:Q", title=texts.column("nps")), y2="nps_upper:Q"
    )
    return alt.layer(spans, base.mark_point(filled=True, size=110, color=ORANGE, opacity=1).encode(y="nps:Q"))


def connection(texts: Texts) -> alt.LayerChart:
    """The six relationship questions, customers beside colleagues."""
    who = [texts.value("external"), texts.value("internal")]
    base = _chart().encode(
        x=alt.X("item_label:N", title=None, axis=alt.Axis(labelAngle=-30)),
        xOffset=alt.XOffset("respondent_type_label:N", scale=alt.Scale(domain=who)),
        color=alt.Color(
            "respondent_type_label:N",
            scale=alt.Scale(domain=who, range=[BLUE, PURPLE]),
            legend=_LEGEND,
        ),
        tooltip=_tooltips(
            texts, ["item:w", "respondent_type:w", "mean", "mean_lower", "mean_upper", "top_box", "n"]
        ),
    )
    spans = base.mark_rule(strokeWidth=3, opacity=0.6).encode(
        y=alt.Y("mean_lower:Q", title=texts.column("mean"), scale=alt.Scale(zero=False)), y2="mean_upper:Q"
    )
    points = base.mark_point(filled=True, size=80, opacity=1).encode(
        y="mean:Q", shape=alt.Shape("respondent_type_label:N", scale=alt.Scale(domain=who), legend=_LEGEND)
    )
    return alt.layer(spans, points)


def quadrants(texts: Texts) -> alt.Chart:
    """Customers by what they bring and what they are given."""
    return (
        _rows_chart()
        .mark_bar(color=BLUE, cornerRadiusEnd=3)
        .encode(
            x=alt.X("customers:Q", title=texts.column("customers")),
            y=alt.Y("quadrant_label:N", sort="-x", title=None, axis=alt.Axis(labelLimit=260)),
            tooltip=_tooltips(
                texts,
                ["quadrant:w", "customers", "clv_amount", "revenue_amount", "value_balance", "loyalty_index"],
            ),
        )
    )


def regret(texts: Texts) -> alt.LayerChart:
    """Campaign purchases beside matched full-price purchases: how many more came back."""
    tooltip = _tooltips(
        texts,
        [
            "campaign_name:w",
            "campaign_verdict:w",
            "difference",
            "difference_lower",
            "difference_upper",
            "campaign_value",
            "matched_full_price_value",
            "campaign_n",
        ],
    )
    base = _rows_chart().encode(
        y=alt.Y(
            "campaign_name_label:N", sort=_falling("difference"), title=None, axis=alt.Axis(labelLimit=220)
        ),
        tooltip=tooltip,
    )
    zero = _rows_chart().mark_rule(strokeDash=[4, 3], color=GREY).encode(x=alt.datum(0))
    verdict = alt.Color(
        "campaign_verdict_label:N",
        scale=alt.Scale(
            domain=[texts.value(value) for value in ("regretted", "unclear", "not regretted", "not known")],
            range=[RED, ORANGE, GREEN, GREY],
        ),
        legend=_LEGEND,
    )
    spans = base.mark_rule(strokeWidth=3, opacity=0.6).encode(
        x=alt.X("difference_lower:Q", title=texts.column("difference")),
        x2="difference_upper:Q",
        color=verdict,
    )
    points = base.mark_point(filled=True, size=90, opacity=1).encode(x="difference:Q", color=verdict)
    return alt.layer(zero, spans, points)


def departments(texts: Texts) -> alt.LayerChart:
    """Every department against its targets in the last whole month."""
    statuses = ["reached", "uncertain", "missed", "too few", "no target"]
    base = _rows_chart(_ROW_HEIGHT + 6).encode(
        x=alt.X("kpi_name_label:N", title=None, axis=alt.Axis(labelAngle=-25, orient="top", labelLimit=140)),
        y=alt.Y("department_label:N", title=None),
        tooltip=_tooltips(
            texts,
            [
                "department:w",
                "kpi_name:w",
                "status:w",
                "actual",
                "actual_lower",
                "actual_upper",
                "target",
                "n",
            ],
        ),
    )
    cells = base.mark_rect(stroke="white", strokeWidth=2, cornerRadius=4).encode(
        color=alt.Color(
            "status_label:N",
            scale=alt.Scale(
                domain=[texts.value(status) for status in statuses],
                range=["#9fd8bf", "#fbe3a6", "#f4b9a0", "#e3e5e8", "#cfe3f3"],
            ),
            legend=_LEGEND,
        )
    )
    words = base.transform_calculate(
        shown="isValid(datum.actual) ? format(datum.actual, ',.1f') + "
        "(isValid(datum.target) ? ' / ' + format(datum.target, ',.4~g') : '') : '–'"
    )
    return alt.layer(cells, words.mark_text(fontSize=11, color="#111827").encode(text="shown:N"))
