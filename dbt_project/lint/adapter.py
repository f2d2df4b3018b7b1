"""Stands in for dbt's ``adapter`` while sqlfluff renders the models, so that linting opens no database.

Only ``dispatch`` is used by the macros: it renders as a plain function call, which is all a linter needs.
"""

from __future__ import annotations

from collections.abc import Callable


def dispatch(macro_name: str) -> Callable[..., str]:
    """A macro that renders as a call of a function of its own name."""
    return lambda *arguments: f"{macro_name}({', '.join(str(argument) for argument in arguments)})"
