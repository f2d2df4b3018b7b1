"""The settings as a whole, and everything in them that is not about sources."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import Field, PrivateAttr, field_validator, model_validator

from pipelines.settings.base import Model, Name, known_timezone
from pipelines.settings.sources import Secret, Source

CONFIG_NAME = "kizuna.yml"


class Company(Model):
    name: str
    timezone: str = "UTC"  # business dates and the schedule follow it
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")] = "EUR"
    fiscal_year_first_month: Annotated[int, Field(ge=1, le=12)] = 1  # the calendar year, as in most countries

    _timezone = field_validator("timezone")(known_timezone)


class CustomerKey(Model):
    """Where the secret comes from that turns a customer id into a ``customer_key``. Exactly one of the keys."""

    env: str | None = None  # the name of an environment variable
    public: str | None = None  # for public data and demos only: everybody can recompute the keys

    @model_validator(mode="after")
    def _one_origin(self) -> CustomerKey:
        if bool(self.env) == bool(self.public):
            raise ValueError("write {env: NAME_OF_A_VARIABLE} or, for public data only, {public: ANY_TEXT}")
        return self


class Privacy(Model):
    customer_key: CustomerKey = CustomerKey(env="KIZUNA_CUSTOMER_KEY")


class PostgresExport(Model):
    """A schema of a PostgreSQL database that holds the published tables, for tools that do not read DuckDB."""

    connection: Secret
    # Its own: what else is in it is left alone, but a table of a published name would stand in the way.
    schema_name: Annotated[str, Field(alias="schema", pattern=r"^[a-z][a-z0-9_]{0,62}$")] = "kizuna"


class Publication(Model):
    """How many versions stay, and the ways out beside the DuckDB file."""

    keep_versions: Annotated[int, Field(ge=1)] = 7  # a week of nights to roll back to
    folder: Name | None = None  # a copy of the file and the scorecard there, for other accounts
    parquet: bool | Name = True  # published/parquet; a folder's name: a copy there, too
    postgres: PostgresExport | None = None

    @model_validator(mode="after")
    def _two_folders(self) -> Publication:
        if self.folder is not None and self.folder == self.parquet:
            raise ValueError("folder and parquet are one folder, and each switches its own link: name two")
        return self


class Serve(Model):
    """``kizuna serve``: clients on other machines read the published file."""

    token: Secret = Secret(env="KIZUNA_SERVE_TOKEN")


class Schedule(Model):
    cron: str = "0 2 * * *"  # after midnight's exports, before the first reader
    enabled: bool = True


class Arrivals(Model):
    """Files that are read when they arrive, without waiting for the night."""

    enabled: bool = True
    every_seconds: Annotated[int, Field(ge=1)] = (
        30  # a file counts as whole once it has kept its size and time from one look to the next
    )


class Thresholds(Model):
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
    stop_shrunk_share: Annotated[float, Field(ge=0, le=1)] = (
        0.1  # a snapshot that loses a tenth overnight was cut off on its way, rather than so many customers left
    )
    warn_match_rate_fall: Annotated[float, Field(ge=0, le=1)] = (
        0.1  # one night in the seven counted without any match lowers the rate by a seventh; chance by a few points
    )
    warn_lifetime_value_bias: Annotated[float, Field(ge=0)] = (
        0.2  # the literature's own example is an eighth off; beyond a fifth no budget should rely on it
    )


class Matching(Model):
    """Probabilistic matching of people, the last and weakest evidence: see ``pipelines.matching``."""

    enabled: bool = False  # a wrong match gives one person's complaint to another: a company decides for it
    threshold: Annotated[float, Field(gt=0.5, le=1)] = 0.95  # at most one link in twenty may be wrong
    maximum_cluster: Annotated[int, Field(ge=2)] = (
        5  # more people than that are a mailbox, a household or an office
    )


class LifetimeValue(Model):
    """How customer lifetime value is predicted: see ``pipelines.estimates``."""

    horizon_days: Annotated[int, Field(ge=30)] = 365  # a budget's year; errors grow with the horizon
    annual_discount_rate: Annotated[float, Field(ge=0, lt=1)] = (
        0.10  # the usual cost of capital of a retailer
    )
    holdout_days: Annotated[int, Field(ge=28)] = (
        91  # a quarter is kept back and predicted, to choose the model and to say how far to trust it
    )
    basis: Literal["margin", "revenue"] = "margin"  # what a purchase is worth to the company
    assumed_margin_rate: Annotated[float, Field(gt=0, le=1)] | None = (
        None  # of the net amount, for goods whose cost nobody knows
    )
    minimum_repeat_buyers: Annotated[int, Field(ge=10)] = (
        100  # with fewer, the four parameters' standard errors are as large as the parameters
    )


class Settings(Model):
    company: Company
    sources: dict[Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")], Source]
    privacy: Privacy = Privacy()
    publication: Publication = Publication()
    schedule: Schedule = Schedule()
    arrivals: Arrivals = Arrivals()
    thresholds: Thresholds = Thresholds()
    matching: Matching = Matching()
    lifetime_value: LifetimeValue = LifetimeValue()
    serve: Serve = Serve()

    _path: Path = Path(CONFIG_NAME)
    _written: dict[str, str] = PrivateAttr(default_factory=dict)  # by the pattern that it became

    @property
    def path(self) -> Path:
        """The file these settings were read from."""
        return self._path

    @property
    def folder(self) -> Path:
        """The folder that relative paths start from."""
        return self._path.parent

    def as_written(self, files: str) -> str:
        """A pattern of files as the settings file has it, for messages: with the names of variables rather
        than with the paths of this machine."""
        return self._written.get(files, files)

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.company.timezone)

    def default_as_of(self, now: dt.datetime) -> dt.date:
        """Yesterday in the company's time zone: the last day that is over.

        Args:
            now: an aware time.
        """
        return now.astimezone(self.zone).date() - dt.timedelta(days=1)
