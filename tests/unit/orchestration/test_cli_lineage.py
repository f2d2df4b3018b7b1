"""``kizuna lineage``."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from orchestration.cli.main import app
from pipelines.home import Home
from pipelines.lineage import LineageBook

CONFIG = """
company: {name: Test}
privacy: {customer_key: {public: test}}
sources:
  shop:
    files: orders.csv
    format: csv
    tables:
      - table: crm.orders
        columns: {order_id: "Order [No]", ordered_at: When}
"""


@pytest.fixture
def arguments(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    monkeypatch.setenv("KIZUNA_HOME", str(tmp_path))
    (tmp_path / "kizuna.yml").write_text(CONFIG, encoding="utf-8")
    return ["lineage", "--config", str(tmp_path / "kizuna.yml")]


@pytest.fixture
def built(tmp_path: Path) -> None:
    book = LineageBook(Home(tmp_path).lineage)
    book.know("raw_crm.orders", ["order_id", "ordered_at"])
    book.learn("staging.orders", "select order_id, ordered_at from raw_crm.orders", ["raw_crm.orders"])
    book.learn(
        "kpi.sales",
        "select count(order_id) as orders, max(ordered_at) as newest from staging.orders",
        ["staging.orders"],
    )
    book.save()


@pytest.mark.usefixtures("built")
def test_the_way_goes_back_to_the_column_of_the_export(arguments: list[str]) -> None:
    result = CliRunner().invoke(app, [*arguments, "kpi.sales.orders"])
    assert result.exit_code == 0
    lines = [line.rstrip() for line in result.output.splitlines()]
    assert lines == [
        "kpi.sales.orders",
        "└── staging.orders.order_id",
        "    └── raw_crm.orders.order_id  shop: Order [No]",
    ]


@pytest.mark.usefixtures("built")
def test_scripts_get_the_steps(arguments: list[str]) -> None:
    result = CliRunner().invoke(app, [*arguments, "kpi.sales.newest", "--json"])
    steps = json.loads(result.output)
    assert [step["depth"] for step in steps] == [0, 1, 2]
    assert steps[-1] == {
        "depth": 2,
        "column": "raw_crm.orders.ordered_at",
        "exports": ["shop: When"],
        "told_above": False,
    }


@pytest.mark.usefixtures("built")
@pytest.mark.parametrize(
    ("column", "said"), [("kpi.sales.nps", "orders, newest"), ("kpi.nothing.nps", "schema.table.column")]
)
def test_a_column_that_is_not_there_is_told_with_those_that_are(
    arguments: list[str], column: str, said: str
) -> None:
    result = CliRunner().invoke(app, [*arguments, column])
    assert result.exit_code == 2
    assert said in " ".join(result.output.split())


def test_before_the_first_night_it_says_so(arguments: list[str]) -> None:
    result = CliRunner().invoke(app, [*arguments, "kpi.sales.orders"])
    assert result.exit_code == 2
    assert "kizuna run" in result.output
