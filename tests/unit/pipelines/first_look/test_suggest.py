"""A suggestion loads, can be previewed and ingested as it stands, and says why each line is there."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import polars as pl
import pytest
import xlsxwriter

from pipelines.first_look.preview import Preview, preview
from pipelines.first_look.reading_guess import guess_encoding, guess_reading
from pipelines.first_look.suggest import suggest
from pipelines.first_look.suggest_yaml import as_yaml
from pipelines.first_look.vocabulary import words
from pipelines.formats.records import UnreadableFileError
from pipelines.home import Home
from pipelines.ingest import SourceResult, ingest_source
from pipelines.settings import FileSource, load_settings

EXAMPLES = Path(__file__).parents[3] / "fixtures" / "examples"
SECRET = {"KIZUNA_CUSTOMER_KEY": "long and random"}


def _written(file: Path, folder: Path, **arguments: str) -> tuple[str, FileSource]:
    text = as_yaml(suggest(file, **arguments), name=file.name, path=str(file))
    folder.mkdir(exist_ok=True)
    (folder / "kizuna.yml").write_text(text, encoding="utf-8")
    (source,) = load_settings(folder / "kizuna.yml").sources.values()
    assert isinstance(source, FileSource)
    return text, source


def _tried(file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Preview, SourceResult]:
    """Suggest, preview and ingest, with nothing edited in between."""
    monkeypatch.setenv("KIZUNA_CUSTOMER_KEY", "long and random")
    _, source = _written(file, tmp_path / "settings")
    settings = load_settings(tmp_path / "settings" / "kizuna.yml")
    found = preview(file, source.format, source, timezone=settings.company.timezone, whole=True)
    (name,) = settings.sources
    return found, ingest_source(Home(tmp_path / "home").create(), settings, name)


@pytest.mark.parametrize(
    ("file", "tables"),
    [
        ("cdnow/CDNOW_master.txt", ["crm.orders", "crm.customers"]),
        ("it_incident_log/IT_Incident_Data.csv", ["support.tickets"]),
        ("olist/olist_customers_dataset.csv", ["crm.customers"]),
        ("olist/olist_order_items_dataset.csv", ["crm.order_lines"]),
        ("olist/olist_order_reviews_dataset.csv", ["survey.responses"]),
        ("olist/olist_orders_dataset.csv", ["crm.orders", "crm.customers"]),
        ("olist/olist_products_dataset.csv", ["crm.products"]),
        (
            "online_retail/by-day/2011-03-01.csv",
            ["crm.order_lines", "crm.orders", "crm.products", "crm.customers"],
        ),
    ],
)
def test_suggest_preview_and_a_night_agree_on_public_data(
    file: str, tables: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found, night = _tried(EXAMPLES / file, tmp_path, monkeypatch)
    assert [table.table for table in found.tables] == tables
    assert not [table.error for table in found.tables if table.error]
    assert not night.rejected
    assert night.total("rows_read") == sum(table.total("read") for table in found.tables) + sum(
        reason.count for reason in found.unreadable
    )
    refused = sum(table.total("quarantined") for table in found.tables)
    assert night.total("rows_quarantined") == refused + sum(reason.count for reason in found.unreadable)


def test_what_is_missing_stands_there_to_be_filled_in_and_the_preview_says_what_it_costs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = EXAMPLES / "olist" / "olist_customers_dataset.csv"
    text, _ = _written(file, tmp_path / "settings")
    assert "# registered_at: ... # MISSING" in text
    found, _ = _tried(file, tmp_path, monkeypatch)
    (table,) = found.tables
    assert table.total("loaded") == 0
    assert [reason.reason for reason in table.refused] == ["registered_at is empty"]


def test_a_nps_survey_in_german_excel_dialect(tmp_path: Path) -> None:
    file = tmp_path / "umfrage.csv"
    rows = "".join(
        f'{n};{n % 28 + 1}.03.2026 14:0{n % 10};{n % 11};{("Sehr zufrieden", "Zufrieden")[n % 2]};"Ganz gut; {n}"\n'
        for n in range(40)
    )
    header = "Antwort_ID;Datum;Würden Sie uns weiterempfehlen?;Wie zufrieden sind Sie?;Kommentar\n"
    file.write_bytes((header + rows).encode("cp1252"))
    text, source = _written(file, tmp_path / "settings")
    assert (source.delimiter, source.encoding) == (";", "cp1252")
    assert "A GUESS TO CONFIRM: the bytes are no UTF-8" in text
    (table,) = source.tables
    assert table.columns["submitted_at"].format == "%d.%m.%Y %H:%M"
    questions = {question.metric: question for question in (table.questions or {}).values()}
    assert set(questions) == {"nps", "csat", "open_text"}
    assert questions["csat"].labels["Sehr zufrieden"] == 5
    assert questions["csat"].labels["Sehr unzufrieden"] == 1, "the whole scale, seen or not"


def test_a_qualtrics_export_brings_its_preset_and_the_questions_are_added(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "export.csv"
    import_ids = [json.dumps({"ImportId": f"QID{n}"}).replace('"', '""') for n in range(5)]
    rows = "".join(
        f'2026-01-0{n + 1} 10:00:00,R_{n},{n},"{("4 - Good", "5 - Very good")[n % 2]}",Q\n' for n in range(8)
    )
    file.write_text(
        "EndDate,ResponseId,Q1,Q2,Q3\n"
        "End Date,Response ID,How likely are you to recommend us?,How satisfied were you?,Anything else?\n"
        + ",".join(f'"{cell}"' for cell in import_ids)
        + "\n"
        + rows,
        encoding="utf-8",
    )
    text, source = _written(file, tmp_path / "settings")
    assert source.format == "qualtrics"
    assert "response_id" not in text, "the preset says it"
    assert {name: asked.metric for name, asked in (source.tables[0].questions or {}).items()} == {
        "Q1": "nps",
        "Q2": "csat",
    }
    found, night = _tried(file, tmp_path, monkeypatch)
    assert "where: null" in text, "the preset's condition reads a column that this export lacks"
    assert found.tables[0].error is None
    assert night.total("rows_loaded") == found.tables[0].total("loaded") == 16


def test_a_vendors_column_that_the_export_lacks_is_told(tmp_path: Path) -> None:
    file = tmp_path / "sm.csv"
    file.write_text(
        "Respondent ID,Would you recommend us?\n,Response\n" + "".join(f"{n},{n % 11}\n" for n in range(30))
    )
    text, source = _written(file, tmp_path / "settings")
    assert source.format == "surveymonkey"
    assert "# submitted_at: ... # MISSING" in text


def test_a_json_export_of_tickets_and_where_its_records_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "tickets.json"
    tickets = [
        {
            "ticket_id": n,
            "created_at": f"2026-01-0{n + 1}T10:00:00Z",
            "via": {"channel": "web"},
            "steps": [{"x": 1}],
        }
        for n in range(5)
    ]
    file.write_text(json.dumps({"data": {"tickets": tickets}, "count": 5}))
    text, source = _written(file, tmp_path / "settings")
    assert source.records == "data.tickets"
    assert {name: column.column for name, column in source.tables[0].columns.items()} == {
        "ticket_id": "ticket_id",
        "opened_at": "created_at",
        "channel": "via.channel",
    }
    assert "explode: NAME makes rows of: steps" in text
    found, night = _tried(file, tmp_path, monkeypatch)
    assert night.total("rows_loaded") == found.tables[0].total("loaded") == 5


def test_an_export_of_a_help_desk_brings_its_preset(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fields = ("status", "priority", "type", "group_id", "created_at", "updated_at")
    tickets = [
        {"id": n, **dict.fromkeys(fields), "created_at": "2026-01-01T10:00:00Z", "via": {"channel": "web"}}
        for n in range(5)
    ]
    file = tmp_path / "export.json"
    file.write_text(json.dumps({"tickets": tickets}))
    text, source = _written(file, tmp_path / "settings")
    assert source.format == "zendesk"
    assert "records:" not in text, "the preset says it"
    found, night = _tried(file, tmp_path, monkeypatch)
    assert night.total("rows_loaded") == found.tables[0].total("loaded") == 5
    file.write_text(json.dumps({"people": tickets}))
    assert guess_reading(file).format == "json", "the list of its records is called otherwise"


def test_other_containers_are_known_by_their_first_bytes(tmp_path: Path) -> None:
    frame = pl.DataFrame({"product_id": ["a", "b"], "name": ["A", "B"]})
    frame.write_parquet(tmp_path / "products.bin")
    frame.write_excel(tmp_path / "products.dat")
    (tmp_path / "products.csv.gz").write_bytes(gzip.compress(b"product_id\tname\na\tA\nb\tB\n"))
    assert guess_reading(tmp_path / "products.bin").format == "parquet"
    assert guess_reading(tmp_path / "products.dat").format == "excel"
    assert guess_reading(tmp_path / "products.csv.gz").options == {"delimiter": "\t"}


def test_rows_above_the_header_of_a_sheet_are_told_and_the_sheet_can_be_named(tmp_path: Path) -> None:
    path = tmp_path / "products.xlsx"
    with xlsxwriter.Workbook(path) as book:
        book.add_worksheet("About").write_row(0, 0, ["written by", "the shop"])
        sheet = book.add_worksheet("Products")
        for row, cells in enumerate(
            (["All products"], [], ["SKU", "Title", "Price"], ["a", "A", 1], ["b", "B", 2])
        ):
            sheet.write_row(row, 0, cells)
    with pytest.raises(UnreadableFileError, match="several sheets"):
        suggest(path)
    text, source = _written(path, tmp_path / "settings", sheet="Products")
    assert (source.sheet, source.skip_rows) == ("Products", 2)
    assert "product_id: SKU" in text


def test_a_blank_cell_in_a_header_is_no_title(tmp_path: Path) -> None:
    path = tmp_path / "products.xlsx"
    with xlsxwriter.Workbook(path) as book:
        sheet = book.add_worksheet()
        for row, cells in enumerate((["product_id", None, None], [1, 2, "x"], [3, 4, "y"])):
            sheet.write_row(row, 0, cells)
    assert "skip_rows" not in guess_reading(path).options


def test_a_file_without_a_header_gets_names_to_replace(tmp_path: Path) -> None:
    (tmp_path / "orders.csv").write_text("1001,2026-01-01,9.5\n1002,2026-01-02,8.0\n")
    guess = guess_reading(tmp_path / "orders.csv")
    assert guess.options == {"header_rows": 0, "columns": ("column_1", "column_2", "column_3")}
    _, source = _written(tmp_path / "orders.csv", tmp_path / "settings", table="crm.orders")
    assert source.columns == ("column_1", "column_2", "column_3")


def test_an_ambiguous_date_says_which_other_format_fits(tmp_path: Path) -> None:
    file = tmp_path / "orders.csv"
    file.write_text("order_id,order_date\n1,03/04/2026\n2,05/06/2026\n")
    assert "CHECK THE FORMAT: %m/%d/%Y fits as well" in _written(file, tmp_path / "settings")[0]
    file.write_text("order_id,order_date\n1,13/04/2026\n2,05/06/2026\n")
    assert "no other format fits" in _written(file, tmp_path / "settings")[0]


def test_a_file_like_no_table_is_told_so(tmp_path: Path) -> None:
    (tmp_path / "geo.csv").write_text("lat,lng\n1.5,2.5\n3.5,4.5\n")
    with pytest.raises(UnreadableFileError, match="look like no canonical table"):
        suggest(tmp_path / "geo.csv")


def test_a_file_wider_than_anybody_looks_at_is_one_message(tmp_path: Path) -> None:
    wide = tmp_path / "wide.csv"
    wide.write_text(",".join(f"c{n}" for n in range(6000)) + "\n" + ",".join("1" * 6000) + "\n")
    with pytest.raises(UnreadableFileError, match="6,000 columns"):
        suggest(wide)


def test_nobodys_data_gets_into_a_suggestion(tmp_path: Path) -> None:
    file = tmp_path / "customers.csv"
    rows = "".join(f"{n},Mary Miller {n},mary{n}@example.com,2026-01-01\n" for n in range(30))
    file.write_text("customer_id,full_name,email,registered_at\n" + rows)
    text, _ = _written(file, tmp_path / "settings")
    assert "mary" not in text.casefold()
    assert "full_name: full_name" in text


@pytest.mark.parametrize(
    ("text", "encoding", "expected"),
    [
        ("顧客番号,氏名\n1,山田 花子\n", "cp932", "cp932"),
        ("会員番号,氏名,ランク\n1,髙橋,金㈱\n2,佐々木,銀㈱\n", "cp932", "cp932"),
        ("顧客番号,氏名カナ\n1,ヤマダ ハナコ\n", "euc_jp", "euc_jp"),
        ("Größe;Straße\n1;Müller\n", "cp1252", "cp1252"),
        ("名前\n山田\n", "utf-8", "utf-8"),
        ("名前\n山田\n", "utf-16", "utf-16"),
        ("id;name\n1;Anna\n", "utf-16-le", "utf-16-le"),
        ("id\n1\n", "ascii", "utf-8"),
    ],
)
def test_encodings(text: str, encoding: str, expected: str) -> None:
    found, reason = guess_encoding(text.encode(encoding), whole=True)
    assert found == expected
    if expected not in ("utf-8", "utf-16"):  # which bytes or marks tell for certain
        assert "A GUESS TO CONFIRM" in reason


@pytest.mark.parametrize(
    "content",
    [
        b"\n",
        b"a,b\n1,\x002\n",
        b"[",
        b'{"a": 1}',
        b"[1, 2]",
        b"PK\x03\x04 no workbook",
        b"PAR1 no Parquet",
        bytes(range(256)) * 8,
        b"a,b\n" + b"x" * 3_000_000,
    ],
)
def test_what_is_no_export_is_one_message(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "export").write_bytes(content)
    with pytest.raises(UnreadableFileError):
        suggest(tmp_path / "export")


def test_words_of_names() -> None:
    assert words("CustomerID") == ["customer", "id"]
    assert words("date-d'achat_É") == ["date", "d", "achat", "e"]
    assert words("ｶﾞｯｺｳ 番号") == ["ガッコウ", "番号"]
