"""How often customers will buy: the fitted models of purchases, all read in one way.

Belongs here: fitting a model to histories, and what a fitted model says of them. Does not: the models' formulas
(``beta_geometric``, ``pareto_nbd``, ``nbd``), spend (``spend``), and which model a company uses.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from numpy.typing import ArrayLike

from pipelines.estimators import beta_geometric, nbd, pareto_nbd
from pipelines.estimators.errors import TooLittleDataError
from pipelines.estimators.histories import Floats, PurchaseHistories, distinct
from pipelines.estimators.likelihood import LogLikelihood, highest_point, maximum, representative


@dataclass(frozen=True)
class PurchaseModel:
    """A model's formulas. Each takes the parameters in the order of their names first."""

    parameters: tuple[str, ...]
    times: tuple[str, ...]
    """Which parameters are in the unit of time of the histories."""
    log_likelihood: Callable[[Floats, PurchaseHistories], tuple[float, Floats]]
    p_alive: Callable[[Floats, PurchaseHistories], Floats]
    purchases_if_alive: Callable[[Floats, Floats, Floats, float], Floats]


MODELS = {
    "bg_nbd": PurchaseModel(
        ("r", "alpha", "a", "b"),
        ("alpha",),
        partial(beta_geometric.log_likelihood, leaves_at_first=False),
        partial(beta_geometric.p_alive, leaves_at_first=False),
        partial(beta_geometric.purchases_if_alive, leaves_at_first=False),
    ),
    "mbg_nbd": PurchaseModel(
        ("r", "alpha", "a", "b"),
        ("alpha",),
        partial(beta_geometric.log_likelihood, leaves_at_first=True),
        partial(beta_geometric.p_alive, leaves_at_first=True),
        partial(beta_geometric.purchases_if_alive, leaves_at_first=True),
    ),
    "pareto_nbd": PurchaseModel(
        ("r", "alpha", "s", "beta"),
        ("alpha", "beta"),
        pareto_nbd.log_likelihood,
        pareto_nbd.p_alive,
        pareto_nbd.purchases_if_alive,
    ),
    "nbd": PurchaseModel(("r", "alpha"), ("alpha",), nbd.log_likelihood, nbd.p_alive, nbd.purchases_if_alive),
}

STEP_WEEKS = 4.0
WEEKS_PER_YEAR = 365.25 / 7

_STARTS = ((1.0, 1.0, 1.0, 1.0), (0.3, 1.0, 0.8, 2.5), (2.0, 3.0, 0.5, 5.0))
"""Where the search starts, with times in tenths of the longest age: even, much like CDNOW, and busy and loyal.
NBD takes the first two of each."""


