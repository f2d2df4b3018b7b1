"""What stands in the schema of a PostgreSQL database: tables, types, comments and rights.

Belongs here: questions to PostgreSQL's catalog, inside the export's transaction. Does not: any change.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import duckdb

from pipelines.publication.relations import identifier, literal


@dataclass(frozen=True)
class Standing:
    """A table as it stands.

    Attributes:
        columns: name to type, in order.
        comments: by column; None: the table's own.
        grants: statements that give others the rights they have.
    """

    columns: Mapping[str, str]
    comments: Mapping[str | None, str]
    grants: Sequence[str]


class Catalog:
    """The catalog as a transaction sees it.

    Args:
        database: the name under which the PostgreSQL database is attached.
    """

    def __init__(self, con: duckdb.DuckDBPyConnection, database: str, schema: str) -> None:
        self._con = con
        self._database = database
        self._schema = schema

    def ask(self, query: str) -> list[tuple[Any, ...]]:
        """The rows of a query in PostgreSQL's own SQL."""
        return self._con.execute(f"from postgres_query('{self._database}', $1)", [query]).fetchall()

    def lock(self) -> bool:
        """Hold the schema against other exports until the transaction ends; False: another one holds it."""
        key = f"hashtextextended({literal(f'kizuna {self._schema}')}, 0)"
        [[is_ours]] = self.ask(f"select pg_try_advisory_xact_lock({key}) as is_ours")
        return is_ours

    def has_schema(self) -> bool:
        """Asked, rather than left to ``if not exists``: that needs the right to create even where nothing is to
        be created."""
        return bool(self.ask(f"select 1 as one from pg_namespace where nspname = {literal(self._schema)}"))

    def count(self, table: str) -> int:
        [[rows]] = self.ask(f"select count(*) as rows from {identifier(self._schema)}.{identifier(table)}")
        return rows

    def tables(self) -> dict[str, Standing]:
        """All tables, views and the like, by name."""
        here = f"c.relnamespace = {literal(self._schema)}::regnamespace and c.relkind in ('r', 'p', 'v', 'm', 'f')"
        columns = self.ask(
            f"""
            select c.relname::text, a.attname::text, format_type(a.atttypid, a.atttypmod)
            from pg_class as c join pg_attribute as a on a.attrelid = c.oid
            where {here} and a.attnum > 0 and not a.attisdropped
            order by c.relname, a.attnum
            """
        )
        comments = self.ask(
            f"""
            select c.relname::text, a.attname::text, d.description
            from pg_class as c
            join pg_description as d on d.objoid = c.oid and d.classoid = 'pg_class'::regclass
            left join pg_attribute as a on a.attrelid = c.oid and a.attnum = d.objsubid and d.objsubid > 0
            where {here}
            """
        )
        grants = self.ask(
            f"""
            select c.relname::text, format('grant %s on %s to %s%s', g.privilege_type, c.oid::regclass,
                case when g.grantee = 0 then 'public' else quote_ident(pg_get_userbyid(g.grantee)) end,
                case when g.is_grantable then ' with grant option' else '' end)
            from pg_class as c cross join lateral aclexplode(c.relacl) as g
            where {here} and g.grantee <> c.relowner
            order by 1, 2
            """
        )
        return {
            name: Standing(
                columns={column: kind for table, column, kind in columns if table == name},
                comments={column: text for table, column, text in comments if table == name},
                grants=[statement for table, statement in grants if table == name],
            )
            for name in dict.fromkeys(table for table, _, _ in columns)
        }
