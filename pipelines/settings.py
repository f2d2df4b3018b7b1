"""``kizuna.yml`` and the environment, read once and validated.

Belongs here: the shape of the settings and the errors people get for a mistake in them.
Does not: what the settings do. Nothing else in the project reads the file.
"""

from __future__ import annotations

import datetime as dt
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, available_timezones

import polars as pl
import yaml
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
    model_validator,
)

from pipelines import contracts

CONFIG_NAME = "kizuna.yml"
_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")


class SettingsError(Exception):
    """A mistake in the settings. The message names the file, the key and the mend."""


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


def _known_timezone(name: str) -> str:
    if name not in available_timezones():
        raise ValueError(f"{name!r} is no time zone; write one of the IANA names, such as Europe/London")
    return name


class Company(_Model):
    name: str
    timezone: str = "UTC"  # business dates and the schedule follow it
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")] = "EUR"

    _timezone = field_validator("timezone")(_known_timezone)


class CustomerKey(_Model):
    """Where the secret comes from that turns a customer id into a ``customer_key``. Exactly one of the keys."""

    env: str | None = None  # the name of an environment variable
    public: str | None = None  # for public data and demos only: everybody can recompute the keys

    @model_validator(mode="after")
    def _one_origin(self) -> CustomerKey:
        if bool(self.env) == bool(self.public):
            raise ValueError("write {env: NAME_OF_A_VARIABLE} or, for public data only, {public: ANY_TEXT}")
        return self


class Privacy(_Model):
    customer_key: CustomerKey = CustomerKey(env="KIZUNA_CUSTOMER_KEY")


class Publication(_Model):
    keep_versions: Annotated[int, Field(ge=1)] = 7  # a week of nights to roll back to


class Schedule(_Model):
    cron: str = "0 2 * * *"  # after midnight's exports, before the first reader
    enabled: bool = True


class Thresholds(_Model):
    """Numbers that decide what is shown or stopped, each with its reason."""

    minimum_answers: Annotated[int, Field(ge=1)] = (
        10  # below ten answers one person moves NPS by 10 points or more
    )
    warn_quarantined_share: Annotated[float, Field(ge=0, le=1)] = (
        0.01  # real exports lose fewer than 1 % of rows
    )
    stop_quarantined_share: Annotated[float, Field(ge=0, le=1)] = (
        0.5  # more than half unreadable: the export changed
    )


# What an expression must not do. The words are looked for in the text too, because polars rewrites some.
_BEYOND_THE_RECORD = re.compile(r"\bover\s*\(|\bcurrent_(date|time|timestamp)\b", re.IGNORECASE)
_AGGREGATES = ('"Agg":', '"Over":', '"Len"')  # as polars serialises an expression


def _of_one_record(sql: str) -> str:
    """Refuse what is no SQL, and what looks at other records: which records share a file must not matter."""
    try:
        expression = pl.sql_expr(sql).meta.serialize(format="json")
    except pl.exceptions.PolarsError as error:
        raise ValueError(f"this is no SQL expression that polars knows: {error}") from None
    if _BEYOND_THE_RECORD.search(sql) or any(sign in expression for sign in _AGGREGATES):
        raise ValueError(
            "aggregates, window functions and the clock depend on more than the record itself; "
            "write number_within: [column, ...] to number records"
        )
    return sql


_Name = Annotated[str, Field(min_length=1)]
_Sql = Annotated[str, AfterValidator(_of_one_record)]


class ColumnMapping(_Model):
    """Where one canonical column comes from. Exactly one of the first four keys."""

    column: _Name | None = None
    sql: _Sql | None = None
    constant: str | int | float | bool | None = None
    number_within: Annotated[tuple[_Name, ...], Field(min_length=1)] | None = None
    format: str | None = None  # of dates and times, strptime's letters; default ISO 8601
    values: dict[str, str] | None = None  # replaces labels by canonical values; what is not listed stays

    @model_validator(mode="before")
    @classmethod
    def _plain_text_is_a_column(cls, value: Any) -> Any:
        return {"column": value} if isinstance(value, str) else value

    @model_validator(mode="after")
    def _one_origin(self) -> ColumnMapping:
        origins = [n for n in ("column", "sql", "constant", "number_within") if getattr(self, n) is not None]
        if len(origins) != 1:
            raise ValueError("write exactly one of column, sql, constant and number_within")
        return self


