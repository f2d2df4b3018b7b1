from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from pipelines.demo import draws


@given(seed=st.integers(0, 10_000), first=st.integers(0, 10**7), count=st.integers(1, 50))
def test_a_draw_belongs_to_its_name_and_not_to_its_neighbours(seed, first, count):
    index = np.arange(first, first + count)
    together = draws.uniform(draws.child(draws.keys_of(seed, index), 3), "lot")
    alone = [draws.uniform(draws.child(draws.keys_of(seed, index[[i]]), 3), "lot")[0] for i in range(count)]
    assert together.tolist() == alone


@given(st.integers(0, 2**32))
def test_uniform_numbers_are_inside_the_open_interval(seed):
    numbers = draws.uniform(draws.keys_of(seed, np.arange(1000)), "lot")
    assert numbers.min() > 0
    assert numbers.max() < 1


def test_numbers_are_spread_evenly_and_different_names_are_independent():
    keys = draws.keys_of(1, np.arange(200_000))
    one, other = draws.uniform(keys, "one"), draws.uniform(keys, "other")
    counts = np.histogram(one, bins=20, range=(0, 1))[0]
    assert ((counts - 10_000) ** 2 / 10_000).sum() < 44  # chi-square, 19 degrees of freedom, 0.1 %
    assert abs(np.corrcoef(one, other)[0, 1]) < 0.008  # 3.5 standard errors
    neighbours = draws.uniform(draws.child(keys, 1), "one")
    assert abs(np.corrcoef(one, neighbours)[0, 1]) < 0.008


def test_normal_numbers_have_mean_0_and_deviation_1():
    numbers = draws.normal(draws.keys_of(1, np.arange(200_000)), "noise")
    assert abs(numbers.mean()) < 0.008
    assert abs(numbers.std() - 1) < 0.006
    assert abs((numbers > 1.959964).mean() - 0.025) < 0.0013


def test_choice_follows_the_shares():
    chosen = draws.choice(draws.keys_of(1, np.arange(100_000)), "kind", np.array([5.0, 3.0, 2.0]))
    np.testing.assert_allclose(np.bincount(chosen) / 100_000, [0.5, 0.3, 0.2], atol=0.006)
