"""Answers questions through one of Python's ways to a database, on a line each.

    python.py WAY ADDRESS

Its standard input says through which connection to ask: ``same`` (the one that is open from the start), ``beside``
(another one, opened while that is open) or ``again`` (after all were closed). Each answer is one line of JSON. The
first line, before any question, tells the version of the client and, where it is tried, how many tables it reads.

It runs in environments with nothing but the client, so each way imports its own.
"""

from __future__ import annotations

import json
import sys
from importlib import metadata

SCORES = (
    "select version, month, department, nps, nps_lower, nps_upper, nps_n "
    "from {publication} cross join {kpi} where level = 'month_department' and nps is not null "
    "order by month, department"
)
IN_FILE = SCORES.format(publication="meta.publication", kpi="kpi.kpi_loyalty_monthly")
IN_POSTGRES = SCORES.format(publication="kizuna.publication", kpi="kizuna.kpi_loyalty_monthly")
COMMENTS_IN_FILE = "select count(comment) from duckdb_columns() where table_name = 'kpi_loyalty_monthly'"
COMMENTS_IN_POSTGRES = (
    "select count(col_description(attrelid, attnum)) from pg_attribute "
    "where attrelid = 'kizuna.kpi_loyalty_monthly'::regclass and attnum > 0"
)


class DuckDb:
    """DuckDB's own module. The comments are those of its catalogue."""

    versions = ("duckdb",)

    def __init__(self, address):
        self.address = address

    def connect(self):
        import duckdb

        return duckdb.connect(self.address, read_only=True)

    def fetch(self, connection, sql):
        return connection.execute(sql).fetchall()

    def scores(self, connection):
        return self.fetch(connection, IN_FILE)

    def comments(self, connection):
        return self.fetch(connection, COMMENTS_IN_FILE)[0][0]

    def tables(self, connection):
        """How many tables it reads, to the last row."""
        listed = self.fetch(connection, "select schema_name, table_name, rows from meta.tables")
        return sum(
            len(self.fetch(connection, f"select * from {schema}.{table}")) == rows
            for schema, table, rows in listed
        )

    def close(self, connection):
        connection.close()


class Pandas(DuckDb):
    versions = ("pandas", "duckdb")

    def scores(self, connection):
        import pandas

        return pandas.read_sql(IN_FILE, connection).values.tolist()


class Polars(DuckDb):
    versions = ("polars", "duckdb")

    def scores(self, connection):
        import polars

        return polars.read_database(IN_FILE, connection).rows()


class Ibis:
    versions = ("ibis-framework", "duckdb")

    def __init__(self, address):
        self.address = address

    def connect(self):
        import ibis

        return ibis.duckdb.connect(self.address, read_only=True)

    def scores(self, connection):
        kpi = connection.table("kpi_loyalty_monthly", database="kpi")
        rows = kpi.filter(kpi.level == "month_department", kpi.nps.notnull())
        named = rows.cross_join(connection.table("publication", database="meta")[["version"]])
        asked = ["version", "month", "department", "nps", "nps_lower", "nps_upper", "nps_n"]
        return named[asked].order_by("month", "department").to_pandas().values.tolist()

    def comments(self, connection):
        return None

    def close(self, connection):
        connection.disconnect()


class Alchemy:
    """An engine counts as a connection: what a tool keeps is the engine."""

    versions = ("sqlalchemy", "duckdb-sqlalchemy", "duckdb-engine", "duckdb")
    pool = "NullPool"

    def __init__(self, address):
        self.address = f"duckdb:///{address}"

    def connect(self):
        from sqlalchemy import create_engine, pool

        chosen = getattr(pool, self.pool)
        return create_engine(self.address, connect_args={"read_only": True}, poolclass=chosen)

    def scores(self, engine):
        from sqlalchemy import text

        with engine.connect() as connection:
            return [tuple(row) for row in connection.execute(text(IN_FILE))]

    def comments(self, engine):
        from sqlalchemy import inspect

        columns = inspect(engine).get_columns("kpi_loyalty_monthly", schema="kpi")
        return sum(bool(column.get("comment")) for column in columns)

    def close(self, engine):
        engine.dispose()


class PooledAlchemy(Alchemy):
    pool = "QueuePool"


class Adbc(DuckDb):
    """The driver is DuckDB's library."""

    versions = ("adbc-driver-manager", "duckdb")

    def connect(self):
        import _duckdb
        from adbc_driver_manager import dbapi

        return dbapi.connect(
            driver=_duckdb.__file__,
            entrypoint="duckdb_adbc_init",
            db_kwargs={"path": self.address, "access_mode": "READ_ONLY"},
        )

    def fetch(self, connection, sql):
        with connection.cursor() as cursor:
            cursor.execute(sql)
            return cursor.fetchall()


class PolarsParquet:
    """There is no connection: each question reads the files anew."""

    versions = ("polars",)

    def __init__(self, address):
        self.address = address

    def connect(self):
        return None

    def scores(self, _):
        import polars

        [version] = polars.read_parquet(f"{self.address}/meta/publication/*.parquet")["version"]
        kpi = polars.read_parquet(f"{self.address}/kpi/kpi_loyalty_monthly/*.parquet")
        rows = kpi.filter((polars.col("level") == "month_department") & polars.col("nps").is_not_null())
        asked = rows.select("month", "department", "nps", "nps_lower", "nps_upper", "nps_n")
        return [(version, *row) for row in asked.sort("month", "department").rows()]

    def comments(self, _):
        return None

    def close(self, _):
        pass


