"""The base of every part of the settings."""

from __future__ import annotations

from typing import Annotated
from zoneinfo import available_timezones

from pydantic import BaseModel, ConfigDict, Field


class Model(BaseModel):
    """Knows its keys, and nothing changes it."""

    model_config = ConfigDict(extra="forbid", frozen=True)


Name = Annotated[str, Field(min_length=1)]


def known_timezone(name: str) -> str:
    """Validator of a time zone's name."""
    if name not in available_timezones():
        raise ValueError(f"{name!r} is no time zone; write one of the IANA names, such as Europe/London")
    return name