@dataclass(frozen=True)
class PurchaseFit:
    """A model of purchases with the parameters that make the histories likeliest.

    ``covariance`` has the order of ``parameters``; standard errors are the roots of its diagonal. All times, in
    parameters and arguments, are in the unit of the histories: weeks.
    """

    model: str
    """``bg_nbd``, ``mbg_nbd``, ``pareto_nbd`` or ``nbd``."""
    parameters: dict[str, float]
    covariance: Floats
    log_likelihood: float
    customers: float

    @property
    def standard_errors(self) -> dict[str, float]:
        return dict(zip(self.parameters, np.sqrt(np.diag(self.covariance)).tolist(), strict=True))

    def with_parameters(self, values: Floats) -> PurchaseFit:
        """The same model with other parameters, in their order: what an error of the estimates would do."""
        return replace(self, parameters=dict(zip(self.parameters, values.tolist(), strict=True)))

    @property
    def p_alive_informs_about_one_time_buyers(self) -> bool:
        """False for BG/NBD, in which nobody can leave before a repeat purchase: it gives 1 to all who bought once.

        False for NBD, too, in which nobody ever leaves.
        """
        return self.model in ("mbg_nbd", "pareto_nbd")

    def p_alive(self, histories: PurchaseHistories) -> Floats:
        """Probability that a customer still buys at the end of their history. Shape: groups.

        BG/NBD gives 1 to everyone without a repeat, however long ago that was: never show it as loyalty. See
        ``p_alive_informs_about_one_time_buyers``.
        """
        return MODELS[self.model].p_alive(self._values, histories)

    def expected_purchases(self, histories: PurchaseHistories, weeks: float) -> Floats:
        """Purchases expected of one customer of each history in the weeks after its end. Shape: groups."""
        return self.p_alive(histories) * self._if_alive(histories, np.array([weeks]), np.ones(1))

    def expected_purchases_of_new(self, weeks: ArrayLike) -> Floats:
        """Repeat purchases expected of a customer in the weeks after their first purchase. Shape: that of weeks."""
        new = PurchaseHistories(np.zeros(1), np.zeros(1), np.zeros(1), np.ones(1))
        spans = np.asarray(weeks, dtype=np.float64)
        expected = [self.expected_purchases(new, span)[0] for span in spans.ravel().tolist()]
        return np.array(expected).reshape(spans.shape)

    def discounted_expected_purchases(
        self, histories: PurchaseHistories, weeks: float, annual_rate: float
    ) -> Floats:
        """Purchases expected in the weeks to come, each worth less the later it is expected. Shape: groups.

        The horizon is cut into equal steps of four weeks at most; what is expected in a step is discounted from the
        step's middle, at ``(1 + annual_rate) ** -(years)``.
        """
        steps = max(1, int(np.ceil(weeks / STEP_WEEKS)))
        ends = np.linspace(0, weeks, steps + 1)
        discount = (1 + annual_rate) ** (-(ends[1:] + ends[:-1]) / 2 / WEEKS_PER_YEAR)
        weights = discount - np.append(
            discount[1:], 0.0
        )  # of what is expected by each end, not within each step
        return self.p_alive(histories) * self._if_alive(histories, ends[1:], weights)

    @property
    def _values(self) -> Floats:
        return np.array(list(self.parameters.values()))

    def _if_alive(self, histories: PurchaseHistories, times: Floats, weights: Floats) -> Floats:
        """Weighted sum of the purchases expected of the living by each of some times. Shape: groups."""
        first, group, _ = distinct(histories.frequency, histories.age)
        x, age = histories.frequency[first], histories.age[first]
        formula = MODELS[self.model].purchases_if_alive
        by_time = zip(times.tolist(), weights.tolist(), strict=True)
        return sum(weight * formula(self._values, x, age, time) for time, weight in by_time)[group]


def fit_bg_nbd(histories: PurchaseHistories) -> PurchaseFit:
    """Fit BG/NBD: parameters r, alpha (a time), a and b.

    Raises:
        TooLittleDataError: fewer repeat buyers than parameters.
        NoConvergenceError: the data do not determine the parameters.
    """
    return _fit("bg_nbd", histories)


def fit_mbg_nbd(histories: PurchaseHistories) -> PurchaseFit:
    """Fit MBG/NBD, which tells something of those who bought once, too: r, alpha (a time), a and b. As above."""
    return _fit("mbg_nbd", histories)


def fit_pareto_nbd(histories: PurchaseHistories) -> PurchaseFit:
    """Fit Pareto/NBD, in which customers leave at any time: r, alpha (a time), s and beta (a time). As above."""
    return _fit("pareto_nbd", histories)


def fit_nbd(histories: PurchaseHistories) -> PurchaseFit:
    """Fit NBD, in which nobody leaves, for where the others find nobody leaving: r and alpha (a time). As above."""
    return _fit("nbd", histories)


def _fit(model: str, histories: PurchaseHistories) -> PurchaseFit:
    formulas = MODELS[model]
    if histories.repeat_buyers < len(formulas.parameters):
        raise TooLittleDataError(
            f"{histories.repeat_buyers:.0f} customers bought again: too few for {len(formulas.parameters)} parameters"
        )
    is_time = np.array([name in formulas.times for name in formulas.parameters])
    units = np.where(is_time, histories.age.max() / 10, 1.0)
    starts = [units * np.array(start[: len(units)]) for start in _STARTS]
    rows = representative(histories.frequency, histories.recency, histories.age)
    start = highest_point(_log_likelihood(formulas, histories.rows(rows)), starts)
    found = maximum(_log_likelihood(formulas, histories), start, formulas.parameters)
    return PurchaseFit(
        model,
        dict(zip(formulas.parameters, found.parameters.tolist(), strict=True)),
        found.covariance,
        found.log_likelihood,
        histories.total_customers,
    )


def _log_likelihood(formulas: PurchaseModel, histories: PurchaseHistories) -> LogLikelihood:
    return lambda parameters: formulas.log_likelihood(parameters, histories)
