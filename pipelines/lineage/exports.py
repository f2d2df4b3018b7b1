"""Where a raw column comes from, as ``kizuna.yml`` has it: the last step of the way back."""

from __future__ import annotations

from pipelines.lineage.sql import ROWS, Origin
from pipelines.settings import ColumnMapping, Settings

_RAW = "raw_"


def exported_columns(settings: Settings, origin: Origin) -> list[str]:
    """In words, by source, what fills a column of a raw table; empty where no source does, or for another table."""
    if not origin.table.startswith(_RAW):
        return []
    table = origin.table.removeprefix(_RAW)
    found: dict[str, list[str]] = {}
    for name, source in settings.sources.items():
        for mapping in source.mappings:
            if mapping.table != table:
                continue
            words = found.setdefault(name, [])
            if origin.column != ROWS and origin.column in mapping.columns:
                words.append(_in_words(mapping.columns[origin.column]))
    return [
        f"{source}: {', '.join(dict.fromkeys(words))}" if words else source
        for source, words in found.items()
        if words or origin.column == ROWS
    ]


def _in_words(mapping: ColumnMapping) -> str:
    if mapping.column is not None:
        return mapping.column
    if mapping.sql is not None:
        return f"sql {mapping.sql}"
    if mapping.number_within is not None:
        return f"numbered within {', '.join(mapping.number_within)}"
    return f"{mapping.constant!r}"
