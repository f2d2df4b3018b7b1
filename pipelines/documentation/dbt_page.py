"""dbt's own documentation as one file that opens offline.

dbt's page asks for an icon that is not there and, depending on the project, for a tracker of its maker; its manifest
has the machine's paths in it. So the page gets a policy that lets no request out, and the manifest is cut down to what
the page shows.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

# The page is an Angular application in one file: its scripts and styles are inline, its icons are data.
_POLICY = (
    "default-src 'none'; script-src 'unsafe-inline' 'unsafe-eval'; style-src 'unsafe-inline'; "
    "img-src data:; font-src data:"
)
_LINK = re.compile(r'<link rel="(?:canonical|shortcut icon)"[^>]*>')
# A template whose icons are asked for under the template's own text, before Angular has filled it in.
_RAW_LINK, _FILLED_LINK = ' xlink:href="{{', ' ng-attr-xlink:href="{{'
_CHARSET = '<meta charset="utf-8">'
_PLACES = ('"MANIFEST.JSON INLINE DATA"', '"CATALOG.JSON INLINE DATA"')
_HEAD = f'{_CHARSET}<meta http-equiv="Content-Security-Policy" content="{_POLICY}"><link rel="icon" href="data:,">'
_OF_NODES = ("nodes", "sources", "macros", "metrics", "semantic_models", "exposures", "saved_queries")
# Where the machine's paths stand, and what changes from one night to the next without a change of the project.
_LEFT_OUT = frozenset(
    {"root_path", "build_path", "compiled_path", "created_at", "checksum", "unrendered_config"}
)
_OF_A_RUN = frozenset({"invocation_id", "invocation_started_at", "run_started_at", "generated_at", "env"})


def dbt_page(
    page: str,
    manifest: Mapping[str, Any],
    catalog: Mapping[str, Any],
    compiled: Callable[[Mapping[str, Any]], str | None],
) -> str:
    """The page with its data inside.

    Args:
        page: dbt's index.html.
        compiled: a node's statement as it was run, if it is a model that was.

    Raises:
        ValueError: dbt's page is no longer made as this module knows it.
    """
    places = (_CHARSET, *_PLACES)
    if any(page.count(place) != 1 for place in places):
        raise ValueError(
            "dbt's documentation page has changed: pipelines/documentation/dbt_page.py has to follow"
        )
    data = (_shown(manifest, compiled), {**catalog, "metadata": _metadata(catalog["metadata"])})
    page = _LINK.sub("", page).replace(_CHARSET, _HEAD).replace(_RAW_LINK, _FILLED_LINK)
    for place, value in zip(_PLACES, data, strict=True):
        page = page.replace(place, json.dumps(value).replace("</", "<\\/"))
    return page


def _shown(
    manifest: Mapping[str, Any], compiled: Callable[[Mapping[str, Any]], str | None]
) -> dict[str, Any]:
    project = manifest["metadata"]["project_name"]
    kept = {kind: _own(manifest[kind], project) for kind in _OF_NODES}
    known = {unique_id for nodes in kept.values() for unique_id in nodes}
    for node in kept["nodes"].values():
        if sql := compiled(node):
            node |= {"compiled": True, "compiled_code": sql}
    for node in (node for nodes in kept.values() for node in nodes.values()):
        if "depends_on" in node:
            node["depends_on"] = _only(node["depends_on"], known)
    return {
        **manifest,
        **kept,
        "metadata": _metadata(manifest["metadata"]),
        "unit_tests": {},  # they test the SQL on made-up rows; nobody looks a table up for them
        "parent_map": _only({k: v for k, v in manifest["parent_map"].items() if k in known}, known),
        "child_map": _only({k: v for k, v in manifest["child_map"].items() if k in known}, known),
    }


def _own(nodes: Mapping[str, Any], project: str) -> dict[str, dict[str, Any]]:
    """Without dbt's own macros, which are half of a manifest."""
    return {
        unique_id: {key: value for key, value in node.items() if key not in _LEFT_OUT}
        for unique_id, node in nodes.items()
        if node["package_name"] == project
    }


def _only(lists: Mapping[str, list[str]], known: set[str]) -> dict[str, list[str]]:
    return {name: [entry for entry in listed if entry in known] for name, listed in lists.items()}


def _metadata(metadata: Mapping[str, Any]) -> dict[str, Any]:
    """Of a run nothing, and no leave to track: dbt's page looks for it here."""
    told = {key: value for key, value in metadata.items() if key not in _OF_A_RUN}
    return {**told, "generated_at": "", "user_id": None, "send_anonymous_usage_stats": False}
