"""What all mistakes have in common that people can mend.

Belongs here: the base classes, which import nothing. Does not: a mistake itself, which stands with what raises it.
"""

from __future__ import annotations


class KizunaError(Exception):
    """The message says what is wrong, where, and how to mend it; it shows no data and no secret."""


class BusyError(KizunaError):
    """Somebody else is at work. Nothing has to be mended: the same again later will do."""
