"""The first ``kizuna.yml`` of a new user."""

from __future__ import annotations

from pathlib import Path

from pipelines.settings import CONFIG_NAME, SettingsError

TEMPLATE = Path(__file__).with_name("template.yml")


def write_template(folder: Path) -> Path:
    """Write the template; an existing file stays as it is.

    Raises:
        SettingsError: there is one already.
    """
    path = folder / CONFIG_NAME
    if path.exists():
        raise SettingsError(
            f"{path} exists already and stays as it is. Name another folder, or remove it first."
        )
    folder.mkdir(parents=True, exist_ok=True)
    path.write_text(TEMPLATE.read_text(encoding="utf-8"), encoding="utf-8")
    return path
