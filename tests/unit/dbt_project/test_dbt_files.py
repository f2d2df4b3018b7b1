"""The dbt files read as text: what no database has to be started for."""

from __future__ import annotations

import csv
import re
from itertools import product
from pathlib import Path

import pytest

from pipelines import contracts
from pipelines.contracts.survey import METRICS

PROJECT = Path(__file__).resolve().parents[3] / "dbt_project"
MODELS = sorted((PROJECT / "models").rglob("*.sql"))
# Silently different or missing on Spark; what must differ between engines is in macros/engines.sql.
NOT_PORTABLE = re.compile(
    r"quantile_cont|approx_quantile|arg_max|arg_min|strftime|date_diff|\bexclude\b|//|::|\bqualify\b"
    r"|\bas varchar\b|\bntile\b|interval '",
    re.IGNORECASE,
)


def _seed(name: str) -> list[dict[str, str]]:
    with (PROJECT / "seeds" / f"{name}.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def _code(model: Path) -> str:
    """The SQL without comments."""
    without_blocks = re.sub(r"\{#.*?#\}", "", model.read_text(), flags=re.DOTALL)
    return re.sub(r"--.*", "", without_blocks)


def test_every_rfm_cell_has_one_segment() -> None:
    cells = [(int(row["recency_score"]), int(row["frequency_score"])) for row in _seed("rfm_segments")]
    assert sorted(cells) == list(product(range(1, 6), repeat=2))
    assert len({row["segment"] for row in _seed("rfm_segments")}) == 10


def test_every_metric_of_the_contract_has_a_scale() -> None:
    assert sorted(row["metric"] for row in _seed("metric_scales")) == sorted(METRICS)


def test_order_statuses_are_written_as_they_are_compared() -> None:
    statuses = [row["order_status"] for row in _seed("order_statuses")]
    assert statuses == [status.strip().lower() for status in statuses]
    assert {"canceled", "cancelled"} <= {
        r["order_status"] for r in _seed("order_statuses") if r["is_cancelled"] == "true"
    }


@pytest.mark.parametrize("contract", contracts.ALL, ids=lambda contract: contract.name)
def test_every_canonical_table_is_staged(contract: contracts.Contract) -> None:
    """All columns but the bookkeeping and what only people may read."""
    sql = (
        PROJECT / "models/staging" / contract.schema / f"stg_{contract.schema}__{contract.table}.sql"
    ).read_text()
    missing = [name for name in contract.column_names if not re.search(rf"\b{name}\b", sql)]
    assert set(missing) <= {"updated_at", "full_name"}


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.stem)
def test_models_name_no_engine(model: Path) -> None:
    assert NOT_PORTABLE.findall(_code(model)) == []


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.stem)
def test_windows_say_where_nulls_go(model: Path) -> None:
    """Spark sorts nulls first, DuckDB last."""
    code = re.sub(r"\{\{.*?\}\}", "macro", _code(model), flags=re.DOTALL)  # a macro's parentheses are its own
    orderings = re.findall(r"order by\s+(.*?)\n?\s*\)", code, flags=re.DOTALL)
    for ordering in orderings:
        terms = [term for term in re.split(r",(?![^(]*\))", ordering) if term.strip()]
        assert all("nulls" in term for term in terms), ordering


def test_the_readme_names_every_published_table() -> None:
    """Dimensions and facts as `dim_*` and `fct_*`; docs/analyst_guide.md has them one by one."""
    readme = (PROJECT.parent / "README.md").read_text(encoding="utf-8")
    published = (
        model for room in ("marts", "kpi", "meta") for model in (PROJECT / "models" / room).rglob("*.sql")
    )
    named_apart = {model.stem for model in published if not model.stem.startswith(("dim_", "fct_"))}
    assert {name for name in named_apart if f"`{name}`" not in readme} == set()


def test_only_staging_reads_raw_tables() -> None:
    readers = {model for model in MODELS if "source('raw_" in model.read_text()}
    assert {model.parts[-3] for model in readers} == {"staging"}
