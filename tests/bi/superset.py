"""Superset on the published file: charts made over its API, and a night published while it is asked for them.

    python -m tests.bi.superset [--home HOME] [--stay]

It installs Superset into a temporary folder (800 MB, through pip), adds the published file as docs/bi.md says, makes a
dataset and two charts of NPS with its interval, and asks for the first one's numbers again and again while `kizuna run`
publishes the next day. It fails if an answer is an error or not what the file of that version says, if the first
question after the night is answered from the version before it, or if Superset can write to the file.

``--home`` takes the state folder of a demo company with a night published (and publishes one more there); without it
one is made first. ``--stay`` leaves Superset running until Ctrl-C, for a look at the charts.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import os
import secrets
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import httpx

from .nights import FIRST_NIGHT, finished, kizuna, night

# Superset 6.1.0 imports rich and cachetools without asking for them, and does not start with flask-caching 2.5.
REQUIREMENTS = (
    "apache-superset==6.1.0", "flask-caching<2.5", "rich", "cachetools", "duckdb==1.5.5", "duckdb-engine==0.17.0",
)  # fmt: skip
USER = "analyst"
MONTH = "2026-09-01 : 2026-10-01"
SCORES = """
select department, nps as "NPS", nps_lower as "lower end", nps_upper as "upper end"
from kpi.kpi_loyalty_monthly
where level = 'month_department' and nps is not null and month = date '2026-09-01'
order by department
"""

Rows = list[dict[str, Any]]


@dataclass(frozen=True)
class Look:
    """One question to Superset: the version that it was answered from, the rows, and the seconds it took."""

    version: str
    scores: Rows
    seconds: float


class Superset:
    """The REST API of a running Superset. Methods raise httpx.HTTPStatusError where Superset refuses."""

    def __init__(self, address: str, password: str) -> None:
        self._http = httpx.Client(base_url=address, timeout=120)
        login = {"username": USER, "password": password, "provider": "db"}
        token = self._post("/api/v1/security/login", login)["access_token"]
        self._http.headers["Authorization"] = f"Bearer {token}"
        csrf = self._http.get("/api/v1/security/csrf_token/").raise_for_status().json()
        self._http.headers["X-CSRFToken"] = csrf["result"]

    def add_database(self, published_file: Path) -> int:
        uri = f"duckdb:///{published_file}?access_mode=read_only"
        # Statements that write are allowed here, so that it is the file that refuses them.
        body = {"database_name": "Kizuna", "sqlalchemy_uri": uri, "expose_in_sqllab": True, "allow_dml": True}
        return self._post("/api/v1/database/", body)["id"]

    def add_dataset(self, database: int, schema: str, table: str) -> int:
        return self._post("/api/v1/dataset/", {"database": database, "schema": schema, "table_name": table})[
            "id"
        ]

    def add_chart(self, dataset: int, name: str, form: dict[str, Any]) -> int:
        body = {
            "slice_name": name, "viz_type": form["viz_type"], "datasource_id": dataset, "datasource_type": "table",
            "params": json.dumps(form | {"datasource": f"{dataset}__table"}),
        }  # fmt: skip
        return self._post("/api/v1/chart/", body)["id"]

    def query(self, dataset: int, **query: Any) -> Rows:
        """What the browser asks for a chart, from Superset's cache where it keeps one."""
        body = {"datasource": {"id": dataset, "type": "table"}, "queries": [query]}
        return self._post("/api/v1/chart/data", body)["result"][0]["data"]

    def refuses_to_write(self, database: int) -> bool:
        body = {"database_id": database, "sql": "create table kpi.mine as select 1 as one", "runAsync": False}
        answer = self._http.post("/api/v1/sqllab/execute/", json=body)
        return answer.is_error and "read-only mode" in answer.text

    def _post(self, path: str, body: dict[str, Any]) -> Any:
        return self._http.post(path, json=body).raise_for_status().json()


