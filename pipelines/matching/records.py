"""What probabilistic matching compares: accounts of the CRM, and contacts whose address no account has.

Belongs here: how raw rows become comparable texts. Does not: how alike two of them are (``likeness``). The records
stay in this process.
"""

from __future__ import annotations

import duckdb
import polars as pl

# More accounts than this behind one value: "none@none", 0000000, a shop's own counter. It says nothing about a person.
_PLACEHOLDER_FROM = 20
# Digits that a number keeps whether its country is written or not; fewer than seven are an extension.
_PHONE_TAIL, _FEWEST_DIGITS = 9, 7

_EMAIL = "case when contains({0}, '@') then lower(trim({0})) end"
_PHONE = (
    f"case when length(regexp_replace({{0}}, '[^0-9]', '', 'g')) >= {_FEWEST_DIGITS} and not contains({{0}}, '@') "
    f"then right(regexp_replace({{0}}, '[^0-9]', '', 'g'), {_PHONE_TAIL}) end"
)
# Names whatever the case, the accents and the order of their parts: "Müller, Jürgen" is "jurgen muller".
_NAME = (
    "nullif(array_to_string(list_sort(regexp_extract_all(lower(strip_accents({0})), '\\p{{L}}+')), ' '), '')"
)


def account_records(connection: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    """One row per account, in the order of its identifier.

    Returns:
        ``unique_id`` (from 0), ``is_contact`` (false), ``person_id`` (declared by the CRM, else the account), ``name``,
        ``email``, ``email_name`` (what stands before the @), ``phone`` (its last digits), ``birth_date`` and
        ``postal_code`` (from ``traits``), ``country``, ``registered_at``.
    """
    return connection.sql(
        f"""
        with accounts as (
            select customer_id, coalesce(person_id, customer_id) as person_id, registered_at,
                {_NAME.format("full_name")} as name, {_EMAIL.format("email")} as email,
                {_PHONE.format("phone")} as phone, upper(trim(country)) as country,
                nullif(trim(json_extract_string(traits, '$.birth_date')), '') as birth_date,
                nullif(upper(replace(json_extract_string(traits, '$.postal_code'), ' ', '')), '') as postal_code
            from raw_crm.customers
        ),
        counted as (
            select *, count(*) over (partition by email) as email_accounts,
                count(*) over (partition by phone) as phone_accounts
            from accounts
        )
        select row_number() over (order by customer_id) - 1 as unique_id, false as is_contact, person_id, name,
            case when email_accounts <= {_PLACEHOLDER_FROM} then email end as email,
            case when email_accounts <= {_PLACEHOLDER_FROM} then split_part(email, '@', 1) end as email_name,
            case when phone_accounts <= {_PLACEHOLDER_FROM} then phone end as phone,
            birth_date, postal_code, country, registered_at
        from counted
        order by unique_id
        """
    ).pl()


def contact_records(
    connection: duckdb.DuckDBPyConnection, first_id: int
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Tickets and responses that name no account and left an address that no account has.

    Args:
        first_id: where the numbering goes on after the accounts.

    Returns:
        The contacts, one row per pair of e-mail and telephone, with the columns of ``account_records``; the name is
        guessed from the e-mail. And which records left them: ``unique_id``, ``record_type``, ``source_name``,
        ``record_id``.
    """
    left = connection.sql(
        f"""
        with records as (
            select 'ticket' as record_type, _source as source_name, ticket_id as record_id,
                {_EMAIL.format("email")} as email, {_PHONE.format("phone")} as phone
            from raw_support.tickets where customer_id is null
            union
            select 'response', _source, response_id, max({_EMAIL.format("email")}), max({_PHONE.format("phone")})
            from raw_survey.responses where respondent_type is distinct from 'internal'
            group by _source, response_id
            having max(customer_id) is null
        ),
        known as (select distinct {_EMAIL.format("email")} as email from raw_crm.customers)
        select dense_rank() over (order by email nulls first, phone nulls first) - 1 + {first_id} as unique_id,
            record_type, source_name, record_id, email, phone
        from records
        where coalesce(email, phone) is not null and not exists (select 1 from known where known.email = records.email)
        order by unique_id, record_type, source_name, record_id
        """
    ).pl()
    connection.register("left_by", left.to_arrow())
    contacts = connection.sql(
        f"""
        select distinct unique_id, true as is_contact, null::varchar as person_id,
            {_NAME.format("split_part(email, '@', 1)")} as name, email, split_part(email, '@', 1) as email_name, phone,
            null::varchar as birth_date, null::varchar as postal_code, null::varchar as country,
            null::timestamp as registered_at
        from left_by order by unique_id
        """
    ).pl()
    connection.unregister("left_by")
    return contacts, left.select("unique_id", "record_type", "source_name", "record_id")
