"""The canonical tables as Markdown, for docs/sources.md. ``python -m pipelines.contracts.dictionary`` prints them."""

from __future__ import annotations

from pipelines import contracts

BEGIN, END = "<!-- canonical tables: begin -->", "<!-- canonical tables: end -->"


def as_markdown() -> str:
    """One section per table: its key, and each column with its type and meaning."""
    return "\n".join(_section(contract) for contract in contracts.ALL)


def _section(contract: contracts.Contract) -> str:
    rows = "\n".join(
        f"| {_name(contract, column)} | {column.kind.value} | {meaning(column)} |"
        for column in contract.columns
    )
    return (
        f"### {contract.name}\n\n{contract.description} Key: {', '.join(contract.key)}.\n\n"
        f"| column | type | meaning |\n| --- | --- | --- |\n{rows}\n"
    )


def _name(contract: contracts.Contract, column: contracts.Column) -> str:
    return f"**{column.name}**" if contract.is_required(column) else column.name


def meaning(column: contracts.Column) -> str:
    """What a column means, with the values that it may have."""
    allowed = f" One of: {', '.join(column.allowed)}." if column.allowed else ""
    return column.description + allowed


if __name__ == "__main__":
    print(as_markdown())