class TableMapping(_Model):
    """How the records of a source become rows of one canonical table."""

    table: str
    columns: dict[str, ColumnMapping]
    where: _Sql | None = None  # SQL condition: which records are rows of this table
    explode: str | None = None  # JSON Lines: the list whose elements are the rows
    version: ColumnMapping | None = (
        None  # which of two rows with one key is newer; default: updated_at, then arrival
    )
    keep: Literal["newest", "oldest"] = "newest"

    @model_validator(mode="after")
    def _follows_its_contract(self) -> TableMapping:
        try:
            contract = contracts.contract_named(self.table)
        except KeyError as error:
            raise ValueError(error.args[0]) from None
        unknown = [name for name in self.columns if name not in contract.column_names]
        if unknown:
            raise ValueError(
                f"{self.table} has no column {unknown[0]!r}; it has {', '.join(contract.column_names)}"
            )
        missing = [c.name for c in contract.columns if contract.is_required(c) and c.name not in self.columns]
        if missing:
            raise ValueError(f"{self.table} needs {', '.join(missing)}: map it to a column, sql or constant")
        if self.keep == "oldest" and self.version is None:
            raise ValueError("keep: oldest needs version, the column or sql that tells which row is older")
        return self

    @property
    def contract(self) -> contracts.Contract:
        return contracts.contract_named(self.table)


def _one_ascii_sign(value: str) -> str:
    if len(value) != 1 or not (value == "\t" or " " <= value <= "~"):
        raise ValueError(
            "write one ASCII sign, such as ; or a tab in double quotes (it is looked for byte by byte)"
        )
    return value


_Sign = Annotated[str, AfterValidator(_one_ascii_sign)]


_TEXT_TABLES = ("csv", "whitespace")
_KEYS_OF_FORMATS = {
    "encoding": (*_TEXT_TABLES, "jsonl"),
    "delimiter": ("csv",),
    "quote": ("csv",),
    "header_rows": _TEXT_TABLES,
    "columns": _TEXT_TABLES,
    "null_values": _TEXT_TABLES,
}


class FileSource(_Model):
    """A family of files of one shape. Paths are relative to the settings file; one that begins with a variable,
    to the working directory."""

    files: _Name
    format: Literal["csv", "whitespace", "jsonl", "parquet"]
    tables: tuple[TableMapping, ...]
    encoding: str = "utf-8"
    delimiter: _Sign = ","
    quote: _Sign | None = '"'
    header_rows: Annotated[int, Field(ge=0)] = 1  # the first names the columns, the others are skipped
    columns: tuple[str, ...] | None = None  # names of the columns where the file has no header
    null_values: tuple[str, ...] = ("",)
    timezone: str | None = None  # of times without an offset; default: the company's
    duplicate_records: Literal["drop", "keep"] = "drop"  # of records that no key of their own tells apart
    required: bool = True  # whether a pattern that matches no file is an error

    @field_validator("encoding")
    @classmethod
    def _known_encoding(cls, value: str) -> str:
        try:
            "".encode(value)
        except LookupError:
            raise ValueError(f"{value!r} is no encoding; write utf-8, cp932, latin-1, utf-16, ...") from None
        return value

    @field_validator("timezone")
    @classmethod
    def _timezone(cls, value: str | None) -> str | None:
        return value if value is None else _known_timezone(value)

    @model_validator(mode="after")
    def _reads_one_way(self) -> FileSource:
        if not self.tables:
            raise ValueError("tables must name at least one table that the records are rows of")
        if self.delimiter == self.quote:
            raise ValueError("delimiter and quote are the same sign")
        useless = [
            k for k, v in _KEYS_OF_FORMATS.items() if k in self.model_fields_set and self.format not in v
        ]
        if useless:
            raise ValueError(f"format: {self.format} does not read {useless[0]}: remove the key")
        if self.format in _TEXT_TABLES and (self.header_rows == 0) != bool(self.columns):
            raise ValueError(
                "columns names the columns of a file without a header: write it with header_rows: 0, and only then"
            )
        if len(set(self.columns or ())) < len(self.columns or ()):
            raise ValueError("columns has a name twice")
        kept = {mapping.table: mapping.keep for mapping in self.tables}
        if any(kept[mapping.table] != mapping.keep for mapping in self.tables):
            raise ValueError("two mappings of one table must keep the same version, newest or oldest")
        if any(t.explode for t in self.tables) and self.format != "jsonl":
            raise ValueError("explode is for format: jsonl")
        return self


class Settings(_Model):
    company: Company
    sources: dict[Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")], FileSource]
    privacy: Privacy = Privacy()
    publication: Publication = Publication()
    schedule: Schedule = Schedule()
    thresholds: Thresholds = Thresholds()

    _path: Path = Path(CONFIG_NAME)

    @property
    def path(self) -> Path:
        """The file these settings were read from."""
        return self._path

    @property
    def folder(self) -> Path:
        """The folder that relative paths start from."""
        return self._path.parent

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.company.timezone)

    def default_as_of(self, now: dt.datetime) -> dt.date:
        """Yesterday in the company's time zone: the last day that is over.

        Args:
            now: an aware time.
        """
        return now.astimezone(self.zone).date() - dt.timedelta(days=1)


