"""``dagster dev``, with our web server in the place of Dagster's."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

from dagster._cli import dev
from dagster._utils.warnings import SupersessionWarning
from dagster_shared.ipc import open_ipc_subprocess

_THEIRS, _OURS = "dagster_webserver", "orchestration.ui.webserver"


def _open(command: Sequence[str], **options: Any) -> Any:
    return open_ipc_subprocess([_OURS if part == _THEIRS else part for part in command], **options)


if __name__ == "__main__":
    warnings.simplefilter("ignore", SupersessionWarning)  # for `dg dev`: a package more, the same web server
    dev.open_ipc_subprocess = _open  # it has no option for another web server
    dev.dev_command()
