"""The charts, as Vega-Lite by Altair. They get their rows and their words in the browser, where both are chosen.

Every chart reads the named data ``rows``. Beside each column the page hands it what people read: ``_text`` as the
language writes it, ``_short`` for little room, ``_span`` for its interval, and ``faded`` for what was not chosen.
Words are places such as ``{{columns.nps}}``, so that one chart serves all languages.
Colours are those of Okabe and Ito (2008), which people tell apart who do not see all colours; what matters is told by
shape or words too.
"""

from __future__ import annotations

import json
from typing import Any

import altair as alt

from pipelines.scorecard.units import MONEY, PERCENT, POINTS, SIGNED, unit_of

BLUE, ORANGE, GREEN, PURPLE, SKY, RED = "#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00"
GREY = "#8a8f98"
DARK = "#111827"  # words on a light field, in a dark page too
_HEIGHT = 260
_ROW_HEIGHT = 28
_ROWS = alt.NamedData(name="rows")
_LEGEND = alt.Legend(orient="top", title=None, symbolOpacity=1, labelLimit=260)
_PALE = (0.05, 0.6)  # of a colour scheme: dark words stay readable on all of it
_FADED = 0.3  # what was not chosen, in a panel that shows all


def _chart() -> alt.Chart:
    return alt.Chart(_ROWS, width="container", height=_HEIGHT)


def _rows_chart(height: int = _ROW_HEIGHT) -> alt.Chart:
    """As high as it has rows, each of so many pixels."""
    return alt.Chart(_ROWS, width="container", height=alt.Step(height))


def _tooltips(*columns: str) -> list[alt.Tooltip]:
    return [alt.Tooltip(f"{column}_text:N", title=_heading(column)) for column in columns]


def _with_interval(column: str) -> tuple[str, str, str]:
    return column, f"{column}_lower", f"{column}_upper"


def _said(part: str, name: str) -> str:
    """The place of a text, which the page fills in its language."""
    return f"{{{{{part}.{name}}}}}"


def _heading(column: str) -> str:
    return _said("columns", column)


def _value(value: str) -> str:
    return _said("values", value)


def _unit(column: str) -> str:
    """What is written beside an axis; nothing where the heading says it all."""
    unit = unit_of(column)
    if unit == SIGNED + PERCENT:  # a difference of percentages
        unit = POINTS
    return _said("units", unit.lstrip(SIGNED)) if unit.lstrip(SIGNED) in (POINTS, PERCENT, MONEY) else ""


def _words(column: str) -> str:
    """A column as the page's language says it."""
    return f"{column}_text:N"


def _title(column: str) -> str:
    """What an axis says: a heading with its unit."""
    return f"{_heading(column)} ({_unit(column)})" if _unit(column) else _heading(column)


def _months() -> alt.X:
    """Months side by side, in the order of the rows."""
    return alt.X(
        "month_text:O",
        sort=None,
        title=None,
        axis=alt.Axis(labelAngle=0, labelOverlap="greedy", labelSeparation=8),
    )


def _time() -> alt.X:
    """Months as points in time; in UTC, because west of it the first of a month would be the last of another."""
    axis = alt.Axis(
        format=_said("page", "month_axis"), labelAngle=0, labelOverlap="greedy", labelSeparation=8
    )
    return alt.X("month:T", title=None, scale=alt.Scale(type="utc"), axis=axis)


def _unless_faded(opacity: float = 1) -> Any:
    return alt.OpacityValue(opacity, condition={"test": "datum.faded", "value": _FADED})


def _trends(drawn: dict[str, tuple[str, list[int]]], *more: str) -> alt.LayerChart:
    """Indicators by month with their intervals; each has a colour and a dash pattern of its own."""
    labels = [_heading(column) for column in drawn]
    legend = _LEGEND if len(drawn) > 1 else None
    colours = alt.Scale(domain=labels, range=[colour for colour, _ in drawn.values()])
    dashes = alt.Scale(domain=labels, range=[dash for _, dash in drawn.values()])
    colour = alt.Color("indicator:N", scale=colours, legend=legend)
    dash = alt.StrokeDash("indicator:N", scale=dashes, legend=legend)
    layers = []
    for column, label in zip(drawn, labels, strict=True):
        tooltip = _tooltips("month", "department", *_with_interval(column), *more, _cases(column))
        named = _chart().transform_calculate(indicator=f'"{label}"')
        base = named.encode(x=_time(), tooltip=tooltip, color=colour)
        y = {"title": _title(column) if len(drawn) == 1 else _unit(column), "scale": alt.Scale(zero=False)}
        band = base.mark_area(opacity=0.16).encode(y=alt.Y(f"{column}_lower:Q", **y), y2=f"{column}_upper:Q")
        line = base.mark_line(strokeWidth=2.5).encode(y=alt.Y(f"{column}:Q", **y), strokeDash=dash)
        points = base.mark_point(filled=True, size=50, opacity=1).encode(y=alt.Y(f"{column}:Q", **y))
        layers += [band, line, points]
    return alt.layer(*layers)


