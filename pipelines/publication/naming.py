"""Names for people: what a table or column is called on a chart's axis.

Belongs here: the rule that makes a display name of a name. Does not: the exceptions, which stand as
``display_name`` in the ``meta`` of the model's or column's yml, beside what they name.
"""

from __future__ import annotations

_LAYERS = ("dim", "fct", "kpi")
_WORDS = {
    "12m": "",  # told at the end, as the next
    "7d": "",
    "ces": "CES",
    "clv": "CLV",
    "crm": "CRM",
    "csat": "CSAT",
    "duckdb": "DuckDB",
    "handoff": "hand-off",
    "handoffs": "hand-offs",
    "id": "ID",
    "iso": "ISO",
    "kizuna": "Kizuna",
    "kpi": "KPI",
    "n": "number (n)",  # alone; behind what is counted it is its end
    "nps": "NPS",
    "percent": "(%)",
    "poc": "connection",  # a point of connection
    "rfm": "RFM",
}
_PHRASES = {
    "as of date": "business date",
    "as of": "the business date",
    "hand offs": "hand-offs",
    "high value": "high-value",
    "monthly": "by month",
    "non response": "non-response",
    "p value": "p-value",
    "q value": "q-value",
}
_SPANS = {"12m": ", 12 months", "7d": ", 7 days"}
_AT_THE_END = {
    "lower": ", lower end",
    "upper": ", upper end",
    "n": ", n",
    "median": ", median",
    "p90": ", 90th percentile",
    "at": " at (UTC)",
    "days": " (days)",
    "hours": " (hours)",
}


def column_display_name(name: str) -> str:
    """``nps_12m_mean`` -> ``NPS mean, 12 months``; ``resolution_hours_p90`` -> ``Resolution (hours), 90th percentile``.

    Units and ends of intervals go behind the name of what is measured; abbreviations get their capitals.
    """
    words = name.split("_")
    tail = ""
    while len(words) > 1 and words[-1] in _AT_THE_END:
        tail = _AT_THE_END[words.pop()] + tail
    spans = "".join(text for word, text in _SPANS.items() if word in words)
    return _sentence(words) + spans + tail


def table_display_name(table: str) -> str:
    """``kpi_loyalty_monthly`` -> ``Loyalty by month``: a table's layer is not its name."""
    words = table.split("_")
    return _sentence(words[1:] if words[0] in _LAYERS and len(words) > 1 else words)


def _sentence(words: list[str]) -> str:
    text = " ".join(filter(None, (_WORDS.get(word, word) for word in words)))
    for written, read in _PHRASES.items():
        text = f" {text} ".replace(f" {written} ", f" {read} ").strip()
    return text[:1].upper() + text[1:] if not text.startswith(("p-", "q-")) else text