def metric(column: str, label: str) -> dict[str, Any]:
    """The column itself: with one row for each department and month, the maximum is that row."""
    return {
        "expressionType": "SQL",
        "sqlExpression": f"max({column})",
        "label": label,
        "hasCustomLabel": True,
    }


def condition(column: str, operator: str, value: str | None = None) -> dict[str, Any]:
    return {
        "expressionType": "SIMPLE", "clause": "WHERE", "subject": column, "operator": operator, "comparator": value,
    }  # fmt: skip


ENDS = [metric("nps", "NPS"), metric("nps_lower", "lower end"), metric("nps_upper", "upper end")]
# Superset draws what is named so as a band around the series of the name before it: made for its forecasts.
BAND = [metric("nps", "NPS"), metric("nps_lower", "NPS__yhat_lower"), metric("nps_upper", "NPS__yhat_upper")]
ONE_LEVEL = [condition("level", "==", "month_department"), condition("nps", "IS NOT NULL")]
BY_DEPARTMENT = {
    "viz_type": "echarts_timeseries_scatter", "x_axis": "department", "metrics": ENDS, "groupby": [],
    "adhoc_filters": [*ONE_LEVEL, condition("month", "TEMPORAL_RANGE", MONTH)], "markerSize": 12,
    "show_legend": True, "rich_tooltip": True,
}  # fmt: skip
BY_MONTH = {
    "viz_type": "echarts_timeseries_line", "x_axis": "month", "time_grain_sqla": "P1M", "metrics": BAND, "groupby": [],
    "adhoc_filters": [
        *ONE_LEVEL, condition("department", "==", "web_shop"), condition("month", "TEMPORAL_RANGE", "No filter")
    ],
    "show_legend": True, "rich_tooltip": True,
}  # fmt: skip