def _cases(column: str) -> str:
    return f"{column.removesuffix('_share')}_n"


def loyalty() -> alt.LayerChart:
    """NPS by month with its interval."""
    return _trends({"nps": (BLUE, [1, 0])})


def satisfaction() -> alt.LayerChart:
    """CSAT and CES by month, with intervals: what stays green while NPS falls."""
    return _trends({"csat": (GREEN, [1, 0]), "ces": (ORANGE, [6, 3])})


def journey() -> alt.LayerChart:
    """How often tickets are passed on, and how often the first contact resolves them."""
    return _trends({"first_contact_share": (SKY, [1, 0]), "handed_off_share": (RED, [6, 3])}, "tickets")


def divergence() -> alt.LayerChart:
    """Where CSAT holds and NPS falls, by department and month."""
    tooltip = _tooltips(
        "month",
        "department",
        "alert",
        *_with_interval("nps_change"),
        *_with_interval("csat_change"),
        "nps_recent_n",
        "csat_recent_n",
    )
    base = _rows_chart().encode(
        x=_months(), y=alt.Y(_words("department"), title=None), tooltip=tooltip, opacity=_unless_faded()
    )
    cells = base.mark_rect(strokeWidth=1).encode(
        color=alt.Color(
            "nps_change:Q",
            title=_title("nps_change"),
            scale=alt.Scale(scheme="redblue", domainMid=0),
            legend=alt.Legend(orient="top", gradientLength=160),
        )
    )
    alerts = base.mark_text(fontSize=15, fontWeight="bold").encode(
        text=alt.TextValue("", condition={"test": "datum.is_alert", "value": "▲"})
    )
    return alt.layer(cells, alerts)


def grid() -> alt.LayerChart:
    """Customers by recency and frequency score."""
    base = (
        _chart()
        .properties(height=340)
        .encode(
            x=alt.X("frequency_score:O", title=_heading("frequency_score"), axis=alt.Axis(labelAngle=0)),
            y=alt.Y("recency_score:O", sort="descending", title=_heading("recency_score")),
            tooltip=_tooltips("segment", "recency_score", "frequency_score", "customers", "monetary_amount"),
            opacity=_unless_faded(),
        )
    )
    cells = base.mark_rect(cornerRadius=3).encode(
        color=alt.Color(
            "customers:Q", scale=alt.Scale(scheme=alt.SchemeParams("blues", extent=_PALE)), legend=None
        )
    )
    counts = base.mark_text(fontSize=13, dy=-20, color=DARK).encode(text=_words("customers"))
    # One word a line: on a phone a field is hardly wider than the longest.
    lines = base.mark_text(fontSize=9.5, dy=-8, lineBreak=" ", lineHeight=11, baseline="top", color=DARK)
    words = lines.encode(text=_words("segment"))
    return alt.layer(cells, counts, words)


def movements() -> alt.LayerChart:
    """From segment to segment within the last whole month."""
    base = _rows_chart().encode(
        x=alt.X(
            _words("to_segment"),
            sort=None,
            title=_heading("to_segment"),
            axis=alt.Axis(labelAngle=-35, orient="top"),
        ),
        y=alt.Y(_words("from_segment"), sort=None, title=_heading("from_segment")),
        tooltip=_tooltips(
            "from_segment",
            "to_segment",
            "customers",
            *_with_interval("share_percent"),
            "revenue_amount",
        ),
        opacity=_unless_faded(),
    )
    cells = base.mark_rect().encode(
        color=alt.Color(
            "share_percent:Q",
            scale=alt.Scale(scheme=alt.SchemeParams("purples", extent=_PALE), domain=[0, 100]),
            legend=None,
        )
    )
    counts = alt.TextValue(
        "", condition={"test": "datum.customers > 0", "field": "customers_text", "type": "nominal"}
    )
    return alt.layer(cells, base.mark_text(fontSize=11, color=DARK).encode(text=counts))


