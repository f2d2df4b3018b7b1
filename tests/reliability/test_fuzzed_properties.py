"""What holds for every edit of a file: records are accounted for, and each stands for itself."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest
from fuzz_samples import PERSON, SAMPLES, Sample
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipelines.formats.document import Document, ReadOptions
from pipelines.formats.records import LINE, RECORD, Records, UnreadableFileError
from pipelines.formats.registry import FORMATS
from pipelines.home import Home
from pipelines.ingest import ingest_source
from pipelines.settings import load_settings

TEXTS = ("csv", "jsonl", "qualtrics", "whitespace")
FIELDS = ("id", "who", "at", "changed")
# The same examples each time; enough of them for the signs that matter to meet.
profile = settings(
    max_examples=80,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
SIGNS = st.sampled_from(
    [b'"', b",", b"\n", b"\r", b"\\", b"{", b"}", b"\0", b" ", b"x", b"\xc3\xa9", b"\xff", b'""', b"\t"]
)
EDITS = st.lists(
    st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 3), SIGNS), min_size=1, max_size=4
)
LETTERS = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cc", "Zs"], exclude_characters='",\\{}'), max_size=8
)
COUNT = 12


def small(sample: Sample, tag: str = "a") -> list[str]:
    return [sample.record(name, n) for n, name in enumerate(sample.names(tag)[:COUNT])]


def opened(name: str, folder: Path, data: bytes) -> Document:
    path = folder / "file"
    path.write_bytes(data)
    return FORMATS[name].open(path, ReadOptions())


def read(name: str, folder: Path, data: bytes) -> Records:
    return opened(name, folder, data).records(FIELDS, None)


@pytest.mark.parametrize("name", TEXTS)
@given(edits=EDITS)
@profile
def test_whatever_is_edited_every_line_is_a_record_or_in_quarantine(tmp_path, name, edits):
    """Nothing between the header and the end is lost: what is read and what is rejected is the whole text."""
    sample = SAMPLES[name]
    data = sample.whole(small(sample))
    header = len(sample.whole([]))
    for place, cut, sign in edits:
        at = header + int(place * (len(data) - header))
        data = data[:at] + sign + data[at + cut :]
    records, refusal = None, None
    try:
        records = read(name, tmp_path, data)
    except UnreadableFileError as error:
        refusal = str(error)
    if records is None:
        assert PERSON not in refusal
        return
    kept = records.original_text(records.frame[RECORD]) + records.rejected["original_text"].to_list()
    written = "".join(data[header:].decode().split())
    assert sorted("".join("".join(kept).split())) == sorted(written)
    assert records.count == len(kept)


@pytest.mark.parametrize("name", TEXTS)
@given(
    which=st.integers(0, COUNT - 1),
    value=LETTERS,
)
@profile
def test_a_changed_value_changes_no_other_record(tmp_path, name, which, value):
    sample = SAMPLES[name]
    lines = small(sample)
    before = read(name, tmp_path, sample.whole(lines)).frame
    lines[which] = lines[which].replace(PERSON, f"y{value}".rstrip())
    after = read(name, tmp_path, sample.whole(lines)).frame
    others = before[RECORD] != before[RECORD][which]
    assert after.height == before.height
    assert after.filter(others).equals(before.filter(others))
    assert not after.filter(~others).drop(RECORD, LINE).equals(before.filter(~others).drop(RECORD, LINE))


CONFIG = """
company: {name: x}
privacy: {customer_key: {public: x}}
sources:
  orders:
    files: night*/*.csv
    format: csv
    required: false
    tables: [{table: crm.orders, columns: {order_id: id, customer_id: who, ordered_at: at, updated_at: changed}}]
"""


def raw_orders(folder: Path, nights: list[list[int]], file: Callable[[int], str]) -> list[tuple]:
    """The raw table after some nights, each with the files of these numbers."""
    folder.mkdir()
    (folder / "kizuna.yml").write_text(CONFIG, encoding="utf-8")
    home = Home(folder / "home").create()
    for number, files in enumerate(nights):
        (folder / f"night{number}").mkdir()
        for n in files:
            (folder / f"night{number}" / f"{n}.csv").write_text(file(n), encoding="utf-8")
        ingest_source(home, load_settings(folder / "kizuna.yml", {}), "orders")
    with duckdb.connect(str(home.warehouse), read_only=True) as connection:
        return connection.execute(
            "select order_id, customer_id, ordered_at, updated_at from raw_crm.orders order by all"
        ).fetchall()


def test_how_files_are_spread_over_nights_never_changes_the_tables(tmp_path):
    """Of every order there are versions in several files; each version has a time of its own."""
    draw = random.Random(7)
    versions = {n: draw.sample(range(30), 15) for n in range(6)}

    def file(n: int) -> str:
        rows = [
            f"o{order},k{n},2024-01-01,2024-01-{1 + n:02d}T{order % 24:02d}:00:00" for order in versions[n]
        ]
        return "\n".join(["id,who,at,changed", *rows, "broken"])

    expected = raw_orders(tmp_path / "at-once", [list(versions)], file)
    assert len({customer for _, customer, _, _ in expected}) > 3
    for attempt in range(5):
        order = draw.sample(list(versions), len(versions))
        cut = draw.randrange(1, 6)
        found = raw_orders(tmp_path / str(attempt), [order[:cut], order[cut:]], file)
        assert found == expected
