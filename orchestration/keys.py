"""Names that several modules share: asset keys, groups, owners, the writers' pool, an environment variable."""

from __future__ import annotations

import dagster as dg

from pipelines import contracts

OWNERS = ["team:data-engineering"]
# Tags of every asset, to filter and to select by (tag:kizuna/layer=kpi).
LAYER, SCHEMA = "kizuna/layer", "kizuna/schema"
WRITER_POOL = "warehouse_writer"  # DuckDB lets one process write: whoever writes takes the one slot

CONFIG_VARIABLE = "KIZUNA_CONFIG"  # the settings file, for processes that Dagster starts

PUBLICATION = dg.AssetKey(["publication"])
WAYS_OUT = dg.AssetKey(["ways_out"])
DOCUMENTATION = dg.AssetKey(["documentation"])


def source_key(name: str) -> dg.AssetKey:
    return dg.AssetKey(["sources", name])


def raw_key(contract: contracts.Contract) -> dg.AssetKey:
    return dg.AssetKey([f"raw_{contract.schema}", contract.table])


def table_key(name: str) -> dg.AssetKey:
    """The asset of a table called ``schema.table``."""
    return dg.AssetKey(name.split("."))
