"""The state folder: one place, for its owner only."""

from __future__ import annotations

import stat
from pathlib import Path

from pipelines.home import Home


def test_the_folder_comes_from_the_environment(monkeypatch, tmp_path):
    monkeypatch.setenv("KIZUNA_HOME", str(tmp_path / "state"))
    assert Home.from_environment().root == tmp_path / "state"
    monkeypatch.chdir(tmp_path)
    for unset in (lambda: monkeypatch.setenv("KIZUNA_HOME", ""), lambda: monkeypatch.delenv("KIZUNA_HOME")):
        unset()
        assert Home.from_environment().root == tmp_path / ".kizuna"


def test_it_is_made_for_its_owner_only_and_keeps_what_is_there(tmp_path):
    root = tmp_path / "deep" / "state"
    root.mkdir(parents=True, mode=0o755)
    (root / "warehouse.duckdb").write_text("x")
    home = Home(root).create().create()
    assert stat.S_IMODE(root.stat().st_mode) == 0o700
    assert home.warehouse.read_text() == "x"
    for folder in (home.landing, home.publications, home.published, home.quality, home.dagster):
        assert folder.is_dir()


def test_every_path_lies_inside(tmp_path):
    home = Home(tmp_path)
    paths = [getattr(home, name) for name, kind in vars(Home).items() if isinstance(kind, property)]
    assert len(paths) > 5
    assert len(set(paths)) == len(paths)
    assert all(isinstance(path, Path) and path.is_relative_to(tmp_path) for path in paths)