class PandasParquet(PolarsParquet):
    versions = ("pandas", "pyarrow")

    def scores(self, _):
        import pandas

        [version] = pandas.read_parquet(f"{self.address}/meta/publication")["version"]
        kpi = pandas.read_parquet(f"{self.address}/kpi/kpi_loyalty_monthly")
        rows = kpi[(kpi.level == "month_department") & kpi.nps.notna()].sort_values(["month", "department"])
        asked = rows[["month", "department", "nps", "nps_lower", "nps_upper", "nps_n"]]
        return [(version, *row) for row in asked.values.tolist()]


class Psycopg:
    versions = ("psycopg",)

    def __init__(self, address):
        self.address = address

    def connect(self):
        import psycopg

        return psycopg.connect(self.address, autocommit=True)

    def fetch(self, connection, sql):
        cursor = connection.cursor()
        cursor.execute(sql)
        return [tuple(row) for row in cursor.fetchall()]

    def scores(self, connection):
        return self.fetch(connection, IN_POSTGRES)

    def comments(self, connection):
        return self.fetch(connection, COMMENTS_IN_POSTGRES)[0][0]

    def tables(self, connection):
        """How many tables it reads, with all their types: a hundred rows of each."""
        listed = self.fetch(connection, "select table_name, rows from kizuna.tables")
        return sum(
            len(self.fetch(connection, f"select * from kizuna.{table} limit 100")) == min(rows, 100)
            for table, rows in listed
        )

    def close(self, connection):
        connection.close()


class PostgresAlchemy(Alchemy):
    """As docs/bi.md reads for its chart, with SQLAlchemy's own pool."""

    versions = ("sqlalchemy", "psycopg")

    def __init__(self, address):
        self.address = address.replace("postgresql://", "postgresql+psycopg://")

    def connect(self):
        from sqlalchemy import create_engine

        return create_engine(self.address)

    def scores(self, engine):
        from sqlalchemy import text

        with engine.connect() as connection:
            return [tuple(row) for row in connection.execute(text(IN_POSTGRES))]

    def comments(self, engine):
        from sqlalchemy import inspect

        columns = inspect(engine).get_columns("kpi_loyalty_monthly", schema="kizuna")
        return sum(bool(column.get("comment")) for column in columns)


class Odbc(Psycopg):
    """Through unixODBC and PostgreSQL's driver; the comments are SQLColumns' REMARKS, which tools show."""

    versions = ("pyodbc",)

    def connect(self):
        from urllib.parse import urlsplit

        import pyodbc

        at = urlsplit(self.address)
        return pyodbc.connect(
            f"Driver={{PostgreSQL Unicode}};Server={at.hostname};Port={at.port};Database={at.path[1:]};"
            f"Uid={at.username};Pwd={at.password}",
            autocommit=True,
        )

    def told(self, connection):
        import pyodbc

        return f"driver {connection.getinfo(pyodbc.SQL_DRIVER_VER)}"

    def comments(self, connection):
        columns = connection.cursor().columns(table="kpi_loyalty_monthly", schema="kizuna")
        return sum(bool(column.remarks) for column in columns)


class Jdbc(Psycopg):
    """In a Java machine of its own; the comments are the metadata's REMARKS, which tools show."""

    versions = ()

    def connect(self):
        from urllib.parse import urlsplit

        import jaydebeapi

        at = urlsplit(self.address)
        return jaydebeapi.connect(
            "org.postgresql.Driver",
            f"jdbc:postgresql://{at.hostname}:{at.port}{at.path}",
            {"user": at.username, "password": at.password},
            "/usr/share/java/postgresql.jar",
        )

    def told(self, connection):
        return f"driver {connection.jconn.getMetaData().getDriverVersion()}"

    def comments(self, connection):
        columns = connection.jconn.getMetaData().getColumns(None, "kizuna", "kpi_loyalty_monthly", None)
        found = 0
        while columns.next():
            found += bool(columns.getString("REMARKS"))
        return found


WAYS = {
    "duckdb": DuckDb, "pandas": Pandas, "polars": Polars, "ibis": Ibis, "sqlalchemy": Alchemy,
    "sqlalchemy_pool": PooledAlchemy, "adbc": Adbc, "polars_parquet": PolarsParquet,
    "pandas_parquet": PandasParquet, "psycopg": Psycopg, "sqlalchemy_postgres": PostgresAlchemy, "odbc": Odbc,
    "jdbc": Jdbc,
}  # fmt: skip


def _version(way, connection):
    found = []
    for name in way.versions:
        try:
            found.append(f"{name} {metadata.version(name)}")
        except metadata.PackageNotFoundError:  # one of several that serve
            continue
    if hasattr(way, "told"):
        found.append(way.told(connection))
    return ", ".join(found)


def main():
    way = WAYS[sys.argv[1]](sys.argv[2])
    first = way.connect()
    beside = None
    tables = way.tables(first) if hasattr(way, "tables") else None
    print(json.dumps({"client": _version(way, first), "tables": tables}), flush=True)
    for line in sys.stdin:
        if line.strip() == "same":
            asked = first
        elif line.strip() == "beside":
            asked = beside = way.connect()
        else:
            way.close(beside)
            way.close(first)
            asked = first = way.connect()
        rows = [[str(value) for value in row] for row in way.scores(asked)]
        print(json.dumps({"rows": rows, "comments": way.comments(asked)}), flush=True)


if __name__ == "__main__":
    main()
