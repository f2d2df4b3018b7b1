"""Presets under what a user writes: the user wins, and nothing that was written is lost."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipelines import formats
from pipelines.formats.registry import FORMATS
from pipelines.settings import FileSource
from pipelines.settings.presets import with_preset

NPS = {"Q1": {"metric": "nps"}}
SURVEYS = ["google_forms", "limesurvey", "qualtrics", "surveymonkey", "typeform"]


def source(format_: str, *tables: dict, **keys: object) -> FileSource:
    return FileSource.model_validate(
        with_preset({"files": "x", "format": format_, "tables": list(tables), **keys})
    )


def responses(**keys: object) -> dict:
    return {"table": "survey.responses", **keys}


@pytest.mark.parametrize("format_", SURVEYS)
def test_the_questions_are_all_that_a_survey_needs(format_):
    [plain] = source(format_, responses(questions=NPS)).mappings
    assert {"response_id", "submitted_at", "score"} <= set(plain.columns)


def test_a_list_of_participants_needs_nothing():
    [plain] = source("limesurvey_participants").mappings
    assert plain.table == "survey.invitations"


def test_the_users_keys_win_and_null_leaves_out():
    written = responses(
        columns={"customer_id": "CRM", "email": None}, where="Finished = 'True'", questions=NPS
    )
    [plain] = source("qualtrics", written).mappings
    assert plain.columns["customer_id"].column == "CRM"
    assert "email" not in plain.columns
    assert plain.columns["response_id"].column == "ResponseId"
    assert plain.where == "Finished = 'True'"


def test_options_of_the_preset_are_overridden_too():
    assert source("typeform", responses(questions=NPS)).timezone == "UTC"
    assert source("typeform", responses(questions=NPS), timezone="Asia/Tokyo").timezone == "Asia/Tokyo"


def test_a_table_that_is_written_twice_is_completed_twice():
    customers = responses(columns={"respondent_type": {"constant": "external"}}, questions=NPS)
    colleagues = responses(
        columns={"respondent_type": {"constant": "internal"}}, questions={"Q2": {"metric": "enps"}}
    )
    found = source("qualtrics", customers, colleagues).mappings
    assert [(m.question, m.columns["respondent_type"].constant) for m in found] == [
        ("Q1", "external"),
        ("Q2", "internal"),
    ]
    assert all(m.columns["response_id"].column == "ResponseId" for m in found)


def test_a_table_beside_the_presets_stays():
    tables = source(
        "qualtrics",
        responses(questions=NPS),
        {"table": "crm.customers", "columns": {"customer_id": "c", "registered_at": "r"}},
    ).tables
    assert [table.table for table in tables] == ["survey.responses", "crm.customers"]


def test_every_preset_belongs_to_a_format_or_an_api():
    presets = {path.stem for path in (Path(formats.__file__).parent / "presets").glob("*.yml")}
    used = {found.preset for found in FORMATS.values() if found.preset}
    assert used == {name for name in presets if not name.endswith("_api")}


def test_a_table_that_explodes_a_list_completes_what_explodes_the_same():
    written = {"table": "support.ticket_events", "explode": "events", "columns": {"channel": None}}
    comments, events = (m for m in _zendesk(written) if m["table"] == "support.ticket_events")
    assert (comments["explode"], events["explode"]) == ("comments", "events")
    assert "channel" in comments["columns"]
    assert "channel" not in events["columns"]


def test_a_table_that_names_no_list_completes_all_of_its_name():
    written = {"table": "support.ticket_events", "columns": {"channel": {"constant": "web"}}}
    events = [m for m in _zendesk(written) if m["table"] == "support.ticket_events"]
    assert [m["columns"]["channel"] for m in events] == [{"constant": "web"}] * 2


def test_a_table_that_explodes_another_list_stays_beside_the_presets():
    written = {"table": "support.ticket_events", "explode": "calls", "columns": {}}
    assert [m.get("explode") for m in _zendesk(written)] == [None, "comments", "events", "calls"]


def _zendesk(*tables: dict) -> list[dict]:
    """The API's preset, which is made of those of two files."""
    return with_preset({"api": "zendesk", "tables": list(tables)})["tables"]
