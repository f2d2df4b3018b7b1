from __future__ import annotations

import pytest

from data_quality.expectations import Suite, between, not_null

_PROTECTS = "Readers see scores that exist."


def test_a_suite_without_expectations_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="no expectation"):
        Suite("kpi.scores", (), ())


def test_two_expectations_of_one_name_are_a_mistake() -> None:
    twice = between("nps", -100, 100, protects=_PROTECTS)
    with pytest.raises(ValueError, match="two expectations named 'nps between -100 and 100'"):
        Suite("kpi.scores", (), (twice, not_null("nps", protects=_PROTECTS), twice))
