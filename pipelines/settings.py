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

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

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


class HashKeyFromEnvironment(_Model):
    """The secret that turns a customer id into a ``customer_key`` comes from this environment variable."""

    env: str


class PublicHashKey(_Model):
    """For public data, demos and tests only: everybody who reads the file can recompute the keys."""

    public: Annotated[str, Field(min_length=1)]


class Privacy(_Model):
    customer_key: HashKeyFromEnvironment | PublicHashKey = HashKeyFromEnvironment(env="KIZUNA_CUSTOMER_KEY")


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


class ColumnMapping(_Model):
    """Where one canonical column comes from. Exactly one of the first four keys."""

    column: str | None = None
    sql: str | None = None
    constant: str | int | float | bool | None = None
    number_within: tuple[str, ...] | None = None
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
        if self.sql is not None and re.search(r"\bover\s*\(", self.sql, re.IGNORECASE):
            raise ValueError(
                "window functions would number rows by batch, not by file: write number_within: [column, ...]"
            )
        return self


class TableMapping(_Model):
    """How the records of a source become rows of one canonical table."""

    table: str
    columns: dict[str, ColumnMapping]
    where: str | None = None  # SQL condition: which records are rows of this table
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


class FileSource(_Model):
    """A family of files of one shape. Paths are relative to the settings file."""

    files: str
    format: Literal["csv", "whitespace", "jsonl", "parquet"]
    tables: Annotated[tuple[TableMapping, ...], Field(min_length=1)]
    encoding: str = "utf-8"
    delimiter: Annotated[str, Field(min_length=1, max_length=1)] = ","
    quote: Annotated[str, Field(min_length=1, max_length=1)] | None = '"'
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
    def _names_its_columns(self) -> FileSource:
        if self.format in ("csv", "whitespace") and self.header_rows == 0 and not self.columns:
            raise ValueError("header_rows: 0 needs columns, the names of the file's columns in order")
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
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path}: this is no YAML in UTF-8: {error}") from None
    if not isinstance(content, dict):
        raise SettingsError(f"{path}: the file must hold keys such as company and sources. See: kizuna init")
    try:
        settings = Settings.model_validate(_expanded(content, environment, path, ()))
    except ValidationError as error:
        raise SettingsError(_explained(path, error)) from None
    settings._path = path
    return settings


def customer_key_secret(settings: Settings, environment: Mapping[str, str] = os.environ) -> str:
    """The secret behind ``customer_key``.

    Raises:
        SettingsError: the environment variable is not set. Its value never appears in a message.
    """
    source = settings.privacy.customer_key
    if isinstance(source, PublicHashKey):
        return source.public
    secret = environment.get(source.env)
    if not secret:
        raise SettingsError(
            f"{settings.path}: privacy.customer_key.env: the environment variable {source.env} is not set. "
            f"Set it to a long random text and keep it: with another one every customer_key changes. "
            f"(python3 -c 'import secrets; print(secrets.token_hex(32))' makes one.)"
        )
    return secret


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

    return _VARIABLE.sub(from_environment, value)


def _explained(path: Path, error: ValidationError) -> str:
    lines = []
    for problem in error.errors():
        key = ".".join(str(part) for part in problem["loc"]) or "(the file)"
        if problem["type"] == "extra_forbidden":
            text = f"unknown key. Remove it or correct its spelling{_near(problem['loc'])}"
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
