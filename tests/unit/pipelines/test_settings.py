"""Each mistake in kizuna.yml is one clear message with the file, the key and the mend."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from pipelines import contracts
from pipelines.settings import SettingsError, customer_key_secret, load_settings

GOOD = """
company:
  name: Shop
  timezone: Asia/Tokyo
privacy: {customer_key: {env: SECRET}}
sources:
  campaigns:
    files: ${DATA}/*.csv
    format: csv
    tables:
      - table: crm.campaigns
        columns:
          campaign_id: id
          starts_on: {column: from, format: "%d/%m/%Y"}
          ends_on: {sql: "coalesce(until, '2099-12-31')"}
"""


@pytest.fixture
def load(tmp_path):
    def loaded(text: str | bytes, **environment: str):
        path = tmp_path / "kizuna.yml"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return load_settings(path, {"DATA": "data", **environment})

    return loaded


@pytest.fixture
def mistake(load, tmp_path):
    """The message for a mistake, without the file's name, which every line of it must begin with."""

    def message(text: str | bytes, **environment: str) -> str:
        with pytest.raises(SettingsError) as raised:
            load(text, **environment)
        start = f"{tmp_path / 'kizuna.yml'}: "
        assert str(raised.value).startswith(start)
        return str(raised.value).replace(start, "")

    return message


def test_what_is_right_is_read(load, tmp_path):
    settings = load(GOOD)
    source = settings.sources["campaigns"]
    assert source.files == str(Path.cwd() / "data" / "*.csv")
    assert source.tables[0].columns["campaign_id"].column == "id"
    assert source.tables[0].contract is contracts.BY_NAME["crm.campaigns"]
    assert (settings.path, settings.folder) == (tmp_path / "kizuna.yml", tmp_path)
    assert (settings.company.currency, settings.thresholds.minimum_answers) == ("EUR", 10)


def test_yesterday_is_the_companys(load):
    settings = load(GOOD)
    assert settings.default_as_of(dt.datetime(2024, 3, 1, 14, 59, tzinfo=dt.UTC)) == dt.date(2024, 2, 29)
    assert settings.default_as_of(dt.datetime(2024, 3, 1, 15, 0, tzinfo=dt.UTC)) == dt.date(2024, 3, 1)


C = "sources.campaigns"
MISTAKES = [
    (
        "company:",
        "companie:",
        "companie: unknown key. Remove it or correct its spelling (did you mean 'company'?)",
    ),
    ("name: Shop", "nam: Shop", "company.name: this key is missing: add it"),
    ("Asia/Tokyo", "Asia/Tokio", "company.timezone: 'Asia/Tokio' is no time zone"),
    ("format: csv", "format: cvs", f"{C}.format: 'cvs' is no format; it is one of csv, excel"),
    ("format: csv", "format: csv\n    delimeter: x", f"{C}.delimeter: unknown key"),
    ("format: csv", "format: csv\n    encoding: utf-9", f"{C}.encoding: 'utf-9' is no encoding; write utf-8"),
    ("format: csv", "format: csv\n    encoding: hex", f"{C}.encoding: 'hex' is no encoding"),
    ("format: csv", "format: csv\n    timezone: Mars", f"{C}.timezone: 'Mars' is no time zone"),
    ("format: csv", "format: csv\n    delimiter: '||'", f"{C}.delimiter: write one ASCII sign"),
    ("format: csv", "format: csv\n    delimiter: ，", f"{C}.delimiter: write one ASCII sign"),
    ("format: csv", "format: csv\n    quote: ''", f"{C}.quote: write one ASCII sign"),
    ("format: csv", "format: csv\n    quote: ','", f"{C}: delimiter and quote are the same sign"),
    (
        "format: csv",
        "format: csv\n    header_rows: many",
        f"{C}.header_rows: write a whole number",
    ),
    ("format: csv", "format: csv\n    header_rows: 0", f"{C}: columns names the columns of a file without"),
    ("format: csv", "format: csv\n    columns: [a]", f"{C}: columns names the columns of a file without"),
    ("format: csv", "format: csv\n    header_rows: 0\n    columns: [a, a]", f"{C}: columns has a name twice"),
    ("format: csv", "format: jsonl\n    quote: x", f"{C}: format: jsonl does not read quote: remove the key"),
    ("format: csv", "format: parquet\n    encoding: cp932", f"{C}: format: parquet does not read encoding"),
    ("files: ${DATA}/*.csv", "files: ''", f"{C}.files: String should have at least 1 character"),
    ("crm.campaigns", "crm.campaign", f"{C}.tables.0: there is no canonical table 'crm.campaign'; the known"),
    ("campaign_id: id", "campaign: id", f"{C}.tables.0: crm.campaigns has no column 'campaign'; it has"),
    ("campaign_id: id", "name: id", f"{C}.tables.0: crm.campaigns needs campaign_id: map it"),
    ("campaign_id: id", "campaign_id: 7", f"{C}.tables.0.columns.campaign_id: write a column's name"),
    ("campaign_id: id", "campaign_id: {}", f"{C}.tables.0.columns.campaign_id: write exactly one of"),
    (
        "column: from",
        "colum: from",
        f"{C}.tables.0.columns.starts_on.colum: unknown key. Remove it or correct its",
    ),
    (
        "column: from",
        "column: from, sql: x",
        f"{C}.tables.0.columns.starts_on: write exactly one of column, sql",
    ),
    ("column: from", "number_within: []", f"{C}.tables.0.columns.starts_on.number_within: "),
    ("coalesce(until", "coalesce((until", f"{C}.tables.0.columns.ends_on.sql: this is no SQL expression"),
    ("coalesce(until, '2099-12-31')", "max(until)", f"{C}.tables.0.columns.ends_on.sql: aggregates"),
    ("coalesce(until, '2099-12-31')", "lower(min(x))", f"{C}.tables.0.columns.ends_on.sql: aggregates"),
    ("coalesce(until, '2099-12-31')", "row_number() over (order by x)", "ends_on.sql: aggregates"),
    ("coalesce(until, '2099-12-31')", "rank() OVER(order by x)", "write number_within: [column, ...]"),
    ("coalesce(until, '2099-12-31')", "current_date", f"{C}.tables.0.columns.ends_on.sql: aggregates"),
    ("columns:", "where: count(*) > 1\n        columns:", f"{C}.tables.0.where: aggregates"),
    (
        "columns:",
        "explode: x\n        columns:",
        f"{C}: explode is for formats with lists: write format: json or jsonl",
    ),
    ("columns:", "keep: oldest\n        columns:", f"{C}.tables.0: keep: oldest needs version"),
    ("campaigns:\n", "Campaigns!:\n", "String should match pattern"),
    (
        "env: SECRET",
        "evn: SECRET",
        "privacy.customer_key.evn: unknown key. Remove it or correct its spelling (did you mean 'env'?)",
    ),
    ("env: SECRET", "public: ''", "privacy.customer_key: write {env: NAME_OF_A_VARIABLE} or"),
    ("env: SECRET", "public: x, env: y", "privacy.customer_key: write {env: NAME_OF_A_VARIABLE} or"),
    ("${DATA}", "${NOWHERE}", f"{C}.files: the environment variable NOWHERE is not set. Set it"),
    ("name: Shop", "name: Shop\n  name: Other", "the key 'name' is written twice"),
    ("company:", "company: [", "this is no YAML in UTF-8"),
    ("company:\n", "company: &c\n  self: *c\n", "an anchor (&name) holds a reference (*name) to itself"),
]


@pytest.mark.parametrize(("right", "wrong", "message"), MISTAKES)
def test_a_mistake_is_one_clear_message(mistake, right, wrong, message):
    assert right in GOOD
    found = mistake(GOOD.replace(right, wrong, 1))
    assert message in found
    assert len(found.splitlines()) == 1 or "YAML" in found or right == "company:" or "name: Shop" in right


@pytest.mark.parametrize("text", ["", "[1]", "text", b"\xff\xfe\x00"])
def test_a_file_that_holds_no_settings(mistake, text):
    assert "kizuna init" in mistake(text) or "no YAML" in mistake(text)


def test_a_missing_file_says_how_to_get_one(tmp_path):
    with pytest.raises(SettingsError, match="no such file"):
        load_settings(tmp_path / "nowhere.yml")


def test_all_mistakes_are_told_at_once(mistake):
    assert len(mistake(GOOD.replace("name: Shop", "nam: Shop").replace("Asia/Tokyo", "x")).splitlines()) == 3


def test_yaml_takes_no_column_name_for_something_else(load):
    text = GOOD.replace("campaign_id: id", "campaign_id: no\n          name: {constant: 007}").replace(
        "column: from", "column: on, values: {yes: 2024-01-01}"
    )
    columns = load(text).sources["campaigns"].tables[0].columns
    assert columns["campaign_id"].column == "no"
    assert columns["name"].constant == "007"
    assert (columns["starts_on"].column, columns["starts_on"].values) == ("on", {"yes": "2024-01-01"})


def test_anchors_and_merges_are_no_doubled_keys(load):
    text = GOOD.replace("columns:", "columns: &c").rstrip() + (
        "\n      - table: crm.campaigns\n        columns:\n          <<: *c\n          campaign_id: other\n"
    )
    assert load(text).sources["campaigns"].tables[1].columns["campaign_id"].column == "other"


def test_two_mappings_of_one_table_keep_the_same(mistake):
    text = (
        GOOD + "      - {table: crm.campaigns, keep: oldest, version: v, "
        "columns: {campaign_id: a, starts_on: b, ends_on: c}}\n"
    )
    assert "two mappings of one table must keep the same" in mistake(text)


def test_values_of_environment_variables_are_in_no_message(mistake):
    found = mistake(
        GOOD.replace("Asia/Tokyo", "${ZONE}").replace("crm.campaigns", "crm.${ZONE}"), ZONE="s3cr3t-value"
    )
    assert "s3cr3t" not in found
    assert "'${ZONE}' is no time zone" in found


def test_the_secret_comes_from_the_environment_only(load):
    settings = load(GOOD)
    assert customer_key_secret(settings, {"SECRET": "s3cr3t"}) == "s3cr3t"
    for empty in ({}, {"SECRET": ""}):
        with pytest.raises(SettingsError, match="the environment variable SECRET is not set"):
            customer_key_secret(settings, empty)
    public = load(GOOD.replace("env: SECRET", "public: demo"))
    assert customer_key_secret(public, {}) == "demo"


def test_a_path_in_a_variable_is_relative_to_where_one_stands(load, tmp_path, monkeypatch):
    (tmp_path / "elsewhere" / "data").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert load(GOOD).sources["campaigns"].files == str(tmp_path / "elsewhere" / "data" / "*.csv")
    assert load(GOOD, DATA="/abs").sources["campaigns"].files == "/abs/*.csv"
    assert load(GOOD.replace("${DATA}/*", "in/*")).sources["campaigns"].files == "in/*.csv"
    assert load(GOOD.replace("${DATA}/*", "in/${DATA}*")).sources["campaigns"].files == "in/data*.csv"


def test_the_settings_of_the_examples_are_right():
    root = Path(__file__).parents[3]
    paths = [*root.glob("examples/*/kizuna.yml"), root / "pipelines" / "demo" / "kizuna.yml"]
    assert len(paths) > 1
    for path in paths:
        load_settings(path, {"KIZUNA_DATA": "data"})
