"""Questions in kizuna.yml: one plain mapping each, and one clear message for a mistake."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from pydantic import ValidationError

from pipelines.contracts.survey import METRIC_SCALES
from pipelines.settings import DatabaseTable, FileSource, SettingsError, TableMapping, load_settings

SEED = Path(__file__).parents[4] / "dbt_project" / "seeds" / "metric_scales.csv"
COLUMNS = {"response_id": "id", "submitted_at": "at"}


def mapping(questions: object, columns: dict | None = None, **keys: object) -> TableMapping:
    return TableMapping.model_validate(
        {
            "table": "survey.responses",
            "columns": {**COLUMNS, **(columns or {})},
            "questions": questions,
            **keys,
        }
    )


def filled(mapping: TableMapping) -> dict[str, object]:
    """The columns that a question fills, as what they come from."""
    return {
        name: spec.column if spec.column is not None else spec.constant
        for name, spec in mapping.columns.items()
        if name not in COLUMNS
    }


def test_each_question_becomes_a_mapping_of_its_own():
    nps, words = mapping(
        {"Q1": {"metric": "nps"}, "Q2": {"metric": "open_text", "column": "Why?"}}, where="id <> '0'"
    ).plain()
    assert filled(nps) == {
        "question_id": "Q1",
        "metric": "nps",
        "score": "Q1",
        "scale_min": 0,
        "scale_max": 10,
    }
    assert filled(words) == {"question_id": "Q2", "metric": "open_text", "comment": "Why?"}
    assert (nps.question, words.question) == ("Q1", "Q2")
    assert nps.where == words.where == "id <> '0'"
    assert nps.columns["response_id"].column == "id"


def test_a_mapping_without_questions_stands_for_itself():
    plain = TableMapping.model_validate(
        {
            "table": "survey.responses",
            "columns": {**COLUMNS, "question_id": {"constant": "Q"}, "metric": {"constant": "nps"}},
        }
    )
    assert plain.plain() == (plain,)
    assert plain.question is None


def test_a_source_gives_its_mappings_question_by_question():
    source = FileSource.model_validate(
        {
            "files": "x.csv",
            "format": "csv",
            "tables": [
                {
                    "table": "survey.responses",
                    "columns": COLUMNS,
                    "questions": {"Q1": {"metric": "nps"}, "Q2": {"metric": "ces"}},
                },
                {"table": "survey.invitations", "columns": {"invitation_id": "id", "sent_at": "at"}},
            ],
        }
    )
    assert [(m.table, m.question) for m in source.mappings] == [
        ("survey.responses", "Q1"),
        ("survey.responses", "Q2"),
        ("survey.invitations", None),
    ]


def test_a_table_of_a_database_is_made_long_by_a_query():
    with pytest.raises(ValidationError, match=r"questions is for files: .* in a query"):
        DatabaseTable.model_validate(
            {
                "table": "survey.responses",
                "from": "answers",
                "columns": COLUMNS,
                "questions": {"Q1": {"metric": "nps"}},
            }
        )


def test_usual_scales_are_those_of_the_models():
    with SEED.open(encoding="utf-8") as file:
        seed = {
            row["metric"]: (float(row["scale_min"]), float(row["scale_max"])) if row["scale_min"] else None
            for row in csv.DictReader(file)
        }
    assert seed == METRIC_SCALES


@pytest.mark.parametrize(("metric", "scale"), [(m, s) for m, s in METRIC_SCALES.items() if s])
def test_a_metric_brings_its_usual_scale(metric, scale):
    [plain] = mapping({"Q": {"metric": metric}}).plain()
    assert (plain.columns["scale_min"].constant, plain.columns["scale_max"].constant) == scale


def test_numbers_are_labels_too():
    [plain] = mapping({"Q": {"metric": "csat", "labels": {5: 1, "Bad": 5}}}).plain()
    assert plain.columns["score"].labels == {"5": 1, "Bad": 5}


def test_labels_are_written_as_the_file_has_them_also_where_it_is_normalised():
    source = FileSource.model_validate(
        {
            "files": "a.csv",
            "format": "csv",
            "normalize": "NFKC",
            "tables": [
                {
                    "table": "survey.responses",
                    "columns": {**COLUMNS, "locale": {"column": "l", "values": {"Ｊ": "ja-JP"}}},
                    "questions": {"Q1": {"metric": "csat", "labels": {"ﾌﾂｳ": 3}}},
                }
            ],
        }
    )
    [applied] = source.mappings
    assert applied.columns["score"].labels == {"フツウ": 3}
    assert applied.columns["locale"].values == {"J": "ja-JP"}
    assert applied.question == "Q1"


Q1 = {"metric": "nps"}


@pytest.mark.parametrize(
    ("questions", "message"),
    [
        ({}, "at least 1 item"),
        ({"Q1": {"metric": "npx"}}, "'npx' is no metric; it is one of nps, csat"),
        ({"Q1": {}}, "Field required"),
        ({"Q1": {"metric": "csat", "scale": [5, 1]}}, r"lowest answer first, then the highest, not \[5, 1\]"),
        ({"Q1": {"metric": "csat", "scale": [1]}}, "Field required"),
        ({"Q1": {"metric": "csat", "labels": {"Good": 6}}}, r"'Good' stands for 6, .* the scale \[1, 5\]"),
        ({"Q1": {"metric": "csat", "labels": {"Good": "5"}}}, "valid number"),
        ({"Q1": {"metric": "csat", "labels": {"Good": True}}}, "valid number"),
        ({"Q1": {"metric": "csat", "labels": {"Good": float("nan")}}}, "finite number"),
        ({"Q1": {"metric": "csat", "labels": {}}}, "at least one label"),
        ({"Q1": {"metric": "csat", "labels": {"Good": 4, " good": 5}}}, "'good' comes twice"),
        ({"Q1": {"metric": "open_text", "labels": {"Good": 5}}}, "open_text is kept as it is written"),
        ({"Q1": {"metric": "open_text", "scale": [1, 5]}}, "open_text is kept as it is written"),
        ({"Q1": Q1, "Q2": {**Q1, "column": "Q1"}}, "two of them read the column 'Q1' for the same metric"),
        ({"Q1": {**Q1, "question": "Why?"}}, "Extra inputs"),
    ],
)
def test_a_mistake_in_a_question_is_refused(questions, message):
    with pytest.raises(ValidationError, match=message):
        mapping(questions)


@pytest.mark.parametrize("column", ["question_id", "metric", "score", "scale_min", "scale_max", "comment"])
def test_what_questions_fill_is_not_mapped_twice(column):
    with pytest.raises(ValidationError, match=f"questions fills {column}"):
        mapping({"Q1": Q1}, {column: "x"})


def test_questions_are_for_responses():
    with pytest.raises(
        ValidationError, match=r"questions is for survey.responses, not for survey.invitations"
    ):
        TableMapping.model_validate(
            {
                "table": "survey.invitations",
                "columns": {"invitation_id": "i", "sent_at": "s"},
                "questions": {"Q": Q1},
            }
        )


def test_responses_without_questions_are_told_of_them():
    with pytest.raises(
        ValidationError, match=r"needs question_id, metric: .*, or list the survey's questions"
    ):
        TableMapping.model_validate({"table": "survey.responses", "columns": COLUMNS})


@pytest.mark.parametrize(
    "origin", [{"sql": "upper(q)"}, {"constant": 1}, {"column": "q", "values": {"a": "1"}}]
)
def test_labels_of_a_single_column_go_with_a_column_of_the_file(origin):
    columns = {**COLUMNS, "question_id": {"constant": "Q"}, "metric": {"constant": "nps"}}
    with pytest.raises(ValidationError, match="labels go with column, and not with values"):
        TableMapping.model_validate(
            {"table": "survey.responses", "columns": {**columns, "score": {**origin, "labels": {"good": 5}}}}
        )


def test_the_message_names_the_question(tmp_path):
    path = tmp_path / "kizuna.yml"
    path.write_text(
        """
company: {name: Shop}
sources:
  survey:
    files: x.csv
    format: csv
    tables:
      - table: survey.responses
        columns: {response_id: id, submitted_at: at}
        questions:
          Q1: {metric: csat, labels: {Good: five}}
          Q2: {metric: happiness}
"""
    )
    with pytest.raises(SettingsError) as raised:
        load_settings(path)
    first, second = str(raised.value).splitlines()
    assert "sources.survey.tables.0.questions.Q1.labels.Good: " in first
    assert "sources.survey.tables.0.questions.Q2: 'happiness' is no metric" in second
