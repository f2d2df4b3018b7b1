"""Purchase histories as dbt leaves them, of customers who buy and leave as the models suppose.

Belongs here: the tables that estimates are fitted on, written by hand and small. Does not: how histories come out of
orders, which the tests of the dbt project prove.
"""

from __future__ import annotations

import duckdb
import numpy as np
import polars as pl

from pipelines.estimates import create_tables

AS_OF = "2024-12-31"
DAYS, HOLDOUT_DAYS = 728, 182
CUSTOMERS = 600


def buyers(seed: int = 7) -> list[tuple[str, int, float]]:
    """(customer, day, value) of purchases on days 1 to DAYS: gamma rates, and leaving after a purchase or never."""
    draw = np.random.default_rng(seed)
    found = []
    for number in range(CUSTOMERS):
        rate, leaves = draw.gamma(0.8) / 50, draw.beta(0.8, 2.4)
        worth = 60 / draw.gamma(4.0)
        day = int(draw.integers(1, DAYS - 100))
        while day <= DAYS:
            found.append((f"c{number}", day, round(draw.gamma(6.0) * worth / 6, 2)))
            if draw.random() < leaves:
                break
            day += 1 + int(draw.exponential(1 / rate))
    return found


def warehouse(purchases: list[tuple[str, int, float]]) -> duckdb.DuckDBPyConnection:
    """A database in memory with what dbt would have built from these purchases."""
    connection = duckdb.connect()
    connection.execute("create schema intermediate; create schema ops")
    create_tables(connection)
    connection.execute(
        f"create table ops.run_settings as select date '{AS_OF}' as as_of_date, {HOLDOUT_DAYS} as holdout_days"
    )
    connection.execute(
        "create view intermediate.int_purchases__value_basis as select 'revenue' as value_basis"
    )
    frame = pl.DataFrame(purchases, schema=["customer_key", "day", "value"], orient="row")
    connection.register("purchases", frame)
    connection.execute(
        f"""create table intermediate.int_customers__purchase_days as
        select dataset, customer_key, date '{AS_OF}' - ({DAYS} - day)::integer as purchase_date,
            value::decimal(18, 4) as value_amount
        from purchases, (values ('current', {DAYS}), ('calibration', {DAYS - HOLDOUT_DAYS})) as sets (dataset, last)
        where day <= last"""
    )
    connection.execute(
        f"""create table intermediate.int_customers__purchase_histories as
        select dataset, customer_key, (count(*) - 1)::integer as frequency,
            (max(purchase_date) - min(purchase_date))::integer as recency_days,
            (date '{AS_OF}' - min(purchase_date) - case dataset when 'current' then 0 else {HOLDOUT_DAYS} end)::integer
                as age_days,
            sum(value_amount) - min_by(value_amount, purchase_date) as repeat_value_amount,
            case dataset when 'calibration' then coalesce(any_value(came.purchases), 0) end as holdout_purchases,
            case dataset when 'calibration' then coalesce(any_value(came.value), 0) end as holdout_value_amount
        from intermediate.int_customers__purchase_days
        left join (
            select customer_key, count(*)::integer as purchases, sum(value_amount) as value
            from intermediate.int_customers__purchase_days
            where dataset = 'current' and purchase_date > date '{AS_OF}' - {HOLDOUT_DAYS}
            group by customer_key
        ) as came using (customer_key)
        group by dataset, customer_key"""
    )
    connection.execute(
        """create table intermediate.int_customers__segments as
        select customer_key, case when frequency > 3 then 'often' when frequency > 0 then 'again' else 'once' end
            as segment
        from intermediate.int_customers__purchase_histories where dataset = 'current'"""
    )
    connection.unregister("purchases")
    return connection
