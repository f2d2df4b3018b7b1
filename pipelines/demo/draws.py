"""Random numbers that belong to a name, not to an order of calls.

A draw is a hash of (seed, customer, purchase, what is drawn). So a customer lives the same life whatever
block of customers is generated with it, in whatever order, and however many customers the company has.
Only the arithmetic belongs here; what is drawn and why does not.
"""

from __future__ import annotations

import hashlib
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Keys = NDArray[np.uint64]
Floats = NDArray[np.float64]

_STEP = np.uint64(0x9E3779B97F4A7C15)
_MIX_1 = np.uint64(0xBF58476D1CE4E5B9)
_MIX_2 = np.uint64(0x94D049BB133111EB)
_TO_UNIT = 2.0**-53


def keys_of(seed: int, index: NDArray[np.int64]) -> Keys:
    """One key per customer index."""
    return child(np.full(index.shape, _named(f"seed {seed}"), dtype=np.uint64), index)


def child(keys: Keys, number: NDArray[np.integer] | int) -> Keys:
    """Keys one level down: the n-th purchase of a customer, the n-th line of a purchase."""
    # An array even of one number: NumPy lets arrays wrap around in silence, scalars not.
    return _mixed(keys + (np.atleast_1d(number).astype(np.uint64) + np.uint64(1)) * _STEP)


def uniform(keys: Keys, what: str) -> Floats:
    """One number in (0, 1) per key; the same key and ``what`` always give the same number."""
    bits = _mixed(keys ^ _named(what)) >> np.uint64(11)
    return (bits.astype(np.float64) + 0.5) * _TO_UNIT


def normal(keys: Keys, what: str) -> Floats:
    """Standard normal numbers (Box and Muller 1958)."""
    radius = np.sqrt(-2.0 * np.log(uniform(keys, what)))
    return radius * np.cos(2.0 * np.pi * uniform(keys, f"{what}, angle"))


def choice(keys: Keys, what: str, shares: Floats) -> NDArray[np.int64]:
    """An index per key, drawn with the given shares (they need not sum to 1)."""
    upper = np.cumsum(shares) / np.sum(shares)
    return np.minimum(np.searchsorted(upper, uniform(keys, what), side="right"), len(shares) - 1)


def whole(keys: Keys, what: str, count: int) -> NDArray[np.int64]:
    """A whole number in 0 .. count - 1 per key."""
    return (uniform(keys, what) * count).astype(np.int64)


@lru_cache(maxsize=1024)
def _named(what: str) -> np.uint64:
    return np.uint64(int.from_bytes(hashlib.blake2b(what.encode(), digest_size=8).digest(), "little"))


def _mixed(bits: Keys) -> Keys:
    """The finalizer of SplitMix64 (Steele, Lea, Flood 2014); it wraps around on purpose."""
    bits = (bits ^ (bits >> np.uint64(30))) * _MIX_1
    bits = (bits ^ (bits >> np.uint64(27))) * _MIX_2
    return bits ^ (bits >> np.uint64(31))
