"""Published survey exports of Qualtrics and SurveyMonkey: every respondent counted a second way, by Python's csv."""

from __future__ import annotations

import csv
import datetime as dt
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from zoneinfo import ZoneInfo

import duckdb
import polars as pl
import pytest

from pipelines.formats.document import ReadOptions
from pipelines.formats.records import LINE, RECORD
from pipelines.formats.registry import FORMATS
from pipelines.home import Home
from pipelines.ingest import ingest_source
from pipelines.settings import load_settings

from .conftest import real_data

pytestmark = pytest.mark.real_data

SETTINGS = """
company: {{name: Surveys, timezone: Europe/Paris}}
privacy: {{customer_key: {{public: a test}}}}
sources:
  survey:
    files: {file}
    format: {format}
    tables:
      - table: survey.responses
        columns: {{{columns}}}
        questions: {{{questions}}}
"""
IMPRESSIVE = {
    "1 - Not very impressive": 1,
    "2 - A bit impressive": 2,
    "3 - Quite impressive": 3,
    "4 - Very impressive": 4,
    "5 - Extremely impressive": 5,
}
SNOW = {
    "Strongly disagree": 1,
    "Disagree": 2,
    "Neither agree nor disagree": 3,
    "Agree": 4,
    "Strongly agree": 5,
}

Ingest = Callable[..., tuple[pl.DataFrame, pl.DataFrame]]


@pytest.fixture
def ingest(tmp_path: Path) -> Ingest:
    """Reads one file as settings say; gives the rows loaded and those quarantined, which add up."""

    def run(file: Path, format_: str, *, columns: str, questions: str) -> tuple[pl.DataFrame, pl.DataFrame]:
        path = tmp_path / "kizuna.yml"
        path.write_text(SETTINGS.format(file=file, format=format_, columns=columns, questions=questions))
        home = Home(tmp_path / "home").create()
        result = ingest_source(home, load_settings(path, {}), "survey")
        ends = {end: result.total(f"rows_{end}") for end in ("loaded", "quarantined", "duplicate")}
        assert result.total("rows_read") == sum(ends.values())
        with duckdb.connect(str(home.warehouse), read_only=True) as warehouse:
            loaded = warehouse.sql("select * from raw_survey.responses").pl()
            refused = warehouse.sql("select line, reason from quarantine.rows").pl()
        assert (loaded.height, refused.height, 0) == tuple(ends.values())
        return loaded, refused

    return run


def rows(file: Path) -> list[list[str]]:
    with file.open(encoding="utf-8", newline="") as text:
        return list(csv.reader(text, strict=True))


def inline(mapping: dict[str, int]) -> str:
    return "{" + ", ".join(f"{label}: {number}" for label, number in mapping.items()) + "}"


@pytest.fixture(scope="module")
def climate() -> Path:
    return real_data("qualtrics") / "qualtrics_export_climate.csv"


@pytest.fixture(scope="module")
def responses(climate: Path) -> pl.DataFrame:
    names, _, _, *data = rows(climate)
    return pl.DataFrame(data, schema=names, orient="row")


def test_qualtrics_has_as_many_responses_and_columns_as_its_readme_says(climate, responses):
    found = FORMATS["qualtrics"].open(climate, ReadOptions()).records((), None)
    assert (found.frame.height, len(found.frame.columns) - 2) == responses.shape == (452, 27)
    assert found.rejected.is_empty()
    trimmed = responses.select(pl.all().str.strip_chars().replace("", None))
    assert found.frame.drop(RECORD, LINE).equals(trimmed)
    assert found.zone == "America/Denver"
    assert found.labels["Attention"].startswith("Imagine you are playing video games")
    assert found.labels["Attention"].endswith("Do you agree with your friend ?")


