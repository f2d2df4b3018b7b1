"""docs/analyst_guide.md: every query runs on the published file as it stands and gives what the guide says."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path

import duckdb
import polars as pl
import pytest

from .conftest import Company

GUIDE = Path(__file__).resolve().parents[2] / "docs" / "analyst_guide.md"


@dataclass(frozen=True)
class Question:
    """One section of the guide: its heading, its query, and the columns that the text below it names."""

    title: str
    sql: str
    columns: list[str]


def _questions() -> list[Question]:
    sections = re.split(r"^## (?=\d+\. )", GUIDE.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]
    return [_question(section) for section in sections]


def _question(section: str) -> Question:
    (sql,) = re.findall(r"```sql\n(.*?)```", section, flags=re.DOTALL)
    (gives,) = re.findall(r"^Gives (.*?)\.\s\*\*Trap:\*\*", section, flags=re.DOTALL | re.MULTILINE)
    return Question(section.partition("\n")[0], sql, re.findall(r"`(\w+)`", gives))


QUESTIONS = _questions()


def _answer(company: Company, number: int) -> pl.DataFrame:
    with duckdb.connect(str(company.home.published_file), read_only=True) as connection:
        return connection.sql(QUESTIONS[number - 1].sql).pl()


def _planted(company: Company) -> dict:
    return json.loads((company.config.parent / "truth" / "planted.json").read_text(encoding="utf-8"))


def test_the_guide_has_ten_questions_with_one_query_each() -> None:
    numbers = [int(question.title.partition(".")[0]) for question in QUESTIONS]
    assert numbers == list(range(1, 11))
    assert GUIDE.read_text(encoding="utf-8").count("```sql") == len(numbers)


@pytest.mark.parametrize("number", range(1, 11))
def test_a_query_gives_rows_with_the_columns_that_the_guide_names(published: Company, number: int) -> None:
    answer = _answer(published, number)
    assert answer.columns == QUESTIONS[number - 1].columns
    assert answer.height > 0


def test_the_map_names_every_published_table_and_no_other(published: Company) -> None:
    rows = [row.split("|") for row in GUIDE.read_text(encoding="utf-8").splitlines() if row.startswith("| ")]
    named = [name for row in rows[2:] for name in re.findall(r"`(?:\w+\.)?(\w+)`", row[2])]
    assert sorted(named) == [
        name for (name,) in published.query("select table_name from duckdb_tables() order by 1")
    ]


def test_the_silent_are_as_many_as_were_planted(published: Company) -> None:
    (row,) = _answer(published, 4).filter(pl.col("problem_kind") == "(orders)").to_dicts()
    assert row["silent_per_complaint_lower"] <= _planted(published)["silent_per_complaint"]
    assert _planted(published)["silent_per_complaint"] <= row["silent_per_complaint_upper"]


def test_the_locale_that_was_planted_answers_in_the_middle(published: Company) -> None:
    answer = _answer(published, 9)
    assert answer["locale"][0] == _planted(published)["effects"]["middle_locale"]
    assert answer["middle_share_lower"][0] > answer["middle_share_upper"][1:].max()
