"""All topics of the validation, in the order of the page."""

from __future__ import annotations

from . import campaigns_and_traits, forgiveness, initiatives, loyalty, sales_quality, value_equation
from .findings import Room

ROOMS: tuple[Room, ...] = (
    loyalty.ROOM,
    forgiveness.ROOM,
    sales_quality.ROOM,
    campaigns_and_traits.ROOM,
    value_equation.ROOM,
    initiatives.ROOM,
)
