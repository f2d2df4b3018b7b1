"""All topics of the validation, in the order of the page."""

from __future__ import annotations

from . import forgiveness, loyalty
from .findings import Room

ROOMS: tuple[Room, ...] = (loyalty.ROOM, forgiveness.ROOM)
