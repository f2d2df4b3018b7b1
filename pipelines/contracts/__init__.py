"""The canonical tables that every source is mapped to: columns, types, keys and meaning.

One module per kind of source system. A contract says what a *row* must look like (types, required
columns, allowed values, ranges inside one row); keys and relations between rows are dbt tests, the
shape of a batch and business ranges are Great Expectations suites.
"""

from __future__ import annotations

from pipelines.contracts import crm, org, support, survey
from pipelines.contracts.model import Column, Contract, Kind, RowCheck

ALL: tuple[Contract, ...] = (*crm.TABLES, *survey.TABLES, *support.TABLES, *org.TABLES)
BY_NAME: dict[str, Contract] = {contract.name: contract for contract in ALL}


def contract_named(name: str) -> Contract:
    """The contract called ``crm.orders`` and the like.

    Raises:
        KeyError: the name is unknown; the message lists the known ones.
    """
    if name not in BY_NAME:
        raise KeyError(f"there is no canonical table {name!r}; the known ones: {', '.join(BY_NAME)}")
    return BY_NAME[name]


__all__ = ["ALL", "BY_NAME", "Column", "Contract", "Kind", "RowCheck", "contract_named"]
