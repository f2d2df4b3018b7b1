"""``kizuna serve``: says what is served, follows the publication, ends on a signal."""

from __future__ import annotations

import signal
import threading

from rich.console import Console

from pipelines.home import Home
from pipelines.serving import LOOPBACK, serving

_LOOK_EVERY_SECONDS = 1.0  # reading the link and the manifest costs about a millisecond


def serve_until_ended(home: Home, token: str, host: str, port: int, out: Console, err: Console) -> None:
    """Serve until SIGINT or SIGTERM.

    Raises:
        ServingError, PublicationError, ExtensionError: it did not begin.
    """
    end = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: end.set())
    if host not in LOOPBACK:
        err.print(
            f"[yellow]warning:[/] {host} is open to other machines, and quack encrypts nothing: "
            "put a proxy with TLS in front of it (docs/bi.md)",
            highlight=False,
            soft_wrap=True,
        )
    with serving(home, token, host=host, port=port) as server:
        out.print(f"Serving {server.version.name} at {server.address}", highlight=False, soft_wrap=True)
        while not end.wait(_LOOK_EVERY_SECONDS):
            shown = server.follow()
            if shown is not None:
                out.print(f"Serving {shown.name}", highlight=False, soft_wrap=True)
    out.print("Ended.")
