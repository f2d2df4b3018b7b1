"""The landing zone: every batch as it was read, immutable, enough to rebuild the warehouse from.

    landing/<schema>/<table>/<load>-<part>.parquet    rows that the contract let in
    landing/quarantine/<load>-<part>.parquet          rows and records that it did not
    landing/deleted/<schema>.<table>/<load>-<part>.parquet    keys of rows that the source no longer has
    landing/loads/<load>.json                         files with their hashes, and the counts

The manifest is written last, and synced: a load without one was interrupted and counts as never begun.
"""

from __future__ import annotations

import json
import os
import re
from dataclasses import asdict, dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl

from pipelines import contracts
from pipelines.contracts import Contract
from pipelines.formats.records import LINE

FILE, ORDER = "_file", "_order"  # ORDER: place of the row in its load, from 0
QUARANTINE_SCHEMA = {
    "file": pl.String,
    "line": pl.Int64,
    "table_name": pl.String,
    "reason": pl.String,
    "original_text": pl.String,
}
# Small files share a part; a part of a million rows is written within a second and held in memory once.
_PART_ROWS = 1_000_000


@dataclass
class Tally:
    """Rows of one outcome and, for order lines, their quantity and amount."""

    rows: int = 0
    quantity: Decimal = Decimal(0)
    amount: Decimal = Decimal(0)

    def add(self, frame: pl.DataFrame, contract: Contract) -> None:
        self.rows += frame.height
        if contract.name == "crm.order_lines" and frame.height:
            quantity = pl.col("quantity").cast(pl.Decimal(38, 8))
            totals = frame.select(
                quantity.sum().alias("q"), (quantity * pl.col("unit_price")).sum().alias("a")
            )
            self.quantity += totals["q"][0] or 0
            self.amount += totals["a"][0] or 0


@dataclass
class TableCounts:
    """What became of a load's records on their way to one table."""

    records_read: int = 0
    rows_excluded: int = 0
    read: Tally = field(default_factory=Tally)
    quarantined: Tally = field(default_factory=Tally)
    repeated: Tally = field(default_factory=Tally)
    keys_deleted: int = 0  # that the source no longer has, whether or not the warehouse knows them


@dataclass(frozen=True)
class FileOutcome:
    """What became of one file of a load. ``status``: loaded, rejected, same_content, or outdated (a snapshot)."""

    file: str
    sha256: str
    bytes: int
    modified_ns: int
    status: str
    records: int
    reason: str | None = None


@dataclass(frozen=True)
class Load:
    """The manifest of one load: all that ``pipelines.load`` needs beside the Parquet parts."""

    load_id: int
    source: str
    files: tuple[FileOutcome, ...]
    tables: dict[str, TableCounts]
    keep_oldest: tuple[str, ...]
    unversioned: tuple[str, ...]  # tables whose rows say nothing of their age: the later arrival is newer
    cursors: dict[str, str] = field(default_factory=dict)  # how far each stream is read, as JSON
    # by stream the columns that are new, or of a new type, with it
    columns: dict[str, dict[str, str | None]] = field(default_factory=dict)


