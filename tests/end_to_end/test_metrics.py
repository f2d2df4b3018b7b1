"""``mf`` in the folder that a night leaves, as docs/bi.md has it."""

from __future__ import annotations

import csv
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fixtures.metric_comparisons import COMPARISONS
from tests.fixtures.metricflow import MetricFlow

from .conftest import Company

PAGE = Path(__file__).resolve().parents[2] / "docs" / "bi.md"
COMMAND = "mf query --metrics nps --group-by metric_time__month,department"


def test_the_command_of_the_page_answers_with_the_published_scores(
    published: Company, tmp_path: Path
) -> None:
    assert f"    {COMMAND}\n" in PAGE.read_text(encoding="utf-8")
    answer = tmp_path / "answer.csv"
    done = subprocess.run(
        [*COMMAND.split(), "--csv", str(answer)],
        cwd=published.home.metrics,
        env=os.environ | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    with answer.open(encoding="utf-8") as file:
        asked = {
            (row["metric_time__month"][:10], row["department"]): float(row["nps"])
            for row in csv.DictReader(file)
        }
    shown = published.query(
        "select cast(month as varchar), department, nps from kpi.kpi_loyalty_monthly"
        " where level = 'month_department' and nps is not null"
    )
    assert shown
    for month, department, nps in shown:
        assert asked[month, department] == pytest.approx(nps, abs=1e-4)


def test_metrics_that_need_a_whole_night_equal_what_is_published(published: Company) -> None:
    """Lifetime values of a fitted model, complaints, scores of enough tickets."""
    metricflow = MetricFlow(published.home.metrics, published.home.published_file)
    try:
        wanted, seen = set(), set()
        for comparison in COMPARISONS:
            if comparison.needs_a_night:
                wanted |= comparison.needs_a_night
                seen |= comparison.metrics - metricflow.compare(comparison)
    finally:
        metricflow.close()
    assert wanted <= seen
