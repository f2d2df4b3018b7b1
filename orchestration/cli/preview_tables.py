"""A preview as tables that fit a terminal of 80 columns."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from pipelines.first_look.preview import Preview, Refused, TablePreview
from pipelines.first_look.profile import ColumnProfile, shape

_LABEL_LENGTH = 48
_SHOWN_UNMAPPED = 12


def print_preview(out: Console, found: Preview, *, show_values: bool) -> None:
    """Print it: how the file was read, its columns, and what each canonical table would get."""

    def say(text: str) -> None:
        out.print(text, highlight=False)

    _print_head(say, found)
    out.print(_columns_table(found.columns, show_values=show_values))
    for table in found.tables:
        out.print()
        _print_table(out, say, table, show_values=show_values)
    if not found.tables:
        say(
            "\nNo mapping was looked at. A first one: kizuna source suggest FILE --output kizuna.yml; "
            "then preview it with --config"
        )
    if found.unmapped:
        shown = ", ".join(found.unmapped[:_SHOWN_UNMAPPED])
        more = len(found.unmapped) - _SHOWN_UNMAPPED
        say(f"\nMapped to nothing: {escape(shown)}{f' and {more} more' if more > 0 else ''}")
    if not show_values:
        say("\n[dim]Shapes stand for values: a a letter, 9 a digit. --values shows the values.[/]")


def _print_head(say: Callable[[str], None], found: Preview) -> None:
    options = ", ".join(f"{name} {_shown(value)}" for name, value in found.options.items())
    how = f"format {found.format}" + (f", {options}" if options else "")
    say(
        f"[bold]{escape(found.file)}[/]: {escape(how)}" + (f", source {found.source}" if found.source else "")
    )
    partial = " at its beginning; --all looks at the whole file" if found.partial else ""
    unreadable = sum(reason.count for reason in found.unreadable)
    say(
        f"{found.records:,} records{partial}; {unreadable:,} unreadable, "
        f"{found.duplicates:,} repeat an earlier one to the letter"
    )
    if found.zone:
        say(f"The file declares the time zone {found.zone}.")
    for reason in found.unreadable:
        say(f"  [red]unreadable[/] {_refusal(reason)}")


def _columns_table(columns: Sequence[ColumnProfile], *, show_values: bool) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, title="Columns", title_justify="left")
    table.add_column("column", overflow="fold", ratio=3)
    table.add_column("filled", justify="right", no_wrap=True)
    table.add_column("values", justify="right", no_wrap=True)
    table.add_column("kind", overflow="fold", ratio=2)
    table.add_column("examples", overflow="ellipsis", ratio=4)
    for column in columns:
        told = column.label and column.label not in column.name
        label = f"\n[dim]{escape(_cut(column.label or ''))}[/]" if told else ""
        table.add_row(
            escape(column.name) + label,
            _share(column.filled, column.records),
            f"{column.distinct:,}",
            _kind(column),
            escape(" | ".join(_cut(text, 40) for text in column.examples(show_values=show_values))),
        )
    return table


def _kind(column: ColumnProfile) -> str:
    kind = column.kind
    if column.formats and column.formats[0]:
        kind += f" {column.formats[0]}" + (f" or {column.formats[1]}" if len(column.formats) > 1 else "")
    return kind + (f" ({column.others:,} others)" if column.others else "")


def _print_table(out: Console, say: Callable[[str], None], found: TablePreview, *, show_values: bool) -> None:
    say(f"[bold]{found.table}[/]")
    if found.error:
        say(f"[red]The file would be rejected:[/] {escape(found.error)}")
        return
    say(
        f"{found.total('read'):,} rows: {found.total('loaded'):,} would be loaded, "
        f"{found.total('quarantined'):,} quarantined, {found.total('repeated'):,} dropped as repetitions"
        + (f"; left out by where: {found.total('excluded'):,} records" if found.total("excluded") else "")
    )
    if found.same_key:
        say(f"{found.same_key:,} rows have the key of an earlier row in the file: the {found.keep} wins")
    for reason in found.refused:
        say(f"  [yellow]quarantined[/] {_refusal(reason)}")
    out.print(_origins_table(found, show_values=show_values))
    if any(part.name for part in found.parts):
        out.print(_questions_table(found))


def _origins_table(found: TablePreview, *, show_values: bool) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("canonical column", overflow="fold", ratio=3)
    table.add_column("comes from", overflow="fold", ratio=4)
    table.add_column("filled", justify="right", no_wrap=True)
    table.add_column("first rows", overflow="ellipsis", ratio=5)
    read = found.total("read")
    for place, origin in enumerate(found.origins):
        first = [row[place] for row in found.rows]
        shown = [value if show_values or origin.shared else shape(value) for value in first]
        table.add_row(
            origin.column,
            escape(origin.origin),
            _share(origin.filled, read),
            escape(" | ".join("-" if value is None else _cut(value, 24) for value in shown)),
        )
    return table


def _questions_table(found: TablePreview) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("question", overflow="fold")
    for heading in ("rows", "loaded", "quarantined"):
        table.add_column(heading, justify="right", no_wrap=True)
    for part in found.parts:
        table.add_row(escape(part.name or ""), f"{part.read:,}", f"{part.loaded:,}", f"{part.quarantined:,}")
    return table


def _refusal(reason: Refused) -> str:
    lines = ", ".join(f"{line:,}" for line in reason.lines)
    more = ", ..." if reason.count > len(reason.lines) else ""
    return f"{reason.count:,}: {escape(reason.reason)} (line {lines}{more})"


def _share(part: int, whole: int) -> str:
    """In percent; neither 0 nor 100 % where it is not quite."""
    if part in (0, whole):
        return "100%" if part else "0%"
    return f"{min(max(part / whole, 0.001), 0.999):.1%}"


def _shown(value: object) -> str:
    return (
        "none"
        if value is None
        else repr(value)
        if isinstance(value, str) and not value.isalnum()
        else str(value)
    )


def _cut(text: str, length: int = _LABEL_LENGTH) -> str:
    line = " ".join(text.split())
    return line if len(line) <= length else f"{line[: length - 1]}…"
