"""Many readers in processes of their own while versions are published: the benchmark of it, small."""

from pipelines.home import Home
from tests.benchmarks.readers import measure


def test_readers_meet_neither_errors_nor_mixed_versions(tmp_path):
    result = measure(Home(tmp_path / "state").create(), readers=8, publications=5, rows=20_000)
    assert (result.errors, result.first_error) == (0, "")
    assert (result.mixed, result.went_back) == (0, 0)
    assert result.versions_seen > 3
    assert result.looks > 8 * 5
