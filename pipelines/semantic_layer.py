"""The folder in which people ask MetricFlow (``mf query``) for the metrics of ``dbt_project/models/semantic``.

Belongs here: what ``mf`` wants to find in a folder. Does not: the metrics, which are YAML beside the models.

``mf`` looks for a dbt project with a parsed semantic manifest and for a profile with a database. Ours is the published
file, attached read-only under the name of the warehouse, which the manifest's relations carry: readers never open
what the pipeline writes, and see what every other reader sees.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import yaml

SEMANTIC_MANIFEST = "semantic_manifest.json"
_DATABASE = "warehouse"  # the catalog in the manifest's relations: the stem of the file that dbt builds in
_PROJECT = {
    "name": "kizuna",
    "version": "1.0.0",
    "config-version": 2,
    "profile": "kizuna",
    "flags": {"send_anonymous_usage_stats": False},
}


def write_metrics_folder(folder: Path, semantic_manifest: Path, database: Path) -> None:
    """Make ``folder`` one in which ``mf`` runs, or bring it up to date.

    Args:
        semantic_manifest: dbt's, of the project that built the tables.
        database: the DuckDB file to ask.
    """
    target = folder / "target"
    target.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(semantic_manifest, target / SEMANTIC_MANIFEST)
    output = {
        "type": "duckdb",
        "path": ":memory:",
        "database": _DATABASE,
        "schema": "main",
        "attach": [{"path": str(database), "alias": _DATABASE, "read_only": True}],
    }
    profiles = {"kizuna": {"target": "published", "outputs": {"published": output}}}
    for name, content in (("dbt_project.yml", _PROJECT), ("profiles.yml", profiles)):
        (folder / name).write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")
