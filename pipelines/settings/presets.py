"""Default mappings of formats whose shape a vendor has fixed, laid under what a user writes.

A preset is a source in the language of kizuna.yml, without ``files``: ``pipelines/formats/presets/<name>.yml``.
``include`` lists others whose tables it has too.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Any

import yaml

from pipelines.formats.registry import FORMATS


def with_preset(source: Any) -> Any:
    """What a user writes of a source, completed by the preset of its format or API.

    The user's keys win. Of a table in both, columns are merged, the user's win, and one that is given as
    null is left out; where the user lists a table twice, each is completed, and one that explodes a list is
    by what explodes the same. A table in the preset alone stays. Anything else than a source comes back as it
    is: validation says what is wrong with it.
    """
    name = _preset_of(source)
    if name is None:
        return source
    preset = _read(name)
    written = source.get("tables", [])
    if not isinstance(written, list) or not all(isinstance(table, Mapping) for table in written):
        return source
    tables = [completed for table in preset["tables"] for completed in _completed(table, written)]
    tables += [own for own in written if not any(_belongs(own, table) for table in preset["tables"])]
    return {**preset, **source, "tables": tables}


def _preset_of(source: Any) -> str | None:
    if not isinstance(source, Mapping):
        return None
    if "api" in source:
        return f"{source['api']}_api" if _exists(f"{source['api']}_api") else None
    format_ = FORMATS.get(str(source.get("format")))
    return format_.preset if format_ else None


def _completed(table: Mapping[str, Any], written: list[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    return [_merged(table, own) for own in written if _belongs(own, table)] or [table]


def _belongs(own: Mapping[str, Any], table: Mapping[str, Any]) -> bool:
    explode = table.get("explode")
    return own.get("table") == table["table"] and own.get("explode", explode) == explode


def _merged(table: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    columns = {**table.get("columns", {}), **(own.get("columns") or {})}
    return {**table, **own, "columns": {k: v for k, v in columns.items() if v is not None}}


def _exists(name: str) -> bool:
    return _folder().joinpath(f"{name}.yml").is_file()


def _folder() -> resources.abc.Traversable:
    return resources.files("pipelines.formats").joinpath("presets")


@cache
def _read(name: str) -> Any:
    preset = yaml.safe_load(_folder().joinpath(f"{name}.yml").read_text(encoding="utf-8"))
    included = [table for other in preset.pop("include", ()) for table in _read(other)["tables"]]
    return {**preset, "tables": [*preset.get("tables", ()), *included]}
