"""Personal data: the keyed hash that stands for a customer in everything that is published.

HMAC-SHA256 (RFC 2104), cut to 128 bits: without the secret nobody can compute a customer's key from a
customer number, with it the key is the same every night. DuckDB hashes all new customers in one
statement; the secret is bound as a parameter and never part of a statement's text.
"""

from __future__ import annotations

import hashlib

import duckdb

from pipelines import contracts
from pipelines.errors import KizunaError

_BLOCK_BYTES = 64  # of SHA-256
_KEY_HEX_DIGITS = 32  # 128 bits: two of a billion customers share a key with a chance below 1e-20


class CustomerKeySecretChangedError(KizunaError):
    """The secret is not the one that the warehouse's keys were made with."""


def fingerprint(secret: str) -> str:
    """Tells two secrets apart without giving one away."""
    return hashlib.sha256(b"kizuna customer key " + secret.encode()).hexdigest()[:16]


def hold_to_secret(connection: duckdb.DuckDBPyConnection, secret: str, *, is_public: bool = False) -> None:
    """Note whose keys the warehouse has; stop before anything of another company, or under other keys, gets in.

    Args:
        is_public: whether the "secret" stands in the settings, so that another company may take this one's place.

    Raises:
        CustomerKeySecretChangedError: the warehouse's keys were made with another secret.
    """
    known = connection.execute("select fingerprint from privacy.hash_key").fetchone()
    if known is None:
        connection.execute("insert into privacy.hash_key values (?, ?)", [fingerprint(secret), is_public])
    elif known[0] != fingerprint(secret):
        raise CustomerKeySecretChangedError(
            "the secret for customer_key has changed since the warehouse was built, so every key would change; "
            "or the warehouse is another company's. For another company, set KIZUNA_HOME to a folder of its own; "
            "for this one, set the old secret again, or start anew with an empty KIZUNA_HOME."
        )


def update_customer_keys(connection: duckdb.DuckDBPyConnection, secret: str) -> int:
    """Give every customer id in the raw tables its key; returns how many were new.

    Raises:
        CustomerKeySecretChangedError: keys made with another secret are there.
    """
    hold_to_secret(connection, secret)
    inner, outer = _pads(secret)
    seen = " union ".join(
        f"select {column.name} as id from {contract.raw_name} where {column.name} is not null"
        for contract in contracts.ALL
        for column in contract.columns
        if column.name in ("customer_id", "person_id")
    )
    found = connection.execute(
        f"""insert into privacy.customer_keys
        select id, left(sha256($outer::blob || unhex(sha256($inner::blob || encode(id)))), {_KEY_HEX_DIGITS})
        from (({seen}) except select customer_id from privacy.customer_keys)""",
        {"inner": inner, "outer": outer},
    ).fetchone()
    return int(found[0]) if found else 0


def _pads(secret: str) -> tuple[bytes, bytes]:
    key = secret.encode()
    if len(key) > _BLOCK_BYTES:
        key = hashlib.sha256(key).digest()
    padded = key.ljust(_BLOCK_BYTES, b"\0")
    return bytes(byte ^ 0x36 for byte in padded), bytes(byte ^ 0x5C for byte in padded)
