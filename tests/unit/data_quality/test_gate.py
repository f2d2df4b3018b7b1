from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from data_quality.expectations import Suite, not_null
from data_quality.gate import run_gate

_SUITE = Suite("kpi.scores", (), (not_null("nps", protects="Every month has a score."),))


@pytest.mark.parametrize("suites", [(), (_SUITE, _SUITE)])
def test_a_gate_needs_one_suite_per_table(suites: tuple[Suite, ...], tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="one suite per table"):
        run_gate(tmp_path / "warehouse.duckdb", suites, tmp_path, "test")


def test_great_expectations_is_not_imported_before_the_gate_runs() -> None:
    """In a process of its own, because this one may have run a gate."""
    program = """
import sys
import data_quality.gate, data_quality.suites.raw, data_quality.suites.published
data_quality.suites.published.published_suites()
assert "great_expectations" not in sys.modules, "importing suites must not take seconds"
"""
    subprocess.run([sys.executable, "-c", program], check=True, cwd=Path(__file__).resolve().parents[3])
