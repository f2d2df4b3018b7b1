"""When a source that shows all it has is believed."""

from __future__ import annotations

import pytest

from pipelines.ingest.presence import shrinkage


@pytest.mark.parametrize(
    ("records", "before", "share"),
    [(0, 0, 0.1), (90, 100, 0.1), (101, 100, 0.0), (0, 100, 1.0), (100, 100, 0.0)],
)
def test_a_first_one_a_growing_one_and_one_within_the_threshold_are_believed(records, before, share):
    assert shrinkage(records, before, share) is None


def test_the_refusal_says_both_counts_and_how_to_accept_it():
    refusal = shrinkage(1_667, 2_500, 0.1)
    assert refusal is not None
    assert "1,667 records where the one before had 2,500: 33% fewer" in refusal
    assert "stop_shrunk_share: 0.34" in refusal
    assert shrinkage(1_667, 2_500, 0.34) is None
