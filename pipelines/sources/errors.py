"""What goes wrong between Kizuna and a system it reads."""

from __future__ import annotations


class SourceError(Exception):
    """A database or a service cannot be read. The message names the source, what failed and the mend, and
    holds neither secrets nor data."""
