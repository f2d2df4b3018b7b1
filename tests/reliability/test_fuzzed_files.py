"""Whatever a file holds, the night ends in time and says what became of it: nothing is lost in silence.

Every format is tried: a good file of each (``fuzz_samples``) is damaged in every way that people, disks and
networks have, and the damaged ones lie in the source's folder beside a good one.
"""

from __future__ import annotations

import bz2
import gzip
import io
import os
import random
import re
import zipfile
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest
import yaml
from fuzz_samples import PERSON, RECORDS, SAMPLES, Sample
from night_process import Night, NightProcess, Order

from pipelines.formats.registry import FORMATS

RANDOM_FILES = 6  # of each kind; 2 where reading one is slow
SECONDS_PER_NIGHT = 60  # of a night over all damaged files of a format: two or three on an idle machine
PEAK_MIB = 1500  # the widest file, of 100,000 columns, takes 900
UNPACKED = 32 * 1024**2
SHAPES = {name: sample for name, sample in SAMPLES.items() if FORMATS[name].preset is None}
BOM = b"\xef\xbb\xbf"
# What no message may be made of.
MACHINERY = re.compile(r"Traceback|panicked|0x[0-9a-f]{6}|/tmp/|\bself\b|object at")


@pytest.fixture(scope="module")
def nights() -> Iterator[NightProcess]:
    process = NightProcess()
    yield process
    process.end()


@dataclass
class Company:
    """One source with its files, and the state folder."""

    folder: Path
    nights: NightProcess

    @property
    def home(self) -> Path:
        return self.folder / "home"

    def declare(self, source: dict[str, Any], files: Mapping[str, bytes]) -> None:
        settings = {
            "company": {"name": "x"},
            "privacy": {"customer_key": {"public": "x"}},
            "sources": {"source": {"files": "files/*", **source}},
        }
        (self.folder / "files").mkdir(exist_ok=True)
        (self.folder / "kizuna.yml").write_text(yaml.safe_dump(settings), encoding="utf-8")
        for name, data in files.items():
            (self.folder / "files" / name).write_bytes(data)

    def night(self, **limits: Any) -> Night:
        order = Order(self.folder / "kizuna.yml", self.home, seconds=SECONDS_PER_NIGHT, **limits)
        return self.nights.run(order)

    def query(self, sql: str, *values: object) -> list[tuple]:
        with duckdb.connect(str(self.home / "warehouse.duckdb"), read_only=True) as connection:
            return connection.execute(sql, values).fetchall()

    def outcomes(self) -> dict[str, tuple[str, int, str | None]]:
        """Status, records and reason of each file."""
        rows = self.query("select file, status, records, reason from ingest.files")
        return {file.removeprefix("files/"): tuple(outcome) for file, *outcome in rows}

    def found(self, sample: Sample) -> tuple[dict[str, set[str]], dict[str, set[str]]]:
        """By file, identifiers of what was loaded, and those in the text of what was quarantined."""
        table, column = sample.identifier
        loaded, rejected = defaultdict(set), defaultdict(set)
        for file, identifier in self.query(f"select _file, {column} from {table}"):
            loaded[file.removeprefix("files/")].add(identifier)
        for file, text in self.query("select file, original_text from quarantine.rows"):
            name = file.removeprefix("files/")
            rejected[name].update(re.findall(rf"{name}-\d+-x", text))
        return loaded, rejected

    def assert_accounted_for(self, sample: Sample) -> None:
        """Records of the files = rows read + those left to other tables; rows read = loaded + quarantined +
        duplicates; and the tables hold what was counted."""
        table, _ = sample.identifier
        [[records, read, unbalanced]] = self.query(
            """select
                (select sum(records) from ingest.files where status = 'loaded'),
                (select sum(rows_read + rows_excluded) from ingest.loads where table_name = ?),
                (select count(*) from ingest.loads
                 where rows_read <> rows_loaded + rows_quarantined + rows_duplicate)""",
            table.removeprefix("raw_"),
        )
        assert (read, unbalanced) == (records, 0)
        [[counted, quarantined, remaining, rows]] = self.query(
            f"""select
                (select sum(rows_quarantined) from ingest.loads), (select count(*) from quarantine.rows),
                (select sum(rows_loaded - rows_superseded) from ingest.loads where table_name = ?),
                (select count(*) from {table})""",
            table.removeprefix("raw_"),
        )
        assert (quarantined, rows) == (counted, remaining)


@pytest.fixture
def company(tmp_path: Path, nights: NightProcess) -> Company:
    return Company(tmp_path, nights)


