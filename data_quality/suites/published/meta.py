"""Tables about the publication itself: what was read, and whom it could be matched to."""

from __future__ import annotations

from data_quality.expectations import Expectation, Suite, finds_nothing, no_row
from data_quality.suites.published.shared import EVIDENCE, nobody_identified

_FACT_ROWS = {  # table in the reconciliation to the fact that publishes its rows
    "crm.orders": "marts.fct_orders",
    "crm.order_lines": "marts.fct_order_lines",
    "crm.campaign_contacts": "marts.fct_campaign_contacts",
    "survey.invitations": "marts.fct_survey_invitations",
    "survey.responses": "marts.fct_survey_responses",
    "support.tickets": "marts.fct_support_tickets",
}


def reconciliation() -> Suite:
    return Suite(
        "meta.reconciliation",
        ("source", "table_name"),
        (
            no_row(
                "rows read = loaded + quarantined + duplicate",
                "rows_read <> rows_loaded + rows_quarantined + rows_duplicate",
                shows="rows_read - rows_loaded - rows_quarantined - rows_duplicate",
                protects="No record of a source disappears without a trace.",
            ),
            no_row(
                "rows loaded - superseded - deleted = in the warehouse",
                "rows_loaded - rows_superseded - rows_deleted <> rows_in_warehouse",
                shows="rows_loaded - rows_superseded - rows_deleted - rows_in_warehouse",
                protects="No loaded record is lost or counted twice.",
            ),
            no_row(
                "rows in the warehouse = published + after the business date + without order",
                "rows_in_warehouse <> rows_published + rows_after_as_of + coalesce(rows_without_order, 0)",
                shows="rows_in_warehouse - rows_published - rows_after_as_of",
                protects="Every fact that readers miss is accounted for.",
            ),
            no_row(
                "every order line has its order",
                "rows_without_order > 0",
                shows="rows_without_order",
                column="rows_without_order",
                severity="warning",  # the order may come with the next export
                protects="Sales are not missing because their order is.",
            ),
            *(_adds_up(measure) for measure in ("quantity", "amount")),
            *(_reaches_the_reader(measure) for measure in ("quantity", "amount")),
            finds_nothing(
                "every loaded source and table is accounted for",
                """
                select source, table_name, 'missing here' as observed
                from (select source, table_name from ingest.loads
                      except select source, table_name from meta.reconciliation) as missing
                """,
                protects="A source cannot drop out of the accounts.",
            ),
            finds_nothing(
                "rows published are the rows of the fact",
                _counted_again(),
                protects="The accounts speak of the tables that are published, not of a copy.",
            ),
            *nobody_identified(),
        ),
    )


def _adds_up(measure: str) -> Expectation:
    difference = f"{measure}_read - {measure}_loaded - {measure}_quarantined - {measure}_duplicate"
    return no_row(
        f"{measure} read = loaded + quarantined + duplicate",
        f"abs({difference}) > 0.0001",
        shows=difference,
        protects="No unit and no money of a source disappears without a trace.",
    )


def _reaches_the_reader(measure: str) -> Expectation:
    kept = f"{measure}_loaded - {measure}_superseded - {measure}_deleted"
    difference = f"{kept} - {measure}_published - {measure}_not_published"
    return no_row(
        f"{measure} loaded - superseded - deleted = published + not published",
        f"abs({difference}) > 0.0001",
        shows=difference,
        protects="Totals in reports agree with the source to the last digit.",
    )


def _counted_again() -> str:
    counts = " union all ".join(
        f"select '{name}' as table_name, count(*) as fact_rows from {fact}"
        for name, fact in _FACT_ROWS.items()
    )
    return f"""
        select table_name, fact_rows - coalesce(rows_published, 0) as observed
        from ({counts}) as facts
        left join (
            select table_name, sum(rows_published) as rows_published
            from meta.reconciliation group by table_name
        ) as accounts using (table_name)
        where fact_rows <> coalesce(rows_published, 0)
    """


def identity_match_rates() -> Suite:
    return Suite(
        "meta.identity_match_rates",
        ("source", "record_type", "customer_match"),
        (
            no_row(
                "what is matched has its evidence and what is not its reason",
                f"is_matched <> (customer_match in ({EVIDENCE})) or share not between 0 and 1 "
                "or records_7d > records or records_contradicted > records",
                shows="customer_match",
                protects="A match rate counts matches, each record once.",
            ),
            finds_nothing(
                "tickets counted are the tickets of the fact",
                """
                select 'ticket' as record_type, counted || ' counted, ' || published || ' published' as observed
                from (
                    select (select coalesce(sum(records), 0) from meta.identity_match_rates
                            where record_type = 'ticket') as counted,
                        (select count(*) from marts.fct_support_tickets) as published
                )
                where counted <> published
                """,
                protects="The rates speak of the records that are published.",
            ),
            *nobody_identified(),
        ),
    )