def lifetime_value() -> alt.LayerChart:
    """What a customer of each segment is expected to bring, with its interval."""
    return _forest(
        "clv_mean",
        "segment",
        alt.ColorValue(BLUE),
        _tooltips("segment", "customers", *_with_interval("clv_mean"), "clv_amount", "clv_status"),
    )


def _forest(
    column: str,
    label: str,
    colour: Any,
    tooltip: list[alt.Tooltip],
    scale: alt.Scale | None = None,
) -> alt.LayerChart:
    """A point with its interval for each row."""
    x = {"title": _title(column), "scale": scale or alt.Scale(), "axis": alt.Axis(tickCount=6)}
    base = _rows_chart().encode(
        y=alt.Y(_words(label), sort=None, title=None, axis=alt.Axis(labelLimit=220)),
        tooltip=tooltip,
        color=colour,
    )
    spans = base.mark_rule(strokeWidth=3).encode(
        x=alt.X(f"{column}_lower:Q", **x), x2=f"{column}_upper:Q", opacity=_unless_faded(0.5)
    )
    points = base.mark_point(filled=True, size=100).encode(
        x=alt.X(f"{column}:Q", **x), opacity=_unless_faded()
    )
    return alt.layer(spans, points)


def sales() -> alt.Chart:
    """Good, bad and undecided sales by month, as sold."""
    kinds = ["good_sold_amount", "undecided_sold_amount", "bad_sold_amount"]
    words = json.dumps({kind: _heading(kind) for kind in kinds}, ensure_ascii=False)
    return (
        _chart()
        .transform_fold(kinds, as_=["kind", "amount"])
        .transform_calculate(place=f"indexof({kinds}, datum.kind)")
        .mark_bar()
        .encode(
            x=_months(),
            y=alt.Y("amount:Q", title=_said("page", "sold")),
            color=alt.Color(
                "kind:N",
                scale=alt.Scale(domain=kinds, range=[GREEN, GREY, RED]),
                legend=alt.Legend(**_LEGEND.to_dict(), labelExpr=f"{words}[datum.label]"),
            ),
            order=alt.Order("place:Q", sort="descending"),
            tooltip=_tooltips("month", "department", *kinds, "bad_share", "undecided_share", "net_amount"),
        )
    )


def silence() -> alt.LayerChart:
    """Silent customers per complaint, beside what is claimed everywhere."""
    tooltip = _tooltips(
        "department",
        "customers_with_problem",
        *_with_interval("silent_per_complaint"),
        "customers_silent",
        "revenue_at_risk",
    )
    scale = alt.Scale(type="sqrt")  # few complaints, wide intervals: the long ends are pressed together
    measured = _forest("silent_per_complaint", "department", alt.ColorValue(PURPLE), tooltip, scale)
    claim = (
        _rows_chart()
        .mark_rule(strokeDash=[4, 3], color=GREY, strokeWidth=2)
        .encode(
            x=alt.X("claimed_silent_per_complaint:Q", scale=scale),
            tooltip=_tooltips("claimed_silent_per_complaint"),
        )
    )
    return alt.layer(measured, claim)


def recovery() -> alt.LayerChart:
    """Who buys again after a problem, by what became of it."""
    outcomes = [_value(value) for value in ("resolved", "unresolved", "never_voiced")]
    base = _chart().encode(
        x=alt.X("day:Q", title=_heading("day"), axis=alt.Axis(values=[30, 60, 90, 180, 365])),
        color=alt.Color(
            _words("outcome"), scale=alt.Scale(domain=outcomes, range=[GREEN, RED, GREY]), legend=_LEGEND
        ),
        tooltip=_tooltips(
            "outcome", "day", *_with_interval("repurchase_rate"), "at_risk", "claimed_repurchase_rate"
        ),
    )
    title = _title("repurchase_rate")
    band = base.mark_area(opacity=0.12).encode(
        y=alt.Y("repurchase_rate_lower:Q", title=title), y2="repurchase_rate_upper:Q"
    )
    line = base.mark_line(strokeWidth=2.5).encode(
        y=alt.Y("repurchase_rate:Q", title=title),
        strokeDash=alt.StrokeDash(
            _words("outcome"),
            scale=alt.Scale(domain=outcomes, range=[[1, 0], [6, 3], [2, 2]]),
            legend=_LEGEND,
        ),
    )
    points = base.mark_point(filled=True, size=50, opacity=1).encode(
        y=alt.Y("repurchase_rate:Q", title=title)
    )
    return alt.layer(band, line, points)


