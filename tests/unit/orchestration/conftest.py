"""The command line in this process: a start of Python and its imports takes longer than most commands."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from fixtures.command_line import Ended, Kizuna

from orchestration.cli import main, terminal


@pytest.fixture
def kizuna(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Kizuna:
    monkeypatch.chdir(tmp_path)
    for variable in [name for name in os.environ if name.startswith(("KIZUNA", "DAGSTER"))]:
        monkeypatch.delenv(variable)

    def run(*arguments: str, columns: int = 200, **environment: str) -> Ended:
        capsys.readouterr()
        with monkeypatch.context() as patch:
            patch.setattr(sys, "argv", ["kizuna", *arguments])
            patch.setenv("COLUMNS", str(columns))  # for help and the messages about options
            for console in (terminal.out, terminal.err):
                patch.setattr(console, "width", columns)
            for name, value in environment.items():
                patch.setenv(name, value)
            with pytest.raises(SystemExit) as ended:
                main()
        out, err = capsys.readouterr()
        return Ended(int(ended.value.code or 0), out, err)

    return run
