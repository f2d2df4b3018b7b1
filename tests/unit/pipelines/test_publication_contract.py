"""What readers may rely on: the committed list, and the way of a column out."""

from __future__ import annotations

import datetime as dt
import re
from pathlib import Path

import pytest

from pipelines.publication import contract
from pipelines.publication.contract import NOTICE, accept, breaks, declared, differences, promised

TODAY = dt.date(2026, 11, 22)
LATER = TODAY + NOTICE
OVER = LATER + dt.timedelta(days=1)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    write(tmp_path, amount="decimal(18,4)", shop="string")
    assert accept(tmp_path, TODAY).version == (1, 0)
    return tmp_path


def write(project: Path, *, deprecated: dict[str, str] | None = None, **columns: str) -> None:
    """One model with these columns; ``deprecated`` gives the notice of a column, or of the table under ''."""
    deprecated = deprecated or {}
    meta = {name: f"    config: {{meta: {{deprecated: {notice}}}}}" for name, notice in deprecated.items()}
    lines = ["models:", "  - name: kpi_sales", "    description: One row."]
    lines += [meta[""]] if "" in meta else []
    lines += ["    columns:"]
    for name, kind in columns.items():
        lines += [f"      - name: {name}", f"        data_type: {kind}"]
        lines += [f"    {meta[name]}"] if name in meta else []
    file = project / "models" / "kpi" / "_kpi.yml"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")


def notice(since: dt.date = TODAY, removed_after: dt.date = LATER, use_instead: str = "shop") -> str:
    return f"{{since: {since}, removed_after: {removed_after}, use_instead: {use_instead}}}"


def test_the_committed_contract_is_what_the_models_declare() -> None:
    """Mend: python -m pipelines.publication.contract accept, and commit dbt_project/contracts/published.yml."""
    assert differences(promised(), declared()) == []


def test_what_came_is_accepted_and_raises_the_second_number(project: Path) -> None:
    write(project, amount="decimal(18,4)", shop="string", floor="integer")
    assert differences(promised(project), declared(project)) == ["new: kpi.kpi_sales.floor"]
    assert accept(project, TODAY).version == (1, 1)
    assert differences(promised(project), declared(project)) == []
    assert accept(project, TODAY).version == (1, 1)  # nothing new


@pytest.mark.parametrize(
    ("columns", "says"),
    [
        ({"amount": "decimal(18,4)"}, "kpi.kpi_sales.shop is gone before its notice is over"),
        (
            {"amount": "decimal(18,4)", "store": "string"},
            "kpi.kpi_sales.shop is gone before its notice is over",
        ),
        ({"amount": "double", "shop": "string"}, "kpi.kpi_sales.amount is double and was decimal(18,4)"),
    ],
)
def test_a_reader_is_not_broken_without_notice(project: Path, columns: dict[str, str], says: str) -> None:
    committed = (project / "contracts" / "published.yml").read_text()
    write(project, **columns)
    with pytest.raises(ValueError, match=re.escape(says)):
        accept(project, TODAY)
    assert (project / "contracts" / "published.yml").read_text() == committed


def test_a_table_is_not_removed_without_notice(project: Path) -> None:
    (project / "models" / "kpi" / "_kpi.yml").unlink()
    with pytest.raises(ValueError, match=r"kpi\.kpi_sales is gone before its notice is over"):
        accept(project, TODAY)


def test_a_deprecated_column_goes_when_its_notice_is_over_and_not_a_day_before(project: Path) -> None:
    write(project, amount="decimal(18,4)", shop="string", store="string", deprecated={"shop": notice()})
    assert accept(project, TODAY).version == (1, 1)
    write(project, amount="decimal(18,4)", store="string")
    with pytest.raises(ValueError, match=r"kpi_sales\.shop is gone before"):
        accept(project, LATER)
    assert accept(project, OVER).version == (2, 0)
    assert "shop" not in promised(project).tables["kpi.kpi_sales"].columns


def test_a_deprecated_table_takes_its_columns_with_it(project: Path) -> None:
    write(project, amount="decimal(18,4)", shop="string", deprecated={"": notice()})
    accept(project, TODAY)
    (project / "models" / "kpi" / "_kpi.yml").unlink()
    assert accept(project, OVER).version == (2, 0)


@pytest.mark.parametrize(
    "written",
    [
        "{since: 2026-11-22, removed_after: 2027-06-01}",
        notice(removed_after=LATER - dt.timedelta(days=1)),
        notice(use_instead="' '"),
    ],
)
def test_a_notice_is_whole_and_long_enough(project: Path, written: str) -> None:
    write(project, amount="decimal(18,4)", shop="string", deprecated={"shop": written})
    with pytest.raises(ValueError, match=r"^kpi\.kpi_sales\.shop: "):
        declared(project)


def test_a_notice_cannot_be_given_in_the_past(project: Path) -> None:
    write(project, amount="decimal(18,4)", shop="string", deprecated={"shop": notice()})
    assert breaks(promised(project), declared(project), TODAY + dt.timedelta(days=1)) == [
        f"kpi.kpi_sales.shop would go on {LATER}, with less than 92 days' notice"
    ]


def test_a_notice_is_not_cut_short_but_may_be_withdrawn(project: Path) -> None:
    longer = notice(removed_after=OVER)
    write(project, amount="decimal(18,4)", shop="string", deprecated={"shop": longer})
    accept(project, TODAY)
    write(project, amount="decimal(18,4)", shop="string", deprecated={"shop": notice()})
    with pytest.raises(ValueError, match="earlier than announced"):
        accept(project, TODAY)
    write(project, amount="decimal(18,4)", shop="string")
    assert accept(project, TODAY).version == (1, 2)


def test_the_command_tells_what_differs_and_ends_with_its_exit_code(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for function in ("promised", "declared", "accept"):
        original = getattr(contract, function)
        monkeypatch.setattr(contract, function, lambda *_, of=original: of(project))
    assert contract.main([]) == 0
    write(project, amount="decimal(18,4)", shop="string", floor="integer")
    assert contract.main([]) == 1
    assert "new: kpi.kpi_sales.floor" in capsys.readouterr().out
    assert contract.main(["accept"]) == 0
    write(project, amount="decimal(18,4)")
    assert contract.main(["accept"]) == 1
    assert "kpi.kpi_sales.floor is gone" in capsys.readouterr().out
    assert contract.main(["agree"]) == 2
