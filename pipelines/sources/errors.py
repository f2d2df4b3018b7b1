"""What goes wrong between Kizuna and a system it reads."""

from __future__ import annotations

from pipelines.errors import KizunaError


class SourceError(KizunaError):
    """A database or a service cannot be read. The message names the source, what failed and the mend, and
    holds neither secrets nor data."""
