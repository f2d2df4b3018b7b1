"""The published file for DuckDB clients on other machines, over DuckDB's quack protocol.

Belongs here: one DuckDB that lives in memory, shows the current version, and lets nobody do more than read.
Does not: the publication; a server only follows its link.

The tables are views over the version's file, which is attached read-only. A new version is attached beside the
old one and all views are replaced in one transaction: a query that runs goes on reading the old file, the next one
reads the new. The old file stays attached until the version after, for transactions that began before.

Quack hands a client's SQL to DuckDB as it is, so three locks stand one behind the other: only what DuckDB's own
parser takes for a single query is run, with no table function but those that tell about tables; no file but the
publications can be touched; and no setting can be changed.
"""

from __future__ import annotations

import logging
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import duckdb

from pipelines.errors import KizunaError
from pipelines.extensions import load_extension
from pipelines.home import Home
from pipelines.publication import SCHEMAS, PublicationError, Version, current_version
from pipelines.publication.relations import columns_of, identifier, literal

DEFAULT_PORT = 9494  # quack's own
SHORTEST_TOKEN = 16  # whoever reaches the port may try as often as they like
LOOPBACK = ("127.0.0.1", "localhost", "::1")

log = logging.getLogger(__name__)

# What clients ask the catalog with, and what makes rows out of nothing.
_TABLE_FUNCTIONS = (
    "duckdb_columns", "duckdb_constraints", "duckdb_databases", "duckdb_functions", "duckdb_indexes", "duckdb_schemas",
    "duckdb_tables", "duckdb_types", "duckdb_views", "generate_series", "pragma_table_info", "range", "unnest",
)  # fmt: skip
_GUARD = "only_queries"
# DuckDB serialises a statement only if it is a query. In the JSON a quote inside of a text is escaped, so that no
# text can look like a part of the tree; a call written in a way that the pattern does not know counts as refused.
_CALL = '"type":"TABLE_FUNCTION"'
_NAMED_CALL = _CALL + r'[^{}]*"function":\{[^{}]*"function_name":"([^"]*)"'
_GUARD_SQL = f"""
create macro {_GUARD}(session, query) as coalesce((
    select not (tree->>'error')::boolean
        and json_array_length(tree->'statements') = 1
        and len(regexp_extract_all(tree::varchar, {literal(_CALL)})) = len(list_filter(
            regexp_extract_all(tree::varchar, {literal(_NAMED_CALL)}, 1),
            lambda called: called in ({", ".join(map(literal, _TABLE_FUNCTIONS))})
        ))
    from (select json_serialize_sql(query::varchar)::json as tree)
), false)
"""


class ServingError(KizunaError):
    """Nothing is served. The message says what to mend."""


@dataclass
class Server:
    """A server at work. ``follow`` is to be called again and again."""

    address: str
    version: Version
    _con: duckdb.DuckDBPyConnection = field(repr=False)
    _home: Home = field(repr=False)
    _attached: list[str] = field(default_factory=list, repr=False)

    def follow(self) -> Version | None:
        """Show the version that the link leads to now. Returns it when it is another one than before.

        A version that cannot be shown is told of in the log, and what was shown stays.
        """
        try:
            version = current_version(self._home)
            if version is None or version.name == self.version.name:
                return None
            self._show(version)
        except (PublicationError, duckdb.Error) as error:
            log.warning("the new version cannot be shown (%s); clients keep %s", error, self.version.name)
            return None
        return version

    def _show(self, version: Version) -> None:
        if version.name not in self._attached:
            self._con.execute(
                f"attach {literal(str(version.database.resolve()))} as {identifier(version.name)} (read_only)"
            )
            self._attached.append(version.name)
        tables = columns_of(self._con, version.name)
        self._con.execute("begin")
        try:
            for view in _views(self._con) - tables.keys():
                self._con.execute(f"drop view {_quoted(view)}")
            for table in tables:
                source = f"{identifier(version.name)}.{_quoted(table)}"
                self._con.execute(f"create or replace view {_quoted(table)} as from {source}")
            self._con.execute("commit")
        except duckdb.Error:
            self._con.execute("rollback")
            raise
        before, self.version = self.version, version
        for name in [name for name in self._attached if name not in (version.name, before.name)]:
            self._con.execute(f"detach {identifier(name)}")
            self._attached.remove(name)


@contextmanager
def serving(home: Home, token: str, *, host: str = "127.0.0.1", port: int = DEFAULT_PORT) -> Iterator[Server]:
    """Serve the current version until the block ends; queries that run then are ended, too.

    Args:
        token: what clients must know; never shown.

    Raises:
        ServingError: the token is too short, the port is taken, or the address is none of this machine.
        PublicationError: nothing is published.
        ExtensionError: DuckDB's extensions are not installed.
    """
    if len(token) < SHORTEST_TOKEN:
        raise ServingError(
            f"the token has fewer than {SHORTEST_TOKEN} characters. "
            "python3 -c 'import secrets; print(secrets.token_urlsafe(32))' makes a good one"
        )
    version = current_version(home)
    if version is None:
        raise PublicationError("nothing has been published yet: kizuna run")
    _refuse_taken(host, port)
    address = f"quack:[{host}]:{port}" if ":" in host else f"quack:{host}:{port}"
    con = duckdb.connect(config={"extension_directory": str(home.extensions)})
    try:
        _lock_down(con, home)
        server = Server(address, version, con, home)
        server._show(version)
        con.execute("set lock_configuration = true")
        try:
            con.execute(
                "call quack_serve($1, token := $2, allow_other_hostname := $3)",
                [address, token, host not in LOOPBACK],
            )
        except duckdb.Error as error:
            failure = ServingError(f"DuckDB cannot serve at {address} ({type(error).__name__})")
            raise failure from None  # its text may repeat the call, and with it the token
        try:
            yield server
        finally:
            con.execute("call quack_stop($1)", [address])
    finally:
        con.close()


def _lock_down(con: duckdb.DuckDBPyConnection, home: Home) -> None:
    con.execute("set enable_progress_bar = false")
    con.execute("set timezone = 'UTC'")
    for extension in ("httpfs", "quack"):
        load_extension(con, extension)
    con.execute("set autoinstall_known_extensions = false")
    con.execute("set autoload_known_extensions = false")
    con.execute(_GUARD_SQL)
    con.execute(f"set global quack_authorization_function = '{_GUARD}'")
    for schema in SCHEMAS:
        con.execute(f"create schema {identifier(schema)}")
    # The versions to come must be attached; of everything else on the machine nothing is to be seen.
    con.execute(f"set allowed_directories = [{literal(f'{home.publications.resolve()}/')}]")
    con.execute("set enable_external_access = false")


def _refuse_taken(host: str, port: int) -> None:
    """Quack shares a port with whoever has it (SO_REUSEPORT): half of the clients would reach the other one."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # what has just been closed is free
        try:
            probe.bind((host, port))
        except OSError as error:
            raise ServingError(
                f"{host}:{port} cannot be listened on: {error.strerror}. Choose another --port or --host"
            ) from None


def _views(con: duckdb.DuckDBPyConnection) -> set[str]:
    found = con.execute(
        "select schema_name || '.' || view_name from duckdb_views() where database_name = 'memory' and not internal"
    )
    return {name for (name,) in found.fetchall()}


def _quoted(relation: str) -> str:
    return ".".join(identifier(part) for part in relation.split("."))
