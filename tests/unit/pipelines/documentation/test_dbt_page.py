"""dbt's page: what of the machine and the run is taken out, and what stays."""

from __future__ import annotations

import json
from typing import Any

import pytest

from pipelines.documentation.dbt_page import dbt_page

PAGE = (
    '<head><meta charset="utf-8"><link rel="canonical" href="/overview/"/>'
    '<link rel="shortcut icon" href="${require(\'./favicon.ico\')}"/></head>'
    '<use xlink:href="{{ icon }}"></use>'
    '<script>n={manifest:"MANIFEST.JSON INLINE DATA",catalog:"CATALOG.JSON INLINE DATA"}</script>'
)
METADATA = {
    "project_name": "shop",
    "invocation_id": "an-id-of-this-run",
    "generated_at": "2026-01-01",
    "user_id": "somebody",
    "send_anonymous_usage_stats": True,
    "env": {"HOME": "/home/ann"},
}
CATALOG = {"metadata": METADATA, "nodes": {}, "sources": {}, "errors": None}


def node(package: str, name: str, **more: Any) -> dict[str, Any]:
    return {
        "package_name": package,
        "name": name,
        "raw_code": "select '</script>'",
        "root_path": "/home/ann/project",
        "build_path": "/home/ann/target",
        "compiled_path": "/home/ann/compiled",
        "depends_on": {"nodes": ["model.shop.a"], "macros": ["macro.dbt.b", "macro.shop.m"]},
        **more,
    }


MANIFEST = {
    "metadata": METADATA,
    "nodes": {"model.shop.a": node("shop", "a")},
    "macros": {"macro.shop.m": node("shop", "m"), "macro.dbt.b": node("dbt", "b")},
    "unit_tests": {"unit_test.shop.a.t": node("shop", "t")},
    **{kind: {} for kind in ("sources", "metrics", "semantic_models", "exposures", "saved_queries")},
    "parent_map": {"model.shop.a": [], "unit_test.shop.a.t": ["model.shop.a"]},
    "child_map": {"model.shop.a": ["unit_test.shop.a.t"]},
}


@pytest.fixture
def page() -> str:
    return dbt_page(
        PAGE, MANIFEST, CATALOG, lambda found: "select 1 as ran" if found["name"] == "a" else None
    )


@pytest.mark.parametrize(
    "gone",
    ["/home/ann", "an-id-of-this-run", "somebody", "2026-01-01", "favicon.ico", "canonical", "macro.dbt.b"],
)
def test_nothing_of_the_machine_or_the_run_is_in_it(page: str, gone: str) -> None:
    assert gone not in page


def test_it_asks_for_nothing(page: str) -> None:
    assert "default-src 'none'" in page
    assert ' xlink:href="{{' not in page
    assert '"send_anonymous_usage_stats": false' in page


def test_the_data_are_in_it_and_end_no_script(page: str) -> None:
    assert page.count("</script>") == 1
    data = page.split("manifest:")[1].split(",catalog:", maxsplit=1)[0]
    manifest = json.loads(data)
    assert manifest["nodes"]["model.shop.a"]["compiled_code"] == "select 1 as ran"
    assert manifest["nodes"]["model.shop.a"]["raw_code"] == "select '</script>'"
    assert manifest["nodes"]["model.shop.a"]["depends_on"]["macros"] == ["macro.shop.m"]


def test_nothing_leads_to_what_is_left_out(page: str) -> None:
    assert "unit_test.shop.a.t" not in page


def test_another_page_than_the_known_one_is_an_error() -> None:
    with pytest.raises(ValueError, match="dbt's documentation page has changed"):
        dbt_page("<html></html>", MANIFEST, CATALOG, lambda _: None)
