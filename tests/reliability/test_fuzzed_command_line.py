"""The same damaged files on the command line: a message and an exit code, never a traceback alone."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from fuzz_samples import SAMPLES
from test_fuzzed_files import MACHINERY, SHAPES, damaged

from orchestration.cli import main

ROOT = Path(__file__).parents[2]
SHOWN = (
    "empty",
    "blank",
    "cut0",
    "cut1",
    "flip000",
    "hole1",
    "zeros",
    "brackets",
    "deep",
    "wide",
    "numbers",
    "is_json",
)
KIZUNA = "import sys; from orchestration.cli import main; main()"


@pytest.mark.parametrize("name", sorted(SHAPES))
def test_a_look_at_a_damaged_file(tmp_path, monkeypatch, capfd, name):
    files = damaged(SAMPLES[name])
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("KIZUNA_HOME", str(tmp_path / "home"))
    for tag in SHOWN:
        Path(tag).write_bytes(files[tag])
        monkeypatch.setattr(sys, "argv", ["kizuna", "source", "preview", tag, "--format", name])
        code = 0
        try:
            main()
        except SystemExit as end:
            code = end.code or 0
        said = "".join(capfd.readouterr())
        assert said.strip()
        assert code in (0, 1), said
        assert "Traceback" not in said
        if code:
            assert not MACHINERY.search(said.replace(str(tmp_path), "")), tag


def test_a_night_of_damaged_files(tmp_path):
    """Every file that was refused is named with its reason, and what is good is loaded."""
    sources = {}
    for name in ("csv", "jsonl", "excel"):
        files = damaged(SAMPLES[name])
        (tmp_path / name).mkdir()
        for tag in ("good", *SHOWN):
            (tmp_path / name / tag).write_bytes(files[tag])
        sources[name] = {"files": f"{name}/*", "format": name, **SAMPLES[name].source}
    settings = {"company": {"name": "x"}, "privacy": {"customer_key": {"public": "x"}}, "sources": sources}
    (tmp_path / "kizuna.yml").write_text(yaml.safe_dump(settings), encoding="utf-8")
    night = subprocess.run(
        [sys.executable, "-c", KIZUNA, "run", "--config", "kizuna.yml", "--as-of", "2024-03-01"],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT), "KIZUNA_HOME": str(tmp_path / "home")},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    said = night.stdout + night.stderr
    assert night.returncode in (0, 1)
    assert "Traceback" not in said
    assert "csv/empty" in said
    assert "not even a header" in said
