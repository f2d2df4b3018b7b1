"""MetricFlow's answers, asked as people ask, equal the published tables."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest
from dbt.contracts.graph.semantic_manifest import SemanticManifest
from dbt_warehouse import Warehouse, parsed_project
from polars.testing import assert_frame_equal

from pipelines.semantic_layer import SEMANTIC_MANIFEST, write_metrics_folder

MF = Path(sys.executable).with_name("mf")
LOYALTY = {
    "nps_answers": "nullif(nps_n, 0)",
    "nps_promoters": "nps_promoters",
    "nps_passives": "nps_passives",
    "nps_detractors": "nps_detractors",
    "csat_answers": "nullif(csat_n, 0)",
    "csat_top_two": "csat_top_two",
    "ces_answers": "nullif(ces_n, 0)",
    "ces_easy": "ces_easy",
    "invitations": "nullif(invitations, 0)",
    "invitations_answered": "invitations_answered",
}
SCORES = {
    "nps": ("nps", "nps_answers"),
    "csat": ("csat", "csat_answers"),
    "ces": ("ces", "ces_answers"),
    "response_rate": ("response_rate", "invitations"),
}
SUPPORT = {
    "tickets": "tickets",
    "tickets_resolved": "resolved",
    "tickets_of_known_journey": "handed_off_n",
    "handoffs": "handoffs",
    "first_contact_tickets": "nullif(first_contact_n, 0)",
    "first_contact_resolved": "first_contact_resolved",
    "reopening_tickets": "nullif(reopened_n, 0)",
    "reopened_tickets": "reopened",
}
LEVELS = {
    "month": [],
    "month_department": ["department"],
    "month_touchpoint_locale": ["touchpoint", "locale"],
}


@pytest.fixture(scope="module")
def metrics_folder(built: Warehouse, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("metrics")
    manifest = folder / "parsed" / SEMANTIC_MANIFEST
    manifest.parent.mkdir()
    SemanticManifest(parsed_project()).write_json_to_file(str(manifest))
    write_metrics_folder(folder / "mf", manifest, built.path)
    return folder / "mf"


def asked(folder: Path, metrics: list[str], group_by: list[str]) -> pl.DataFrame:
    """``mf query`` as a process of its own, as people run it."""
    answer = folder / "answer.csv"
    command = [str(MF), "query", "--metrics", ",".join(metrics), "--group-by", ",".join(group_by)]
    done = subprocess.run(
        [*command, "--csv", str(answer)],
        cwd=folder,
        env=os.environ | {"DBT_SEND_ANONYMOUS_USAGE_STATS": "false"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    frame = pl.read_csv(answer, infer_schema=False)
    names = {name: name.rsplit("__", 1)[-1] for name in frame.columns}
    months = pl.col("month").str.slice(0, 10).str.to_date()
    return frame.rename(names).with_columns(months, pl.col(metrics).cast(pl.Float64))


def assert_same(found: pl.DataFrame, expected: pl.DataFrame, keys: list[str]) -> None:
    """Counts of nothing are null for one and 0 for the other; the rows are the same."""
    numbers = [name for name in expected.columns if name not in keys]
    assert expected.height > 0
    assert_frame_equal(
        found.select(*keys, pl.col(numbers).fill_null(0.0)).sort(keys),
        expected.select(*keys, pl.col(numbers).cast(pl.Float64).fill_null(0.0)).sort(keys),
        abs_tol=1e-4,
    )


@pytest.mark.parametrize("level", LEVELS)
def test_survey_metrics_equal_the_monthly_table(built, metrics_folder, level):
    dimensions = LEVELS[level]
    keys = ["month", *dimensions]
    by = ["metric_time__month", *(name if name == "department" else f"answer__{name}" for name in dimensions)]
    metrics = [name for name in LOYALTY if not name.startswith("invitations")]
    scores = [name for name in SCORES if name != "response_rate"]
    found = asked(metrics_folder, [*metrics, *scores], by)
    columns = ", ".join(f"{sql} as {name}" for name, sql in LOYALTY.items() if name in metrics)
    shown = ", ".join(SCORES[name][0] for name in scores)
    expected = built.query(
        f"select {', '.join(keys)}, {columns}, {shown} from kpi.kpi_loyalty_monthly"
        f" where level = '{level}' and nps_n + csat_n + ces_n > 0"
    )
    assert_same(found, expected.drop(scores), keys)
    for score in scores:  # withheld below the minimum of answers, which a metric does not know
        both = expected.filter(pl.col(score).is_not_null()).join(found, on=keys, suffix="_asked")
        assert both[f"{score}_asked"].to_list() == pytest.approx(both[score].to_list(), abs=1e-4)
    assert any(expected[score].count() for score in scores)


def test_invitation_metrics_equal_the_monthly_table(built, metrics_folder):
    metrics = ["invitations", "invitations_answered", "response_rate"]
    found = asked(metrics_folder, metrics, ["metric_time__month", "department"])
    expected = built.query(
        "select month, department, invitations, invitations_answered,"
        " 100.0 * invitations_answered / invitations as response_rate"
        " from kpi.kpi_loyalty_monthly where level = 'month_department' and invitations > 0"
    )
    assert_same(found, expected, ["month", "department"])


def test_support_metrics_equal_the_journeys(built, metrics_folder):
    shares = {
        "first_contact_resolution": "100.0 * first_contact_resolved / nullif(first_contact_n, 0)",
        "reopened_share": "100.0 * reopened / nullif(reopened_n, 0)",
        "handoffs_per_ticket": "1.0 * handoffs / nullif(handed_off_n, 0)",
    }
    found = asked(metrics_folder, [*SUPPORT, *shares], ["metric_time__month", "department"])
    columns = ", ".join(f"{sql} as {name}" for name, sql in (SUPPORT | shares).items())
    expected = built.query(
        f"select month, department, {columns} from kpi.kpi_support_journey where level = 'month_department'"
    )
    assert_same(found, expected, ["month", "department"])
