"""What the models' YAML says, as the publication takes it from dbt's manifest."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path

import pytest

from orchestration.assets.publication import table_docs
from pipelines.publication import Deprecation

GOING = {"since": "2026-11-22", "removed_after": "2027-06-30", "use_instead": "shop_key"}


def manifest(folder: Path, **meta: object) -> Path:
    """A published model with one column, whose meta this is, and a model that is not published."""
    column = {"name": "shop", "description": "Its name.", "config": {"meta": meta}}
    model = {
        "resource_type": "model",
        "schema": "marts",
        "name": "dim_shops",
        "description": "Shops.",
        "columns": {"shop": column},
        "config": {"meta": {"dagster": {"group": "core"}, "display_name": "Branches"}},
    }
    nodes = {"a": model, "b": model | {"schema": "intermediate", "name": "int_shops"}}
    path = folder / "manifest.json"
    path.write_text(json.dumps({"nodes": nodes}), encoding="utf-8")
    return path


def test_names_and_notices_stand_in_the_meta_of_what_they_are_about(tmp_path: Path) -> None:
    docs = table_docs(manifest(tmp_path, display_name="Branch", deprecated=GOING))
    assert set(docs) == {"marts.dim_shops"}
    shops = docs["marts.dim_shops"]
    assert (shops.display_name, shops.display_names) == ("Branches", {"shop": "Branch"})
    assert shops.deprecated is None
    assert shops.deprecated_columns == {
        "shop": Deprecation(dt.date(2026, 11, 22), dt.date(2027, 6, 30), "shop_key")
    }


def test_a_notice_that_is_not_whole_stops_the_publication(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="use_instead"):
        table_docs(manifest(tmp_path, deprecated={"since": "2026-11-22"}))
