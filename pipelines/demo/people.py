"""Names, e-mail addresses and telephone numbers of people who do not exist.

Addresses use the domains reserved for examples (RFC 2606, and example.jp), numbers an area code that no
country gives out.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from pipelines.demo import draws
from pipelines.demo.columns import labels
from pipelines.demo.draws import Keys
from pipelines.demo.lives import Customers
from pipelines.demo.plan import LOCALE_SHARES, LOCALES

# Per locale: given names, family names; the Japanese ones with their reading, which goes into the address.
_GIVEN = (
    ("Anna", "Jonas", "Lena", "Paul", "Greta", "Felix", "Ida", "Emil", "Jürgen", "Käthe"),
    ("Alice", "Oliver", "Maya", "George", "Ruth", "Harry", "Nina", "Owen", "Priya", "Sean"),
    ("Chloé", "Hugo", "Inès", "Louis", "Zoé", "Théo", "Manon", "René", "Élise", "Luc"),
    ("葵", "翔太", "結衣", "健", "美咲", "大輔", "さくら", "直樹", "陽菜", "誠"),
)
_FAMILY = (
    ("Beispiel", "Muster", "Probe", "Fiktiv", "Erdacht", "Demo-Müller"),
    ("Example", "Sample", "Specimen", "Madeup", "Placeholder", "O'Example"),
    ("Exemple", "Modèle", "Fictif", "Essai", "Inventé", "d'Exemple"),
    ("例田", "見本", "架空", "試見", "仮山", "例本"),
)
_GIVEN_READ = (
    ("anna", "jonas", "lena", "paul", "greta", "felix", "ida", "emil", "juergen", "kaethe"),
    ("alice", "oliver", "maya", "george", "ruth", "harry", "nina", "owen", "priya", "sean"),
    ("chloe", "hugo", "ines", "louis", "zoe", "theo", "manon", "rene", "elise", "luc"),
    ("aoi", "shota", "yui", "ken", "misaki", "daisuke", "sakura", "naoki", "hina", "makoto"),
)
_DOMAINS = (
    ("example.org", "example.com", "example.net"),
    ("example.com", "example.org", "example.net"),
    ("example.net", "example.com", "example.org"),
    ("example.jp", "example.jp", "example.com"),
)
_PHONE_PREFIXES = ("+49 00 ", "+44 (0)00 ", "+33 00-", "+81-00-")
_NO_EMAIL_SHARE = 0.06
_SHARED_EMAIL_SHARE = 0.006  # two people, one address: they must never become one person
_NO_PHONE_SHARE = 0.30


def names(customers: Customers) -> pl.Series:
    given, family = _name_numbers(customers.keys)
    locale = customers.locale
    full = [
        f"{f} {g}" if code == "ja-JP" else f"{g} {f}"
        for number, code in enumerate(LOCALES)
        for g in _GIVEN[number]
        for f in _FAMILY[number]
    ]
    return labels(full, (locale * len(_GIVEN[0]) + given) * len(_FAMILY[0]) + family)


def emails(seed: int, customers: Customers) -> pl.Series:
    """One address per customer, null for those who gave none; a few share the one of the customer before them."""
    shares = draws.uniform(customers.keys, "shares address") < _SHARED_EMAIL_SHARE
    owner = np.where(shares & (customers.index > 0), customers.index - 1, customers.index)
    keys = draws.keys_of(seed, owner)
    locale = draws.choice(keys, "locale", LOCALE_SHARES)
    given, _ = _name_numbers(keys)
    domain = draws.whole(keys, "domain", len(_DOMAINS[0]))
    address = (
        labels([name for names_of in _GIVEN_READ for name in names_of], locale * len(_GIVEN[0]) + given)
        + "."
        + pl.Series(owner + 1).cast(pl.String)
        + "@"
        + labels([name for names_of in _DOMAINS for name in names_of], locale * len(_DOMAINS[0]) + domain)
    )
    return address.set(pl.Series(draws.uniform(customers.keys, "no address") < _NO_EMAIL_SHARE), None)


def phones(customers: Customers) -> pl.Series:
    number = pl.Series(customers.index + 1).cast(pl.String).str.zfill(8)
    numbers = labels(_PHONE_PREFIXES, customers.locale) + number
    return numbers.set(pl.Series(draws.uniform(customers.keys, "no phone") < _NO_PHONE_SHARE), None)


def _name_numbers(keys: Keys) -> tuple[np.ndarray, np.ndarray]:
    return draws.whole(keys, "given name", len(_GIVEN[0])), draws.whole(keys, "family name", len(_FAMILY[0]))