def damaged(sample: Sample) -> dict[str, bytes]:
    """Files by the name that their records have, too."""
    draw = random.Random(20240131)
    files = {
        "good": sample.file("good"),
        "empty": b"",
        "blank": b"\n \r\n\t\n\n",
        "marks": BOM * 2,
        "marked": BOM * 2 + sample.file("marked"),
        "header": sample.whole([]),
        "windows": sample.file("windows").replace(b"\n", b"\r\n"),
        "zeros": bytes(10_000),
        "quotes": b'"' * 100_001,
        "brackets": b"[" * 100_000,
        "objects": b'{"id":' * 100_000 + b"1" + b"}" * 100_000,
        "deep": b'{"id": "deep", "at": ' + b"[" * 100_000 + b"]" * 100_000 + b"}\n",
        "wide": b",".join(b"c%d" % n for n in range(100_000)) + b"\n" + b"1," * 99_999 + b"1\n",
        "utf16": sample.file("utf16").decode("latin-1").encode("utf-16"),
        "cp932": sample.file("cp932").replace(PERSON.encode(), "小林".encode("cp932")),
        "surrogates": sample.file("surrogates").replace(PERSON.encode(), b"\\ud800\\udead"),
        "numbers": _with_numbers(sample),
        "twice": sample.file("twice") * 2,
        "long": _with_a_long_line(sample),
    }
    count = 2 if sample.is_slow else RANDOM_FILES
    for n in range(count):
        data = sample.file(f"cut{n}")
        files[f"cut{n}"] = data[: draw.randrange(1, len(data))]
    for n in range(count):
        tag = f"flip{str(n) * 3}"  # one bit must not make one file's name of another's
        data = bytearray(sample.file(tag))
        for _ in range(1 + n % 3):
            data[draw.randrange(len(data))] ^= 1 << draw.randrange(8)
        files[tag] = bytes(data)
    for n in range(count):  # as after a power failure
        data = sample.file(f"hole{n}")
        start, length = draw.randrange(len(data)), draw.choice([1, 20, 500, len(data)])
        files[f"hole{n}"] = data[:start] + bytes(len(data[start : start + length])) + data[start + length :]
    return files | {f"is_{name}": other.file(f"is_{name}") for name, other in SHAPES.items()}


def _with_numbers(sample: Sample) -> bytes:
    """Numbers that nobody's types hold, where the years were."""
    huge = [b"9" * 400, b"1e999999", b"-9223372036854775809", b"NaN", b"Infinity", b"0x7fffffff", b"1E-400"]
    data = sample.file("numbers")
    for number in huge:
        data = data.replace(b"2024", number, 1)
    return data