def test_qualtrics_answers_become_scores(ingest, climate, responses):
    loaded, refused = ingest(
        climate,
        "qualtrics",
        columns="customer_id: PROLIFIC_PID",
        questions=f"Impressiveness: {{metric: value_result, labels: {inline(IMPRESSIVE)}}}, "
        "Honesty_1: {metric: poc_honesty, scale: [0, 100]}, Attention: {metric: open_text}",
    )
    assert refused.is_empty()
    assert Counter(loaded["question_id"]) == {"Impressiveness": 452, "Honesty_1": 452, "Attention": 452}
    assert loaded["customer_id"].n_unique() == 452
    scores = loaded.pivot("question_id", index="response_id", values="score").join(
        responses.rename({"ResponseId": "response_id"}), on="response_id", suffix=" written"
    )
    assert scores["Honesty_1"].cast(pl.Int64).equals(scores["Honesty_1 written"].cast(pl.Int64))
    words = scores["Impressiveness written"].replace_strict(IMPRESSIVE, return_dtype=pl.Int64)
    assert scores["Impressiveness"].cast(pl.Int64).equals(words)
    ends = [
        dt.datetime.fromisoformat(end).replace(tzinfo=ZoneInfo("America/Denver"))
        for end in responses["EndDate"]
    ]
    assert sorted(set(loaded["submitted_at"])) == sorted(
        {end.astimezone(dt.UTC).replace(tzinfo=None) for end in ends}
    )


def test_qualtrics_answers_beyond_their_scale_are_quarantined_with_their_line(ingest, climate, responses):
    loaded, refused = ingest(
        climate, "qualtrics", columns="", questions="Honesty_1: {metric: poc_honesty, scale: [0, 90]}"
    )
    beyond = (responses["Honesty_1"].cast(pl.Int64) > 90).to_list()
    assert refused["reason"].unique().to_list() == ["Honesty_1: score is above scale_max"]
    with climate.open(encoding="utf-8", newline="") as text:
        reader = csv.reader(text)
        last_lines = [reader.line_num for _ in reader]  # of the header's three rows and of each response
    first_lines = [line + 1 for line in last_lines[2:-1]]
    assert sorted(refused["line"]) == [
        line for line, is_beyond in zip(first_lines, beyond, strict=True) if is_beyond
    ]
    assert loaded.height == beyond.count(False)


def test_surveymonkey_respondents(ingest):
    file = real_data("surveymonkey") / "demo.csv"
    _, _, *data = rows(file)
    loaded, refused = ingest(
        file,
        "surveymonkey",
        columns="submitted_at: {constant: 2020-02-20}, "
        "email: 'Please provide your contact information: / Email Address'",
        questions="snow: {column: I wish it would have snowed more this winter., "
        f"metric: csat, labels: {inline(SNOW)}}}",
    )
    assert (len(data), refused.height) == (7, 0)
    found = loaded.sort("response_id").select("response_id", "email", pl.col("score").cast(pl.Int64)).rows()
    assert found == sorted((row[0].removesuffix(".0"), row[9], SNOW[row[11]]) for row in data)


def test_surveymonkey_answers_of_which_many_are_missing(ingest):
    file = real_data("surveymonkey") / "steak-risk-survey.csv"
    (names, _, *data), question = rows(file), "Do you ever drive above the speed limit?"
    written = Counter(row[names.index(question)] for row in data)
    assert len(data) == file.read_bytes().count(b"\n") - 2 == 550
    loaded, refused = ingest(
        file,
        "surveymonkey",
        columns="response_id: RespondentID, submitted_at: {constant: 2014-05-16}",
        questions=f"speed: {{column: '{question}', metric: csat, scale: [0, 1], labels: {{yes: 1, no: 0}}}}, "
        "steak: {column: 'Do you eat steak?', metric: csat, labels: {yes: 5}}",
    )
    speed = Counter(loaded.filter(question_id="speed")["score"].cast(pl.Int64).to_list())
    assert speed == {1: written["Yes"], 0: written["No"], None: written[""]}
    no_steak = sum(row[names.index("Do you eat steak?")] == "No" for row in data)
    assert (
        refused["reason"].to_list()
        == ["steak: score is neither a number nor one of the declared labels"] * no_steak
    )
    assert loaded.filter(question_id="steak").height == 550 - no_steak
