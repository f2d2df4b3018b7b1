"""``kizuna.yml`` and the environment, read once and validated.

Belongs here: the file, its YAML and the environment. Does not: what the settings do, and what people are told of
a value that breaks a rule (``explaining``). Nothing else in the project reads the file.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from pipelines.errors import KizunaError
from pipelines.settings import sources
from pipelines.settings.company import Settings
from pipelines.settings.explaining import explained
from pipelines.settings.presets import with_preset
from pipelines.settings.sources import Secret

_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")


class SettingsError(KizunaError):
    """A mistake in the settings. The message names the file, the key and the mend."""


def load_settings(path: Path, environment: Mapping[str, str] = os.environ) -> Settings:
    """Read and validate a settings file; ``${NAME}`` in a value is replaced from the environment.

    Raises:
        SettingsError: the file is missing, is no YAML, or breaks a rule; one message for all its mistakes.
    """
    path = path.resolve()
    if not path.is_file():
        raise SettingsError(
            f"{path}: there is no such file. Name another with --config, or write one with: kizuna init"
        )
    try:
        content = yaml.load(path.read_text(encoding="utf-8"), _Yaml)  # noqa: S506 - a SafeLoader
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path}: this is no YAML in UTF-8: {error}") from None
    if not isinstance(content, dict):
        raise SettingsError(f"{path}: the file must hold keys such as company and sources. See: kizuna init")
    try:
        settings = Settings.model_validate(_completed(_expanded(content, environment, path, ())))
    except ValidationError as error:
        used = {name: environment[name] for name in _VARIABLE.findall(str(content))}
        raise SettingsError(_without_values(explained(path, error), used)) from None
    except RecursionError:
        raise SettingsError(f"{path}: an anchor (&name) holds a reference (*name) to itself") from None
    settings._path = path
    settings._written = {
        source.files: content["sources"][name]["files"]
        for name, source in settings.sources.items()
        if isinstance(source, sources.FileSource)
    }
    return settings


def customer_key_secret(settings: Settings, environment: Mapping[str, str] = os.environ) -> str:
    """The secret behind ``customer_key``.

    Raises:
        SettingsError: the environment variable is not set. Its value never appears in a message.
    """
    source = settings.privacy.customer_key
    if source.public:
        return source.public
    secret = environment.get(source.env or "")
    if not secret:
        raise SettingsError(
            f"{settings.path}: privacy.customer_key.env: the environment variable {source.env} is not set. "
            f"Set it to a long random text and keep it: with another one every customer_key changes. "
            f"(python3 -c 'import secrets; print(secrets.token_hex(32))' makes one.)"
        )
    return secret


def secret_value(
    settings: Settings, source: str, key: str, secret: Secret, environment: Mapping[str, str] = os.environ
) -> str:
    """A secret of a source, such as a token.

    Args:
        source, key: where the settings name it, for the message.

    Raises:
        SettingsError: the environment variable is not set.
    """
    return setting_secret(settings, f"sources.{source}.{key}", secret, environment)


def setting_secret(
    settings: Settings, key: str, secret: Secret, environment: Mapping[str, str] = os.environ
) -> str:
    """A secret of the settings, such as the connection string of ``publication.postgres``.

    Args:
        key: where the settings name it, for the message.

    Raises:
        SettingsError: the environment variable is not set.
    """
    value = environment.get(secret.env)
    if not value:
        raise SettingsError(
            f"{settings.path}: {key}.env: the environment variable {secret.env} is not set. "
            f"Set it where the night runs; it is never written in a file."
        )
    return value


class _Yaml(yaml.SafeLoader):
    """YAML without its traps: a key written twice is an error, not a silent choice of the last one; ``no``,
    ``2024-01-01`` and ``007`` are text (a column may be called so), as in YAML 1.2."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode) and key.value != "<<"]
        doubled = sorted({key for key in keys if keys.count(key) > 1})
        if doubled:
            raise yaml.constructor.ConstructorError(
                problem=f"the key {doubled[0]!r} is written twice", problem_mark=node.start_mark
            )
        return super().construct_mapping(node, deep)


_Yaml.yaml_implicit_resolvers = {
    first: [(tag, form) for tag, form in forms if tag.rpartition(":")[2] not in ("bool", "int", "timestamp")]
    for first, forms in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Yaml.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile(r"^(true|false)$", re.IGNORECASE), [*"tTfF"])
_Yaml.add_implicit_resolver("tag:yaml.org,2002:int", re.compile(r"^[-+]?(0|[1-9][0-9]*)$"), [*"-+0123456789"])


def _without_values(message: str, variables: Mapping[str, str]) -> str:
    """The message with the values of environment variables replaced by their names: some are secrets."""
    for name, value in sorted(variables.items(), key=lambda item: -len(item[1])):
        message = message.replace(value, f"${{{name}}}") if value else message
    return message


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

    expanded = _VARIABLE.sub(from_environment, value)
    # A person writes a path in a variable from where they stand, not from where the settings lie.
    return str(Path.cwd() / expanded) if key[-1:] == ("files",) and value.startswith("${") else expanded


def _completed(content: dict[str, Any]) -> dict[str, Any]:
    """The content with the presets laid under its sources."""
    found = content.get("sources")
    if not isinstance(found, dict):
        return content
    return {**content, "sources": {name: with_preset(source) for name, source in found.items()}}