def _with_a_long_line(sample: Sample) -> bytes:
    data = sample.file("long")
    middle = data.find(b"\n", len(data) // 2) + 1
    return data[:middle] + b"x" * 10_000_000 + b"\n" + data[middle:]


def assert_explained(status: str, records: int, reason: str | None) -> None:
    """A file that was not loaded has a reason that people can act on and that holds nobody's data."""
    if status == "loaded" and records:
        assert reason is None
        return
    assert len(reason) > 15
    assert len(reason) < 1000
    assert not MACHINERY.search(reason)
    assert PERSON not in reason
    assert "\0" not in reason


def assert_ended_well(night: Night, peak_mib: int = PEAK_MIB) -> None:
    assert not night.hung, f"hung at {night.at}"
    assert night.traceback == ""
    assert night.exit == 0, f"died at {night.at}"
    assert night.errors == {}
    assert night.peak_mib < peak_mib


def test_every_format_is_fuzzed():
    assert set(SAMPLES) == set(FORMATS), "give a new format its sample in fuzz_samples.SAMPLES"


@pytest.mark.parametrize("name", sorted(SAMPLES))
def test_a_damaged_file_is_accounted_for_to_the_record(company: Company, name: str):
    sample = SAMPLES[name]
    files = damaged(sample)
    company.declare({"format": name, **sample.source}, files)
    assert_ended_well(company.night())
    company.assert_accounted_for(sample)
    outcomes = company.outcomes()
    assert set(outcomes) == set(files)
    loaded, rejected = company.found(sample)
    for tag, (status, records, reason) in outcomes.items():
        assert_explained(status, records, reason)
        found = loaded[tag] | rejected[tag]
        if status == "rejected":
            assert found == set(), tag
        if status == "loaded":
            assert [name for name in sample.untouched(tag, files[tag]) if name not in found] == [], tag
    assert outcomes["good"] == ("loaded", RECORDS, None)
    assert len(loaded["good"]) == RECORDS
    assert outcomes["empty"][1] == outcomes["blank"][1] == outcomes["marks"][1] == 0


@pytest.mark.parametrize("name", sorted(SHAPES))
def test_an_archive_that_unpacks_without_end_is_refused(company: Company, name: str):
    """A small file that unpacks to more than may be read, in each compression and as a workbook."""
    sample = SAMPLES[name]
    good, blanks = f"good{sample.suffix}", b" " * UNPACKED
    files = {
        good: sample.file("good"),
        f"a{sample.suffix}.gz": gzip.compress(blanks, 1),
        f"b{sample.suffix}.zst": pa.Codec("zstd").compress(blanks, asbytes=True),
        "c.xlsx": workbook_that_unpacks_without_end(blanks),
    }
    company.declare({"format": name, **sample.source}, files)
    assert_ended_well(company.night(maximum_bytes=UNPACKED // 4), peak_mib=PEAK_MIB // 2)
    outcomes = company.outcomes()
    assert outcomes.pop(good) == ("loaded", RECORDS, None)
    assert len(outcomes) == 3
    for status, records, reason in outcomes.values():
        assert records == 0 or name == "jsonl"  # a workbook has lines, of which none is JSON
        assert_explained(status, records, reason)


def workbook_that_unpacks_without_end(blanks: bytes) -> bytes:
    file = io.BytesIO(SAMPLES["excel"].file("bomb"))
    with zipfile.ZipFile(file, "a", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        archive.writestr("xl/worksheets/sheet2.xml", blanks)
    return file.getvalue()


def test_compressed_files_are_read_whole_or_refused(company: Company):
    """Archives of several members are whole files; one that is cut off, flipped or none at all is refused."""
    sample, zstd = SAMPLES["csv"], pa.Codec("zstd")
    two = [sample.file("two"), "\n".join(sample.record(n, 0) for n in sample.names("more")).encode()]
    packed = gzip.compress(sample.file("flipped"))
    files = {
        "two.gz": b"".join(gzip.compress(data) for data in two),
        "good.bz2": bz2.compress(sample.file("bz2")),
        "good.zst": zstd.compress(sample.file("zst"), asbytes=True),
        "cut.gz": gzip.compress(sample.file("cut"))[:-8],
        "cut.bz2": bz2.compress(sample.file("cut"))[:-8],
        "cut.zst": zstd.compress(sample.file("cut"), asbytes=True)[:-1],
        "flipped.gz": packed[:-6] + bytes([packed[-6] ^ 1]) + packed[-5:],
        "plain.gz": sample.file("plain"),
        "behind.gz": gzip.compress(sample.file("behind")) + b"something else",
    }
    company.declare({"format": "csv", **sample.source}, files)
    assert_ended_well(company.night())
    company.assert_accounted_for(sample)
    outcomes = company.outcomes()
    loaded = {name: records for name, (status, records, _) in outcomes.items() if status == "loaded"}
    assert loaded == {"two.gz": 2 * RECORDS, "good.bz2": RECORDS, "good.zst": RECORDS}
    for outcome in outcomes.values():
        assert_explained(*outcome)


@pytest.mark.parametrize(
    "wrong",
    [
        {"delimiter": ";"},
        {"delimiter": "\t"},
        {"quote": "'"},
        {"quote": None},
        {"encoding": "utf-16"},
        {"encoding": "cp932"},
        {"encoding": "ascii"},
        {"header_rows": 3},
        {"header_rows": 0, "columns": ["id", "who", "at", "changed"]},
    ],
    ids=lambda wrong: "-".join(map(str, wrong.values())),
)
def test_a_wrong_declaration_loses_no_record(company: Company, wrong: dict[str, Any]):
    sample = SAMPLES["csv"]
    data = sample.file("good").replace(PERSON.encode(), "Zwicky, 小林".encode())
    company.declare({"format": "csv", **sample.source, **wrong}, {"good": data})
    assert_ended_well(company.night())
    [(status, records, reason)] = company.outcomes().values()
    assert_explained(status, records, reason)
    if status == "loaded":
        company.assert_accounted_for(sample)
        loaded, rejected = company.found(sample)
        skipped = {"good-0-x", "good-1-x"} if wrong == {"header_rows": 3} else set()
        assert loaded["good"] | rejected["good"] == set(sample.names("good")) - skipped


def test_what_is_no_file_is_told_and_stops_nothing(company: Company):
    """A folder is none of the files; a pipe, a link into nothing and an unreadable file are told."""
    sample = SAMPLES["csv"]
    company.declare({"format": "csv", **sample.source}, {"good.csv": sample.file("good")})
    folder = company.folder / "files"
    (folder / "folder.csv").mkdir()
    os.mkfifo(folder / "pipe.csv")
    (folder / "nowhere.csv").symlink_to(folder / "absent")
    (folder / "itself.csv").symlink_to(folder / "itself.csv")
    (folder / "unreadable.csv").symlink_to("/proc/self/mem")
    assert_ended_well(company.night())
    outcomes = company.outcomes()
    assert outcomes.pop("good.csv") == ("loaded", RECORDS, None)
    assert set(outcomes) == {"pipe.csv", "nowhere.csv", "itself.csv", "unreadable.csv"}
    for status, _, reason in outcomes.values():
        assert status == "rejected"
        assert "cannot be opened" in reason
