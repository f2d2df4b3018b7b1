"""DuckDB's extensions, from the wheels that bring them.

Belongs here: where an extension's file is. Does not: what it is loaded for.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path

import duckdb

from pipelines.errors import KizunaError


class ExtensionError(KizunaError):
    """An extension cannot be loaded. The message says what to install."""


def load_extension(connection: duckdb.DuckDBPyConnection, extension: str) -> None:
    """Load an extension; where no wheel brings it, DuckDB downloads it into the connection's own folder.

    Args:
        extension: DuckDB's name of it, such as ``postgres_scanner``.

    Raises:
        ExtensionError: it is not installed, and cannot be downloaded.
    """
    file = _file_in_wheel(extension)
    try:
        if file is None:
            connection.execute(f"install {extension}")
        connection.execute(f"load '{file or extension}'")
    except duckdb.Error:
        raise ExtensionError(
            f"DuckDB's extension {extension} cannot be loaded, and cannot be downloaded from here. "
            f"Install it: pip install duckdb-extension-{extension.replace('_', '-')}=={duckdb.__version__}"
        ) from None


def _file_in_wheel(extension: str) -> Path | None:
    """The extension's file for this version of DuckDB. The wheel's own helper is not used: it copies the file
    into the user's home."""
    package = importlib.util.find_spec(f"duckdb_extension_{extension}")
    folders = package.submodule_search_locations if package else None
    if not folders:
        return None
    file = Path(folders[0], "extensions", f"v{duckdb.__version__}", f"{extension}.duckdb_extension")
    return file if file.is_file() else None
