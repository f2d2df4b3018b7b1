"""Typical mistakes in what a source is: each is one message with the file, the key and the mend."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipelines.settings import SettingsError, load_settings

_COMPANY = "company: {name: Shop}\n"
_PRODUCTS = "tables: [{table: crm.products, %scolumns: {product_id: a}}]"
_DATABASE = "database: postgres, connection: {env: CRM}, " + _PRODUCTS.replace("%s", "from: t, %s")
_FILES = "files: a.csv, format: csv, " + _PRODUCTS % ""
_SURVEY = "files: a.csv, format: qualtrics, tables: [{table: survey.responses, questions: %s}]"
_ZENDESK = "api: zendesk, address: https://shop.zendesk.com, token: {env: TOKEN}"


@pytest.fixture
def mistake(tmp_path: Path):
    def told(source: str) -> str:
        path = tmp_path / "kizuna.yml"
        path.write_text(f"{_COMPANY}sources: {{crm: {source}}}\n", encoding="utf-8")
        with pytest.raises(SettingsError) as caught:
            load_settings(path, {})
        message = str(caught.value)
        assert message.startswith(f"{path.resolve()}: sources.crm")
        return message.removeprefix(f"{path.resolve()}: sources.crm")

    return told


def _database(more: str = "") -> str:
    return "{" + _DATABASE % more + "}"


def _watermark(overlap: str) -> str:
    return _database(f"watermark: {{column: u, overlap: {overlap}}}, ")


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("", ": write keys below it, such as files and format"),
        ("[]", ": write keys below it, such as files and format"),
        (_database().replace("{env: CRM}", "postgresql://u:pw@h/d"), ".connection: write {env: NAME}"),
        (_database().replace(", connection: {env: CRM}", ""), ": write connection: {env: NAME_OF_A_VARIABLE}"),
        (_database().replace("postgres", "oracle"), ".database: write 'postgres', 'mysql' or 'sqlite'"),
        (_database().replace("connection", "conection"), ".conection: unknown key. Remove it or correct its "
         "spelling (did you mean 'connection'?)"),
        (_database().replace("from:", "form:"), ".tables.0.form: unknown key. Remove it or correct its spelling "
         "(did you mean 'from'?)"),
        (_database().replace("database:", "snapshot: true, database:"), ".snapshot: a source with database does "
         "not have this key, one with files has. Remove it"),
        (_database().replace("database:", "files: a.csv, database:"), ".files: a source with database does not"),
        (_database("watermark: updated_at, "), ".tables.0.watermark: write {column: NAME, overlap: 1h}"),
        (_watermark("1 hour"), ".tables.0.watermark.overlap: '1 hour' is no duration: write 30min, 1h or 2d"),
        (_watermark("true"), ".tables.0.watermark.overlap: True is no duration"),
        (_watermark("1.5"), ".tables.0.watermark.overlap: 1.5 is no duration"),
        ("{" + _FILES + ", records: a.b}", ": format: csv does not read records: remove the key"),
        ("{" + _FILES + ", normalize: nfkc}", ".normalize: write 'NFC' or 'NFKC'"),
        ("{" + _FILES + ", ignored_columns: a}", ".ignored_columns: write a list: [..., ...]"),
        ("{" + _FILES + ", snapshot: maybe}", ".snapshot: write true or false"),
        ("{" + _SURVEY % "{Q1: nps}" + "}", ".tables.0.questions.Q1: write what it measures, such as {metric: nps}"),
        ("{" + _SURVEY % "[Q1]" + "}", ".tables.0.questions: write keys, each with its value"),
        ("{" + _SURVEY % "{}" + "}", ".tables.0.questions: write at least one, or leave the key out"),
        ("{" + _SURVEY % "{Q1: {metric: csat, scale: 1-5}}" + "}", ".questions.Q1.scale: write a list: [..., ...]"),
        ("{" + _SURVEY % "{Q1: {metric: csat, scale: [5]}}" + "}", ".questions.Q1.scale.1: this value of the list"),
        ("{" + _SURVEY % "{Q1: {metric: csat, labels: {Good: '5'}}}" + "}", ".labels.Good: write a number, without"),
        ("{" + _SURVEY % "{Q1: {metric: csat, label: {Good: 5}}}" + "}", ".Q1.label: unknown key. Remove it or "
         "correct its spelling (did you mean 'labels'?)"),
        ("{" + _ZENDESK.replace("https", "http") + "}", ".address: write an address that begins with https://"),
        ("{" + _ZENDESK.replace("{env: TOKEN}", "abc") + "}", ".token: write {env: NAME}, the environment variable"),
        ("{" + _ZENDESK + ", start: 31/01/2024}", ".start: write a date such as 2024-01-31"),
    ],
)  # fmt: skip
def test_a_mistake_is_one_message_with_its_mend(mistake, source, message):
    found = mistake(source)
    assert message in found
    assert len(found.splitlines()) == 1


def test_a_secret_written_in_the_file_is_not_shown(mistake):
    assert "pw@" not in mistake(_database().replace("{env: CRM}", "postgresql://u:pw@h/d"))


def test_a_name_that_people_chose_is_taken_for_no_key(mistake):
    """A question called ``labels`` has the keys of a question."""
    assert "(did you mean 'metric'?)" in mistake("{" + _SURVEY % "{labels: {metrik: nps}}" + "}")