def handoffs() -> alt.LayerChart:
    """NPS by the number of hand-offs behind it."""
    base = _chart().encode(
        x=alt.X(_words("handoffs"), sort=None, title=_heading("handoffs"), axis=alt.Axis(labelAngle=0)),
        tooltip=_tooltips("handoffs", *_with_interval("nps"), "n"),
    )
    title = _title("nps")
    spans = base.mark_rule(strokeWidth=3, color=ORANGE, opacity=0.7).encode(
        y=alt.Y("nps_lower:Q", title=title), y2="nps_upper:Q"
    )
    points = base.mark_point(filled=True, size=110, color=ORANGE, opacity=1)
    return alt.layer(spans, points.encode(y=alt.Y("nps:Q", title=title)))


def connection() -> alt.LayerChart:
    """The six relationship questions, customers beside colleagues."""
    who = [_value("external"), _value("internal")]
    base = _chart().encode(
        x=alt.X(_words("item"), sort=None, title=None, axis=alt.Axis(labelAngle=-30)),
        xOffset=alt.XOffset(_words("respondent_type"), scale=alt.Scale(domain=who)),
        color=alt.Color(
            _words("respondent_type"), scale=alt.Scale(domain=who, range=[BLUE, PURPLE]), legend=_LEGEND
        ),
        tooltip=_tooltips("item", "respondent_type", *_with_interval("mean"), "top_box", "n"),
    )
    y = {"title": _said("page", "scale_1_to_5"), "scale": alt.Scale(zero=False)}
    spans = base.mark_rule(strokeWidth=3, opacity=0.6).encode(y=alt.Y("mean_lower:Q", **y), y2="mean_upper:Q")
    points = base.mark_point(filled=True, size=90, opacity=1).encode(
        y=alt.Y("mean:Q", **y),
        shape=alt.Shape(_words("respondent_type"), scale=alt.Scale(domain=who), legend=_LEGEND),
    )
    return alt.layer(spans, points)


def quadrants() -> alt.LayerChart:
    """Customers by what they bring and what they are given."""
    base = _rows_chart(_ROW_HEIGHT + 4).encode(
        x=alt.X("customers:Q", title=_heading("customers"), axis=alt.Axis(tickCount=6)),
        y=alt.Y(_words("quadrant"), sort=None, title=None, axis=alt.Axis(labelLimit=220)),
        tooltip=_tooltips(
            "quadrant",
            "customers",
            "clv_amount",
            "revenue_amount",
            *_with_interval("value_balance"),
            "loyalty_index",
        ),
    )
    bars = base.mark_bar(color=SKY, cornerRadiusEnd=3)
    counts = base.mark_text(align="left", baseline="middle", dx=4, color=DARK).encode(
        x=alt.XDatum(0), text=_words("customers")
    )
    return alt.layer(bars, counts)


def regret() -> alt.LayerChart:
    """Campaign purchases beside matched full-price purchases: how many more came back."""
    tooltip = _tooltips(
        "campaign_name",
        "campaign_verdict",
        *_with_interval("difference"),
        "campaign_value",
        "matched_full_price_value",
        "campaign_n",
        "matched_n",
    )
    verdicts = [_value(value) for value in ("regretted", "unclear", "not regretted", "not known")]
    verdict = alt.Color(
        _words("campaign_verdict"),
        scale=alt.Scale(domain=verdicts, range=[RED, ORANGE, GREEN, GREY]),
        legend=alt.Legend(**_LEGEND.to_dict(), columns=2),
    )
    zero = (
        _rows_chart()
        .mark_rule(strokeDash=[4, 3], color=GREY, strokeWidth=2, aria=False)
        .encode(x=alt.XDatum(0))
    )
    return alt.layer(_forest("difference", "campaign_name", verdict, tooltip), zero)


