"""docs/bi.md: the program that leads from nothing to a first chart runs as it stands."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from .conftest import Company

PAGE = Path(__file__).resolve().parents[2] / "docs" / "bi.md"


def test_the_first_chart_shows_each_department_that_has_a_score_and_the_night(
    published: Company, tmp_path: Path
) -> None:
    (program,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), flags=re.DOTALL)
    (tmp_path / ".kizuna").symlink_to(published.home.root)
    subprocess.run([sys.executable, "-c", program], cwd=tmp_path, check=True)
    chart = (tmp_path / "nps.html").read_text(encoding="utf-8")
    scored = published.query(
        "select distinct department from kpi.kpi_loyalty_monthly where level = 'month_department' and nps is not null"
    )
    assert {(name,) for name in re.findall(r'"department": ?"(\w+)"', chart)} == set(scored) != set()
    [(as_of,)] = published.query("select as_of_date from meta.publication")
    assert f"as of {as_of}" in chart
