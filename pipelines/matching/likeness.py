"""How alike two records are: Splink's model, with parameters that are declared and not trained.

Belongs here: comparisons, weights, which pairs are looked at. Does not: what becomes of a probable pair (``links``).

The method is Fellegi and Sunter's (1969): each comparison multiplies the odds that two records are one person by how
often it turns out so among records of one person (m) against how often by chance (u). Chance is counted in the data:
an exact match weighs by how rare its value is (Splink's term frequencies), a rare name more than a common one. The
m are facts about how people fill in forms, and stand below with their reasons: parameters trained anew every night
would let links come and go without anybody having changed, and on a small company training does not converge.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import duckdb
import polars as pl

from pipelines.errors import KizunaError


class MatchingError(KizunaError):
    """Probable links cannot be made; the message says how to mend it."""


_PEOPLE_WITH_TWINS = 0.01  # share of accounts that have a second one; the prior grows from it
_TWO_OF_ONE_NAME = 0.92  # Jaro-Winkler similarity from which two names may be one, misspelt (Winkler 1990)
_TWO_OF_ONE_EMAIL = 0.95

# (m, u) per level, exact first, nothing alike last. The u of exact levels gives way to the frequency of the value.
_NAME = ((0.85, 0.001), (0.10, 0.005), (0.05, 0.994))  # one in ten is misspelt, one in twenty married
_EMAIL = ((0.75, 0.0001), (0.08, 0.001), (0.05, 0.005), (0.12, 0.994))  # people keep addresses for years
# Numbers change oftener than addresses. One digit apart is no likeness: neighbours and desks have such numbers.
_PHONE = ((0.70, 0.0001), (0.30, 0.9999))
_BIRTH_DATE = ((0.97, 0.0001), (0.03, 0.9999))  # nobody moves it; three in a hundred are typing errors
_POSTAL_CODE = ((0.80, 0.001), (0.20, 0.999))  # one in five moved between two accounts
_COUNTRY = ((0.98, 0.3), (0.02, 0.7))

# A mailbox, a telephone and an address can belong to a household; a name, or a birth date and nearly a name, cannot.
_NAMES_AGREE = f"""
    coalesce(l.birth_date = r.birth_date, true) and coalesce(
        l.name = r.name
        or (l.birth_date = r.birth_date and jaro_winkler_similarity(l.name, r.name) >= {_TWO_OF_ONE_NAME}),
        false
    )
"""


def probable_pairs(records: pl.DataFrame, threshold: float) -> pl.DataFrame:
    """Pairs of records that are one person with at least this probability.

    Splink runs on a database of its own in memory, with one thread: sums of many threads come in any order, and the
    last digit of a probability would change with it.

    Args:
        records: accounts and contacts, see ``pipelines.matching.records``; ordered by ``unique_id``.
        threshold: probability, 0..1.

    Returns:
        ``unique_id_l`` < ``unique_id_r``, ``match_probability``, ``names_agree`` (see ``_NAMES_AGREE``); ordered by
        the two identifiers. No pair of two contacts, none of one person's accounts.

    Raises:
        MatchingError: Splink is not installed.
    """
    try:
        from splink import Linker  # takes seconds to load, and most nights do without
        from splink.backends.duckdb import DuckDBAPI
    except ModuleNotFoundError as error:
        raise MatchingError(
            "matching.enabled needs Splink, which is not installed: install the extra matching, or write enabled: false"
        ) from error

    with duckdb.connect(config={"threads": 1}) as memory:
        memory.register("given", records.to_arrow())
        memory.execute("create table records as select * from given order by unique_id")
        database = DuckDBAPI(memory)
        linker = Linker(database.register("records"), _settings(len(records)), log_level="ERROR")
        found = linker.inference.predict(threshold_match_probability=threshold, warning_mode="never")
        return memory.sql(
            f"""select unique_id_l, unique_id_r, match_probability, {_NAMES_AGREE} as names_agree
            from {found.physical_name}
            join records as l on unique_id_l = l.unique_id
            join records as r on unique_id_r = r.unique_id
            order by unique_id_l, unique_id_r"""
        ).pl()


def _settings(records: int) -> dict[str, Any]:
    return {
        "link_type": "dedupe_only",
        # Of n records, n / 100 pairs are one person, among n * n / 2 pairs.
        "probability_two_random_records_match": min(0.5, 2 * _PEOPLE_WITH_TWINS / records),
        "comparisons": [
            _comparison(
                "name", _NAME, similar=[f"jaro_winkler_similarity(name_l, name_r) >= {_TWO_OF_ONE_NAME}"]
            ),
            _comparison(
                "email",
                _EMAIL,
                similar=[
                    "email_name_l = email_name_r",  # the same person at another provider
                    f"jaro_winkler_similarity(email_l, email_r) >= {_TWO_OF_ONE_EMAIL}",
                ],
            ),
            _comparison("phone", _PHONE),
            _comparison("birth_date", _BIRTH_DATE),
            _comparison("postal_code", _POSTAL_CODE),
            _comparison("country", _COUNTRY),
        ],
        "blocking_rules_to_generate_predictions": [
            _blocking_rule(*columns)
            for columns in (
                ("email",),
                ("phone",),
                ("name", "email_name"),
                ("name", "birth_date"),
                ("name", "postal_code"),
            )
        ],
        "retain_matching_columns": False,
    }


def _comparison(
    column: str, levels: Sequence[tuple[float, float]], similar: Sequence[str] = ()
) -> dict[str, Any]:
    """A comparison of one column: unknown on a side, the same value, alike in ``similar`` ways, nothing alike."""
    conditions = [f"{column}_l = {column}_r", *similar, "ELSE"]
    graded = [
        {"sql_condition": condition, "label_for_charts": condition, "m_probability": m, "u_probability": u}
        for condition, (m, u) in zip(conditions, levels, strict=True)
    ]
    graded[0] |= {"tf_adjustment_column": column, "tf_adjustment_weight": 1.0}
    unknown = f"{column}_l is null or {column}_r is null"
    return {
        "output_column_name": column,
        "comparison_levels": [
            {"sql_condition": unknown, "label_for_charts": "unknown", "is_null_level": True},
            *graded,
        ],
    }


def _blocking_rule(*columns: str) -> dict[str, str]:
    """Pairs that agree in these columns are looked at, unless the CRM says that they are one or both are contacts."""
    agreed = " and ".join(f"l.{column} = r.{column}" for column in columns)
    return {
        "blocking_rule": f"{agreed} and l.person_id is distinct from r.person_id",
        "sql_dialect": "duckdb",
    }
