"""A preview says what a night would do, shows nobody's data unasked, and writes nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipelines.first_look import preview as module
from pipelines.first_look.preview import Preview, preview, source_of_file, source_of_format
from pipelines.formats.document import ReadOptions
from pipelines.formats.records import UnreadableFileError
from pipelines.home import Home
from pipelines.ingest import ingest_source
from pipelines.settings import FileSource, Settings, SettingsError, load_settings

CONFIG = """
company: {name: Test, timezone: Asia/Tokyo}
privacy: {customer_key: {public: test}}
sources:
  customers:
    files: customers.csv
    format: csv
    tables:
      - table: crm.customers
        columns: {customer_id: id, email: mail, country: country, registered_at: {column: since, format: "%d/%m/%Y"}}
  survey:
    files: survey*.csv
    format: csv
    tables:
      - table: survey.responses
        where: sent is not null
        columns: {response_id: id, submitted_at: sent}
        questions: {q1: {metric: nps}, q2: {metric: csat}}
"""
CUSTOMERS = """id,mail,country,since,plan
1,anna@example.com,FR,31/01/2026,gold
2,bert@example.com,FR,2026-02-01,gold
3,carl@example.com,FR,03/02/2026,silver
3,carl@example.com,FR,03/02/2026,silver
4,dora@example.com,FR
"""


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    (tmp_path / "kizuna.yml").write_text(CONFIG, encoding="utf-8")
    (tmp_path / "customers.csv").write_text(CUSTOMERS, encoding="utf-8")
    (tmp_path / "survey-1.csv").write_text(
        "id,sent,q1,q2\na,2026-01-01,10,6\nb,2026-01-01,,5\nc,,9,1\n", encoding="utf-8"
    )
    return load_settings(tmp_path / "kizuna.yml")


def _look(settings: Settings, name: str, file: str, **arguments: object) -> Preview:
    source = settings.sources[name]
    assert isinstance(source, FileSource)
    zone = settings.company.timezone
    return preview(settings.folder / file, source.format, source, timezone=zone, **arguments)


def test_it_counts_what_a_night_counts(settings: Settings, tmp_path: Path) -> None:
    found = _look(settings, "customers", "customers.csv")
    (table,) = found.tables
    assert (found.records, found.duplicates) == (5, 1)
    assert [(reason.count, reason.lines) for reason in found.unreadable] == [(1, (6,))]
    assert [(reason.reason, reason.lines) for reason in table.refused] == [
        ("registered_at is no timestamp", (3,))
    ]
    assert (table.total("loaded"), table.total("quarantined"), table.same_key) == (3, 1, 1)
    night = ingest_source(Home(tmp_path / "home").create(), settings, "customers")
    assert night.total("rows_read") == table.total("read") + 1  # the unreadable one
    assert night.total("rows_quarantined") == table.total("quarantined") + 1
    assert night.total("rows_duplicate") == 1


def test_it_tells_where_each_column_comes_from_and_what_nothing_maps(settings: Settings) -> None:
    found = _look(settings, "customers", "customers.csv")
    assert {origin.column: origin.origin for origin in found.tables[0].origins}["registered_at"] == (
        "since (%d/%m/%Y)"
    )
    assert found.unmapped == ("plan",)


def test_the_first_rows_are_as_they_would_be_loaded(settings: Settings) -> None:
    """In UTC: a day in Tokyo begins the evening before."""
    table = _look(settings, "customers", "customers.csv").tables[0]
    registered = [origin.column for origin in table.origins].index("registered_at")
    assert table.rows[0][registered] == "2026-01-30 15:00:00"


def test_a_question_is_a_part_of_its_table(settings: Settings) -> None:
    (table,) = _look(settings, "survey", "survey-1.csv").tables
    assert [(part.name, part.read, part.quarantined, part.excluded) for part in table.parts] == [
        ("q1", 2, 0, 1),
        ("q2", 2, 1, 1),
    ]


def test_a_missing_column_is_told_of_its_table(settings: Settings) -> None:
    (settings.folder / "customers.csv").write_text("id,mail\n1,a@b.example\n", encoding="utf-8")
    (table,) = _look(settings, "customers", "customers.csv").tables
    assert "needs the column" in (table.error or "")
    assert table.total("loaded") == 0


def test_values_are_shown_only_where_many_records_share_them(settings: Settings) -> None:
    rows = "".join(f"{n},p{n}@example.com,FR,01/01/2026,{'gold' if n % 2 else 'silver'}\n" for n in range(8))
    (settings.folder / "customers.csv").write_text("id,mail,country,since,plan\n" + rows, encoding="utf-8")
    found = _look(settings, "customers", "customers.csv")
    shown = {column.name: column.examples(show_values=False) for column in found.columns}
    assert shown["mail"] == ("a9@aaaaaaa.aaa",)
    assert shown["id"] == ("9",)
    assert set(shown["plan"]) == {"gold", "silver"}
    assert found.columns[1].examples(show_values=True)[0].endswith("@example.com")
    assert {origin.column: origin.shared for origin in found.tables[0].origins} == {
        "customer_id": False,
        "email": False,
        "country": True,
        "registered_at": True,
    }


def test_a_long_file_is_looked_at_in_part_and_says_so(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "BEGINNING_BYTES", 200)
    rows = "".join(f"{n},,FR,01/01/2026,gold\n" for n in range(1000))
    (settings.folder / "customers.csv").write_text("id,mail,country,since,plan\n" + rows, encoding="utf-8")
    part = _look(settings, "customers", "customers.csv")
    assert part.partial
    assert 0 < part.records < 20
    assert not part.unreadable, "the record that is cut is none"
    whole = _look(settings, "customers", "customers.csv", whole=True)
    assert (whole.partial, whole.records) == (False, 1000)


def test_nothing_is_written(settings: Settings) -> None:
    before = sorted(path.name for path in settings.folder.rglob("*"))
    _look(settings, "customers", "customers.csv")
    assert sorted(path.name for path in settings.folder.rglob("*")) == before


def test_fields_of_json_are_found_without_a_mapping(tmp_path: Path) -> None:
    path = tmp_path / "tickets.jsonl"
    path.write_text('{"id": 1, "via": {"channel": "web"}}\n{"id": 2, "tags": ["a"]}\nnone\n')
    found = preview(path, "jsonl", ReadOptions())
    assert {column.name for column in found.columns} == {"id", "via.channel", "tags"}
    assert found.unreadable[0].lines == (3,)


def test_the_source_of_a_file_is_the_one_whose_pattern_matches(settings: Settings) -> None:
    assert source_of_file(settings, settings.folder / "survey-1.csv") == "survey"
    assert source_of_file(settings, settings.folder / "kizuna.yml") is None


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("cvs", {}, "'cvs' is no format"),
        ("parquet", {"delimiter": ";"}, "--delimiter"),
        ("csv", {"encoding": "klingon"}, "'klingon' is no encoding"),
        ("csv", {"delimiter": ";;"}, "--delimiter"),
    ],
)
def test_a_wrong_option_is_named(name: str, options: dict[str, object], message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        source_of_format(name, options)


def test_another_encoding_than_declared_is_one_clear_error(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes("名前\n山田\n".encode("cp932"))
    with pytest.raises(UnreadableFileError, match="not utf-8"):
        preview(path, "csv", ReadOptions())