def load_settings(path: Path, environment: Mapping[str, str] = os.environ) -> Settings:
    """Read and validate a settings file; ``${NAME}`` in a value is replaced from the environment.

    Raises:
        SettingsError: the file is missing, is no YAML, or breaks a rule; one message for all its mistakes.
    """
    path = path.resolve()
    if not path.is_file():
        raise SettingsError(f"{path}: there is no such file. Write one with: kizuna init")
    try:
        content = yaml.load(path.read_text(encoding="utf-8"), _Yaml)  # noqa: S506 - a SafeLoader
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path}: this is no YAML in UTF-8: {error}") from None
    if not isinstance(content, dict):
        raise SettingsError(f"{path}: the file must hold keys such as company and sources. See: kizuna init")
    try:
        settings = Settings.model_validate(_expanded(content, environment, path, ()))
    except ValidationError as error:
        used = {name: environment[name] for name in _VARIABLE.findall(str(content))}
        raise SettingsError(_without_values(_explained(path, error), used)) from None
    except RecursionError:
        raise SettingsError(f"{path}: an anchor (&name) holds a reference (*name) to itself") from None
    settings._path = path
    return settings


def customer_key_secret(settings: Settings, environment: Mapping[str, str] = os.environ) -> str:
    """The secret behind ``customer_key``.

    Raises:
        SettingsError: the environment variable is not set. Its value never appears in a message.
    """
    source = settings.privacy.customer_key
    if source.public:
        return source.public
    secret = environment.get(source.env or "")
    if not secret:
        raise SettingsError(
            f"{settings.path}: privacy.customer_key.env: the environment variable {source.env} is not set. "
            f"Set it to a long random text and keep it: with another one every customer_key changes. "
            f"(python3 -c 'import secrets; print(secrets.token_hex(32))' makes one.)"
        )
    return secret


class _Yaml(yaml.SafeLoader):
    """YAML without its traps: a key written twice is an error, not a silent choice of the last one; ``no``,
    ``2024-01-01`` and ``007`` are text (a column may be called so), as in YAML 1.2."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode) and key.value != "<<"]
        doubled = sorted({key for key in keys if keys.count(key) > 1})
        if doubled:
            raise yaml.constructor.ConstructorError(
                problem=f"the key {doubled[0]!r} is written twice", problem_mark=node.start_mark
            )
        return super().construct_mapping(node, deep)


_Yaml.yaml_implicit_resolvers = {
    first: [(tag, form) for tag, form in forms if tag.rpartition(":")[2] not in ("bool", "int", "timestamp")]
    for first, forms in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Yaml.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile(r"^(true|false)$", re.IGNORECASE), [*"tTfF"])
_Yaml.add_implicit_resolver("tag:yaml.org,2002:int", re.compile(r"^[-+]?(0|[1-9][0-9]*)$"), [*"-+0123456789"])


def _without_values(message: str, variables: Mapping[str, str]) -> str:
    """The message with the values of environment variables replaced by their names: some are secrets."""
    for name, value in sorted(variables.items(), key=lambda item: -len(item[1])):
        message = message.replace(value, f"${{{name}}}") if value else message
    return message


def _expanded(value: Any, environment: Mapping[str, str], path: Path, key: tuple[str, ...]) -> Any:
    if isinstance(value, dict):
        return {k: _expanded(v, environment, path, (*key, str(k))) for k, v in value.items()}
    if isinstance(value, list):
        return [_expanded(v, environment, path, (*key, str(i))) for i, v in enumerate(value)]
    if not isinstance(value, str):
        return value

    def from_environment(match: re.Match[str]) -> str:
        name = match.group(1)
        if name not in environment:
            raise SettingsError(
                f"{path}: {'.'.join(key)}: the environment variable {name} is not set. "
                f"Set it ({name}=... kizuna run), or write the value in the file."
            )
        return environment[name]

    expanded = _VARIABLE.sub(from_environment, value)
    # A person writes a path in a variable from where they stand, not from where the settings lie.
    return str(Path.cwd() / expanded) if key[-1:] == ("files",) and value.startswith("${") else expanded


def _explained(path: Path, error: ValidationError) -> str:
    lines = []
    for problem in error.errors():
        key = ".".join(str(part) for part in problem["loc"]) or "(the file)"
        if problem["type"] == "extra_forbidden":
            text = f"unknown key. Remove it or correct its spelling{_near(problem['loc'])}"
        elif problem["type"] == "model_type":
            text = (
                "write a column's name, or keys such as sql and constant, in quotes where YAML reads a number"
            )
        elif problem["type"] == "missing":
            text = "this key is missing: add it"
        else:
            text = problem["msg"].removeprefix("Value error, ")
        lines.append(f"{path}: {key}: {text}")
    return "\n".join(lines)


_KNOWN_KEYS = sorted(
    {
        name
        for model in (
            Settings,
            Company,
            Privacy,
            CustomerKey,
            Publication,
            Schedule,
            Thresholds,
            FileSource,
            TableMapping,
            ColumnMapping,
        )
        for name in model.model_fields
    }
)


def _near(location: tuple[int | str, ...]) -> str:
    import difflib

    close = difflib.get_close_matches(str(location[-1]), _KNOWN_KEYS, n=1)
    return f" (did you mean {close[0]!r}?)" if close else ""