def departments() -> alt.LayerChart:
    """Every department against its targets in the last whole month."""
    tooltip = _tooltips("department", "kpi_name", "status", *_with_interval("actual"), "target", "n")
    statuses = {
        "reached": "#9fd8bf",
        "uncertain": "#fbe3a6",
        "missed": "#f4b9a0",
        "too few": "#e3e5e8",
        "no target": "#cfe3f3",
    }
    placed = _placed("kpi_name", "department", tooltip, _ROW_HEIGHT + 8)
    said = (
        "(datum.status === 'reached' ? '✓ ' : datum.status === 'missed' ? '✗ ' : '') + datum.actual_short"
        " + (isValid(datum.target) ? ' / ' + datum.target_short : '')"
    )
    words = placed.transform_calculate(said=said).mark_text(fontSize=12, color=DARK).encode(text="said:N")
    return alt.layer(_fields(placed, statuses), words)


def impact() -> alt.LayerChart:
    """What each initiative changed, with its interval, outcome by outcome."""
    tooltip = _tooltips(
        "initiative_name",
        "effect_on",
        "status",
        *_with_interval("effect"),
        "baseline",
        "treated_n",
        "comparison_n",
        "pretrend_p_value",
    )
    statuses = {
        "gain": "#9fd8bf",
        "loss": "#f4b9a0",
        "no effect seen": "#e3e5e8",
        "too early": "#cfe3f3",
        "too few": "#dcd3ec",
        "trends differed before": "#fbe3a6",
        "no comparison": "#e8dccb",
    }
    placed = _placed("effect_on", "initiative_name", tooltip, 2 * _ROW_HEIGHT - 8)
    effect = placed.mark_text(fontSize=13, dy=-8, color=DARK).encode(text="effect_short:N")
    interval = placed.mark_text(fontSize=10, dy=9, color=DARK).encode(text="effect_span:N")
    return alt.layer(_fields(placed, statuses), effect, interval)


def _placed(across: str, down: str, tooltip: list[alt.Tooltip], height: int) -> alt.Chart:
    """Rows as fields of a table: a line for each value of one column, a column for each of another."""
    axis = alt.Axis(labelAngle=-25, orient="top", labelLimit=160)
    return _rows_chart(height).encode(
        x=alt.X(_words(across), sort=None, title=None, axis=axis),
        y=alt.Y(_words(down), sort=None, title=None, axis=alt.Axis(labelLimit=280)),
        tooltip=tooltip,
        opacity=_unless_faded(),
    )


def _fields(placed: alt.Chart, statuses: dict[str, str]) -> alt.Chart:
    """The fields of a table, coloured by their status."""
    colour = alt.Color(
        _words("status"),
        scale=alt.Scale(domain=[_value(status) for status in statuses], range=[*statuses.values()]),
        legend=alt.Legend(**_LEGEND.to_dict(), symbolType="square", columns=4),
    )
    return placed.mark_rect(strokeWidth=2, cornerRadius=4).encode(color=colour)


def timeline() -> alt.LayerChart:
    """One initiative, thirty days by thirty days around its start: before it, nothing should be seen."""
    base = _chart().encode(
        x=alt.X(
            "month_from_start:Q",
            title=_heading("month_from_start"),
            axis=alt.Axis(labelExpr="datum.value > 0 ? '+' + datum.label : datum.label", tickMinStep=1),
            scale=alt.Scale(nice=False, padding=12),
        ),
        color=alt.ColorValue(BLUE, condition={"test": "datum.month_from_start < 0", "value": GREY}),
        tooltip=_tooltips(
            "month_from_start",
            *_with_interval("effect"),
            "treated_value",
            "comparison_value",
            "treated_n",
            "comparison_n",
        ),
    )
    title = _heading("effect")
    spans = base.mark_rule(strokeWidth=3, opacity=0.5).encode(
        y=alt.Y("effect_lower:Q", title=title), y2="effect_upper:Q"
    )
    points = base.mark_point(filled=True, size=90, opacity=1).encode(y=alt.Y("effect:Q", title=title))
    rule = _chart().mark_rule(color=GREY, strokeWidth=2, aria=False)
    start = rule.encode(x=alt.XDatum(-0.5))
    nothing = (
        _chart().mark_rule(color=GREY, strokeDash=[4, 3], strokeWidth=2, aria=False).encode(y=alt.YDatum(0))
    )
    return alt.layer(nothing, start, spans, points)
