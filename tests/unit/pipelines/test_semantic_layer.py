"""The folder that ``mf`` runs in."""

from __future__ import annotations

import yaml

from pipelines.semantic_layer import SEMANTIC_MANIFEST, write_metrics_folder


def test_the_published_file_is_attached_read_only_under_the_manifests_name(tmp_path):
    manifest = tmp_path / SEMANTIC_MANIFEST
    manifest.write_text('{"semantic_models": []}', encoding="utf-8")
    folder = tmp_path / "metrics"
    for _ in range(2):  # a night later it is brought up to date
        write_metrics_folder(folder, manifest, tmp_path / "kizuna.duckdb")
    profile = yaml.safe_load((folder / "profiles.yml").read_text())["kizuna"]
    output = profile["outputs"][profile["target"]]
    assert output["path"] == ":memory:"
    assert output["attach"] == [
        {"path": str(tmp_path / "kizuna.duckdb"), "alias": output["database"], "read_only": True}
    ]
    assert (folder / "target" / SEMANTIC_MANIFEST).read_text() == manifest.read_text()
    project = yaml.safe_load((folder / "dbt_project.yml").read_text())
    assert project["profile"] == "kizuna"
    assert project["flags"] == {"send_anonymous_usage_stats": False}