def install(folder: Path) -> Path:
    """An environment with Superset; gives the folder of its programs."""
    subprocess.run([sys.executable, "-m", "venv", folder / "venv"], check=True)
    programs = folder / "venv" / "bin"
    pip = [programs / "python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, *REQUIREMENTS], check=True)
    return programs


@contextmanager
def running(programs: Path, folder: Path) -> Iterator[tuple[str, str]]:
    """A Superset with an empty metadata base, on loopback: its address and the password of USER."""
    password = secrets.token_urlsafe()
    config = folder / "superset_config.py"
    config.write_text(
        f"SECRET_KEY = {secrets.token_urlsafe()!r}\n"
        f"SQLALCHEMY_DATABASE_URI = {'sqlite:///' + str(folder / 'superset.db')!r}\n",
        encoding="utf-8",
    )
    environment = os.environ | {
        "SUPERSET_CONFIG_PATH": str(config), "SUPERSET_HOME": str(folder), "FLASK_APP": "superset",
    }  # fmt: skip
    superset = programs / "superset"
    person = [
        "--username",
        USER,
        "--password",
        password,
        "--firstname",
        "A",
        "--lastname",
        "N",
        "--email",
        "a@n.test",
    ]
    with (folder / "superset.log").open("w", encoding="utf-8") as log:
        for step in (["db", "upgrade"], ["fab", "create-admin", *person], ["init"]):
            subprocess.run([superset, *step], env=environment, stdout=log, stderr=log, check=True)
        port = _free_port()
        serve = [superset, "run", "--host", "127.0.0.1", "--port", str(port), "--with-threads"]
        server = subprocess.Popen(serve, env=environment, stdout=log, stderr=log)
        try:
            address = f"http://127.0.0.1:{port}"
            _wait_for(f"{address}/health", server)
            yield address, password
        finally:
            server.terminate()
            server.wait()


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


def _wait_for(address: str, server: subprocess.Popen[bytes]) -> None:
    while server.poll() is None:
        try:
            httpx.get(address).raise_for_status()
        except httpx.HTTPError:
            time.sleep(1)
        else:
            return
    raise RuntimeError(f"Superset ended with {server.returncode}")


def in_file(published_file: Path) -> tuple[str, dt.date, Rows]:
    """Version, business date and scores as the file itself has them."""
    with duckdb.connect(str(published_file), read_only=True) as con:
        [(version, as_of)] = con.execute("select version, as_of_date from meta.publication").fetchall()
        found = con.execute(SCORES)
        names = [column[0] for column in found.description]
        return version, as_of, [dict(zip(names, row, strict=True)) for row in found.fetchall()]


class Analyst:
    """Somebody who looks at the chart and at which night it shows, again and again."""

    def __init__(self, superset: Superset, published_file: Path) -> None:
        self._superset = superset
        self.database = superset.add_database(published_file)
        self._publication = superset.add_dataset(self.database, "meta", "publication")
        self._loyalty = superset.add_dataset(self.database, "kpi", "kpi_loyalty_monthly")
        self.charts = [
            superset.add_chart(self._loyalty, "NPS by department, one month", BY_DEPARTMENT),
            superset.add_chart(self._loyalty, "NPS of the web shop by month", BY_MONTH),
        ]

    def look(self) -> Look:
        """Asks anew where a night was published between the two questions."""
        while True:
            version, started = self._version(), time.perf_counter()
            scores = self._superset.query(
                self._loyalty, columns=["department"], metrics=ENDS, granularity="month", time_range=MONTH,
                filters=[
                    {"col": "level", "op": "==", "val": "month_department"}, {"col": "nps", "op": "IS NOT NULL"}
                ],
                orderby=[["department", True]],
            )  # fmt: skip
            seconds = time.perf_counter() - started
            if self._version() == version:
                return Look(version, scores, seconds)

    def _version(self) -> str:
        return self._superset.query(self._publication, columns=["version"])[0]["version"]


def looks_during_a_night(home: Path, analyst: Analyst) -> Sequence[Look]:
    """Looks while the next day is published, and one look after it; raises RuntimeError for what must not be."""
    published_file = home / "published" / "kizuna.duckdb"
    before, as_of, scores_before = in_file(published_file)
    if not scores_before:
        raise RuntimeError(
            "no department has enough answers in the month of the chart: take a larger company"
        )
    looks = [analyst.look()]
    with night(home, as_of + dt.timedelta(days=1)) as running_night:
        while running_night.poll() is None:
            looks.append(analyst.look())
            time.sleep(0.5)
    finished(running_night)
    looks.append(analyst.look())
    after, _, scores_after = in_file(published_file)
    if looks[0].version != before or looks[-1].version != after:
        raise RuntimeError(f"asked after {after} was published, Superset answered from {looks[-1].version}")
    said = {before: scores_before, after: scores_after}
    if wrong := [look for look in looks if look.scores != said.get(look.version)]:
        raise RuntimeError(f"{len(wrong)} answers are not what the file says; the first: {wrong[0]}")
    return looks


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--home", type=Path)
    parser.add_argument("--stay", action="store_true")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        home = (asked.home or folder / "home").resolve()
        if asked.home is None:
            finished(kizuna(home, "demo", "--customers", "4000"))
            finished(night(home, FIRST_NIGHT))
        with running(install(folder), folder) as (address, password):
            superset = Superset(address, password)
            analyst = Analyst(superset, home / "published" / "kizuna.duckdb")
            looks = looks_during_a_night(home, analyst)
            if not superset.refuses_to_write(analyst.database):
                sys.exit("Superset could write to the published file")
            versions = sorted({look.version for look in looks})
            print(
                f"{len(looks)} looks at {len(looks[-1].scores)} departments while a night was published, "
                f"median {statistics.median(look.seconds for look in looks) * 1000:.0f} ms, no error\n"
                f"  versions seen: {', '.join(versions)}; the first look after the night: {looks[-1].version}"
            )
            if asked.stay:
                pages = "  ".join(f"{address}/explore/?slice_id={chart}" for chart in analyst.charts)
                print(f"  {pages}\n  log in as {USER} with {password}; Ctrl-C ends it", flush=True)
                with suppress(KeyboardInterrupt):
                    signal.pause()


if __name__ == "__main__":
    main()