class LandingZone:
    """The folder, and the files of each load in it."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def parts(self, load_id: int, contract: Contract) -> list[Path]:
        return sorted(self._table_folder(contract).glob(f"{load_id:06d}-*.parquet"))

    def deleted_parts(self, load_id: int, contract: Contract) -> list[Path]:
        return sorted((self.root / _deleted_folder(contract)).glob(f"{load_id:06d}-*.parquet"))

    def quarantine_parts(self, load_id: int) -> list[Path]:
        return sorted((self.root / "quarantine").glob(f"{load_id:06d}-*.parquet"))

    def write(self, folder: str, load_id: int, part: int, frame: pl.DataFrame) -> None:
        """Write and sync one Parquet part.

        Raises:
            OSError: the disk is full, or cannot be written.
        """
        path = self.root / folder / f"{load_id:06d}-{part:03d}.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            frame.write_parquet(path, compression="zstd", compression_level=1)
        except pl.exceptions.PolarsError as error:  # of our own frames only the disk's errors are left
            raise OSError(str(error).partition("\n")[0]) from None
        _sync(path)

    def sync(self, folder: str) -> None:
        """Make sure that the names of the parts in a folder outlive a power failure, too."""
        _sync(self.root / folder)

    def write_manifest(self, load: Load) -> None:
        path = self._manifest(load.load_id)
        path.parent.mkdir(parents=True, exist_ok=True)
        building = path.with_suffix(".building")
        building.write_text(json.dumps(asdict(load), default=str, indent=1), encoding="utf-8")
        _sync(building)
        building.replace(path)
        _sync(path.parent)

    def read_manifest(self, load_id: int) -> Load:
        return _load_from(json.loads(self._manifest(load_id).read_text(encoding="utf-8")))

    def manifests(self) -> list[int]:
        """Identifiers of all complete loads, in order."""
        return sorted(int(path.stem) for path in (self.root / "loads").glob("*.json"))

    def discard_unfinished(self) -> None:
        """Remove the parts that an interrupted run left without a manifest."""
        finished = set(self.manifests())
        for path in self.root.rglob("[0-9]*"):
            if path.is_file() and int(re.split("[-.]", path.name)[0]) not in finished:
                path.unlink()

    def _table_folder(self, contract: Contract) -> Path:
        return self.root / contract.schema / contract.table

    def _manifest(self, load_id: int) -> Path:
        return self.root / "loads" / f"{load_id:06d}.json"


class LandingWriter:
    """Collects the rows of one load and writes them in parts of bounded size."""

    def __init__(self, zone: LandingZone, load_id: int) -> None:
        self._zone = zone
        self._load_id = load_id
        self._pending: dict[str, list[pl.DataFrame]] = {}
        self._parts: dict[str, int] = {}
        self._rows: dict[str, int] = {}

    def add_rows(self, contract: Contract, file: str, rows: pl.DataFrame) -> None:
        """``rows``: the contract's columns, ``LINE``, ``_version`` and ``_extra``."""
        folder = f"{contract.schema}/{contract.table}"
        before = self._rows.get(folder, 0)
        self._rows[folder] = before + rows.height
        self._add(
            folder,
            rows.select(
                *contract.column_names,
                pl.lit(file).alias(FILE),
                pl.col(LINE).alias("_line"),
                "_version",
                "_extra",
                (pl.int_range(pl.len(), dtype=pl.Int64) + before).alias(ORDER),
            ),
        )

    def add_deleted(self, contract: Contract, keys: pl.DataFrame) -> None:
        """``keys``: the contract's key."""
        self._add(
            _deleted_folder(contract),
            keys.select(
                pl.col(column.name).cast(column.kind.polars)
                for column in contract.columns
                if column.name in contract.key
            ),
        )

    def add_quarantined(self, rows: pl.DataFrame) -> None:
        """``rows``: ``QUARANTINE_SCHEMA``."""
        self._add("quarantine", rows.select(*QUARANTINE_SCHEMA))

    def finish(self) -> None:
        for folder in list(self._pending):
            self._flush(folder)
        for folder in self._parts:
            self._zone.sync(folder)

    def _add(self, folder: str, frame: pl.DataFrame) -> None:
        if frame.height == 0:
            return
        pending = self._pending.setdefault(folder, [])
        pending.append(frame)
        if sum(waiting.height for waiting in pending) >= _PART_ROWS:
            self._flush(folder)

    def _flush(self, folder: str) -> None:
        part = self._parts.get(folder, 0)
        self._zone.write(folder, self._load_id, part, pl.concat(self._pending.pop(folder)))
        self._parts[folder] = part + 1


def _deleted_folder(contract: Contract) -> str:
    return f"deleted/{contract.name}"


def _load_from(content: dict[str, Any]) -> Load:
    """The manifest; what those of earlier versions do not say has a default."""

    def tally(values: dict[str, Any]) -> Tally:
        return Tally(values["rows"], Decimal(values["quantity"]), Decimal(values["amount"]))

    return Load(
        load_id=content["load_id"],
        source=content["source"],
        files=tuple(FileOutcome(**outcome) for outcome in content["files"]),
        tables={
            contracts.contract_named(name).name: TableCounts(
                counts["records_read"],
                counts["rows_excluded"],
                *(tally(counts[outcome]) for outcome in ("read", "quarantined", "repeated")),
                keys_deleted=counts.get("keys_deleted", 0),
            )
            for name, counts in content["tables"].items()
        },
        keep_oldest=tuple(content["keep_oldest"]),
        unversioned=tuple(content["unversioned"]),
        cursors=content.get("cursors", {}),
        columns=content.get("columns", {}),
    )


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
