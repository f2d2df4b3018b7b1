"""What a database's refusal means, and how to mend it.

The texts of drivers and servers are read, never shown: they can hold the connection string ("Failed to connect
with parameters ..."), and values of rows ("invalid input syntax for type integer: ..."). What no rule knows is
told without its text.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from pipelines.sources.errors import SourceError


class DatabaseError(SourceError):
    """A database cannot be read as the settings say."""


@dataclass(frozen=True)
class Place:
    """Where in the settings an error belongs.

    Attributes:
        source: its name in ``kizuna.yml``.
        variable: the environment variable that holds the connection string; None: SQLite.
        stream: the table or query being read; None: none yet.
    """

    source: str
    variable: str | None
    stream: str | None = None

    def error(self, text: str) -> DatabaseError:
        """The error with this place before its text."""
        where = f"source {self.source}" if self.stream is None else f"source {self.source}, {self.stream}"
        return DatabaseError(f"{where}: {text}")


# Rules in the order they are tried: of a text that fits two, the first is the cause, the second its circumstances.
_RULES = (
    (
        r"password authentication failed|no password supplied|access denied for user .*using password"
        r"|role .* does not exist|role .* is not permitted to log in|account is locked|password has expired"
        r"|must set password",
        "the server refused the login: the password is wrong or has expired, or it does not know the user. "
        "Put a connection string that works into {variable}",
    ),
    (
        r"no pg_hba\.conf entry|permission denied for database|access denied for user|is not allowed to connect",
        "the server does not let this user into this database from this machine. "
        "Ask who runs it to allow that, or correct {variable}",
    ),
    (
        r"could not translate host name|name or service not known|unknown server host|unknown mysql server host",
        "nobody knows the host that {variable} names. Correct its spelling, or look whether the network is there",
    ),
    (
        r"database .* does not exist|unknown database",
        "the server has no such database as {variable} names. Correct the name",
    ),
    (
        r"missing \"=\" after|invalid (connection option|uri|port|sslmode|integer value)|forbidden value"
        r"|unrecognized configuration parameter|unexpected token|invalid percent-encoded|failed to parse"
        r"|expected .*(key|value)|end of string reached",
        "what {variable} holds is no connection string. Write it like "
        "postgresql://user:password@host:5432/database or host=... port=... user=... password=... database=... "
        "(PostgreSQL: dbname=...)",
    ),
    (
        r"\bssl\b.*(required|not supported|error)|certificate|does not support ssl",
        "the encrypted connection was not agreed on. Look at sslmode (MySQL: ssl_mode) and at the certificate "
        "in {variable}",
    ),
    (
        r"too many (clients|connections)|remaining connection slots|max_user_connections",
        "the server takes no more connections now. Run again later",
    ),
    (
        r"the database system is (starting up|shutting down|in recovery)",
        "the server is starting or stopping. Run again when it is up",
    ),
    (
        r"division by zero|invalid input syntax|more than one row returned by a subquery",
        "an expression of the query fails for a row: a cast, a division or a subquery. Which row it is, "
        "the server's own log says; mend the query",
    ),
    (
        r"server closed the connection|terminating connection|lost connection|gone away|connection not open"
        r"|no connection to the server|connection reset|ssl connection has been closed|broken pipe"
        r"|server has been shut down|server shutdown in progress|connection was killed"
        r"|failed to fetch result row",
        "the connection was lost while reading. Nothing of this read was loaded. Look whether the server is up, "
        "then run again",
    ),
    (
        r"connection refused|could not connect|can't connect|connection timed out|timeout expired"
        r"|no route to host|network is unreachable|no such file or directory.*socket|is the server running"
        r"|connection to server",
        "no server answers where {variable} points. Look at host and port, and whether the server is up",
    ),
    (
        r"permission denied for|command denied to user|must be owner|permission denied",
        "the user may not read it. Ask for: grant select (and, in PostgreSQL, usage on its schema)",
    ),
    (
        r"relation .* does not exist|table .* doesn't exist|no such table|schema .* does not exist"
        r"|invalid object name",
        "the database has no such table or view{named}. Names are written as the catalog has them, "
        "capitals included. Correct the settings, or look whether it was renamed",
    ),
    (
        r"column .* does not exist|unknown column|no such column",
        "the query names a column that is not there{named}. Correct the query, or look whether it was renamed",
    ),
    (
        r"column .* is ambiguous|ambiguous column name",
        "the query names a column that two of its tables have. Write it with its table, as in o.id",
    ),
    (
        r"duplicate column name",
        "the query gives two columns of one name. Name them apart with as",
    ),
    (
        r"read-only|readonly",
        "the query wants to write; a source is only read. Write a select",
    ),
    (
        r"syntax error|error in your sql syntax|incomplete input|no fields returned|must be a select",
        "the query is no select statement that the server understands. Try it in the database's own shell",
    ),
    (
        r"statement timeout|canceling statement|query execution was interrupted|max_statement_time"
        r"|interrupted|lock wait timeout",
        "the server cancelled the read (a time limit, a replica's conflict, or a person). Run again; where it "
        "happens every night, let a watermark shorten the read or raise the user's time limit",
    ),
    (r"not a database|malformed|file is encrypted", "the file is no SQLite database. Correct path"),
    (
        r"database is locked|database table is locked",
        "another program is writing to the file. Run again later",
    ),
    (r"unable to open database", "the file cannot be opened. Look at path and at the permissions"),
    (
        r"invalid unicode|invalid byte sequence|invalid utf",
        "a text is not valid in the database's own encoding. Leave the column out, or convert it in a query",
    ),
    (
        r"failed to prepare",
        "the server does not accept the query. Try it in the database's own shell",
    ),
)
_COMPILED = [(re.compile(pattern, re.IGNORECASE | re.DOTALL), text) for pattern, text in _RULES]

# What was asked is no part of the answer: a host may be called ssl-required, a column "permission denied".
_QUESTION = re.compile(
    r"(?:connect to postgres at|with parameters|query|copy) \".*\":|^line \d+:.*?$",
    re.IGNORECASE | re.DOTALL | re.MULTILINE,
)
# Only a plain identifier is repeated: between such quotes a value of somebody's may stand, too.
_NAME = re.compile(
    r"(?:relation|column|table|schema) [\"'`]([A-Za-z0-9_.]{1,80})[\"'`]"
    r"|no such (?:table|column): ([A-Za-z0-9_.]{1,80})$",
    re.IGNORECASE | re.MULTILINE,
)


def explained(error: Exception, place: Place) -> DatabaseError:
    """The error as people are told of it. Raise it ``from None``: what it explains may hold a secret."""
    meaning = meaning_of(error, place.variable or "path")
    if meaning is not None:
        return place.error(meaning)
    return place.error(
        f"the database ended the read with an error that Kizuna does not know ({type(error).__name__}). Its text "
        f"is not shown, because it may hold data; the server's own log has it."
    )


def meaning_of(error: Exception, variable: str) -> str | None:
    """What an error of a database means, and its mend, in a sentence; None: no rule knows it.

    Args:
        variable: the environment variable that holds the connection string.
    """
    text = without_question(str(error))
    for pattern, meaning in _COMPILED:
        if pattern.search(text):
            found = _NAME.search(text)
            named = f" as {found.group(1) or found.group(2)}" if found else ""
            return meaning.format(variable=variable, named=named) + "."
    return None


def without_question(text: str) -> str:
    """The text of an error without what was asked, in which anything may stand."""
    return _QUESTION.sub("", text)
