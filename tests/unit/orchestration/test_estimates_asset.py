"""Lifetime value as Dagster shows it: what was fitted, how far to trust it, and when to be warned."""

from __future__ import annotations

import base64
import datetime as dt
import re
from decimal import Decimal
from pathlib import Path
from unittest.mock import patch
from xml.etree import ElementTree

import dagster as dg
import polars as pl
import pytest

from orchestration.assets import estimates
from orchestration.assets.estimates import BIAS_CHECK, estimates_asset
from orchestration.keys import table_key
from orchestration.resources import Company, ProgressDisplay
from pipelines.estimates import Outcome, create_tables
from pipelines.home import Home
from pipelines.settings import LifetimeValue, Settings
from pipelines.warehouse import open_warehouse

SETTINGS = Settings.model_validate({"company": {"name": "Test"}, "sources": {}})
MODEL = "MBG/NBD"


def outcome(predicted: float | None) -> Outcome:
    """100 purchases came; ``predicted`` None: nothing could be fitted."""
    shared = {
        "model": MODEL,
        "is_chosen": True,
        "customers": 50,
        "actual_purchases": 100,
        "predicted_purchases": predicted or 0.0,
        "actual_value": Decimal("1234.5"),
        "predicted_value": 1000.0,
        "poisson_deviance": 1.5,
    }
    levels = (("total", 0), ("decile", 1), ("week", 1))
    validation = pl.DataFrame(
        [{**shared, "level": level, "position": position} for level, position in levels]
    )
    parameter = {
        "dataset": "current",
        "model": MODEL,
        "parameter": "r",
        "estimate": 0.2426,
        "standard_error": 0.0126,
        "log_likelihood": -9582.4292,
        "is_chosen": True,
        "status": "fitted",
        "reason": None,
    }
    return Outcome(
        MODEL if predicted else None,
        "met the holdout best" if predicted else "too few repeat buyers",
        60,
        "margin",
        LifetimeValue(),
        pl.DataFrame([parameter] if predicted else []),
        validation if predicted else validation.clear(),
    )


def materialized(found: Outcome, home: Path, display: ProgressDisplay | None = None):
    """Run the asset with the fit, and what lies around it, replaced."""
    with open_warehouse(Home(home).create()) as connection:
        create_tables(connection)
    resources = {
        "company": dg.ResourceDefinition.hardcoded_resource(Company(SETTINGS, Home(home))),
        "display": dg.ResourceDefinition.hardcoded_resource(display or ProgressDisplay()),
    }

    def fit(_connection, _settings, progress):
        progress(1, 9)
        return found

    with (
        patch.object(estimates, "inputs_of_estimates", return_value=[dg.AssetKey(["intermediate", "input"])]),
        patch.object(estimates, "refresh_lifetime_value", side_effect=fit),
        patch.object(estimates, "business_date", return_value=dt.date(2024, 12, 31)),
    ):
        asset = estimates_asset(Path("manifest.json"))
        return asset, dg.materialize([asset], resources=resources)


@pytest.mark.parametrize(
    ("predicted", "passed"), [(88.0, True), (120.0, True), (79.0, False), (121.0, False)]
)
def test_a_bias_beyond_a_fifth_warns_and_does_not_stop(
    tmp_path: Path, predicted: float, passed: bool
) -> None:
    _, result = materialized(outcome(predicted), tmp_path)
    assert result.success
    (check,) = result.get_asset_check_evaluations()
    assert (check.check_name, check.asset_key) == (BIAS_CHECK, table_key("estimates.clv_validation"))
    assert (check.passed, check.severity) == (passed, dg.AssetCheckSeverity.WARN)
    assert check.metadata["bias_percent"].value == predicted - 100
    assert "% too" in check.description


def test_the_metadata_tells_model_parameters_and_tenths(tmp_path: Path) -> None:
    asset, result = materialized(outcome(88.0), tmp_path)
    assert dg.AssetKey(["intermediate", "input"]) in asset.dependency_keys
    by_table = {
        event.asset_key.path[-1]: event.metadata
        for event in result.asset_materializations_for_node("lifetime_value")
    }
    assert {table_key(f"estimates.{table}") for table in by_table} == asset.keys
    for metadata in by_table.values():
        assert metadata["model"].value == MODEL
        assert metadata["bias_percent"].value == -12.0
        assert "predicted 12 % too few purchases: 88, and 100 came" in metadata["verdict"].value
        assert metadata["page"].value == "/pages/quality/lifetime_value.html"
        assert metadata["dagster/row_count"].value == 0
    parameters = by_table["clv_parameters"]["parameters"].value
    assert "| current | MBG/NBD | r | 0.2426 | 0.0126 | -9,582.4292 | yes |" in parameters
    validation = by_table["clv_validation"]
    assert "| 1 | 50 | 100 | 88.00 | 1,234.50 | 1,000.00 |" in validation["deciles"].value
    page = tmp_path / "quality" / "lifetime_value.html"
    assert "MBG/NBD predicted 12 % too few" in page.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("plot", "shape", "shapes"), [("deciles_plot", "rect", 2), ("weeks_plot", "polyline", 2)]
)
def test_the_plots_travel_in_the_metadata_as_whole_drawings(
    tmp_path: Path, plot: str, shape: str, shapes: int
) -> None:
    _, result = materialized(outcome(88.0), tmp_path)
    (validation,) = (
        event.metadata
        for event in result.asset_materializations_for_node("lifetime_value")
        if event.asset_key == table_key("estimates.clv_validation")
    )
    encoded = re.search(r"data:image/svg\+xml;base64,([^)]+)\)", validation[plot].value)
    drawing = ElementTree.fromstring(base64.b64decode(encoded[1]))
    assert drawing.tag == "{http://www.w3.org/2000/svg}svg"
    assert len(drawing.findall(f"{{*}}{shape}")) == shapes


def test_without_a_model_the_reason_stands_and_nothing_warns(tmp_path: Path) -> None:
    _, result = materialized(outcome(None), tmp_path)
    (check,) = result.get_asset_check_evaluations()
    assert check.passed
    for event in result.asset_materializations_for_node("lifetime_value"):
        found = event.metadata
        assert (found["model"].value, found["reason"].value) == ("none", "too few repeat buyers")
        assert not found.keys() & {"deciles", "deciles_plot", "weeks_plot", "parameters"}


@pytest.mark.parametrize(
    ("quiet_seconds", "told"), [(0.0, [("fitting the models of lifetime value", 1, 9)]), (60.0, [])]
)
def test_progress_is_shown_once_there_is_something_to_wait_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, quiet_seconds: float, told: list
) -> None:
    monkeypatch.setattr(estimates, "_QUIET_SECONDS", quiet_seconds)
    reports: list[tuple[str, int, int]] = []
    materialized(outcome(88.0), tmp_path, ProgressDisplay(lambda *report: reports.append(report)))
    assert reports == told
