"""What lifetime value costs for many customers, beside the archived ``lifetimes`` package on the same ones.

    python -m tests.benchmarks.lifetime_value [--customers 1000000] [--lifetimes-customers 1000000]

How to read the table: the same simulated customers (BG/NBD and Gamma-Gamma with CDNOW's parameters, first bought on any
day of two years, times in whole days) are given to both, each in a process of its own. *group* puts equal histories
together, which ``lifetimes`` does not; *fit* finds the parameters with their standard errors; *score* gives each
customer the probability of being alive, the purchases expected in a year and the expected value of a purchase.
Memory is the most that the process held, Python and the customers included. The ratios are per customer, so that they
say something where ``lifetimes`` was given fewer.

Beside these, for Kizuna alone: a year discounted (13 steps) and the intervals of ten segments, with MBG/NBD's and
Pareto/NBD's fit.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from tests.benchmarks.measure import run_measured
from tests.fixtures.simulated_buyers import simulated_buyers, simulated_spend

WEEKS = 52
SHARED = ("group", "fit purchases", "fit spend", "score")


def main() -> None:
    options = _options()
    if options.work:
        columns = np.load(options.data)
        print(json.dumps(WORK[options.work](*(columns[name][: options.customers] for name in columns.files))))
        return
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "customers.npz"
        _write_customers(data, options.customers)
        sizes = {
            "kizuna": options.customers,
            "lifetimes": options.lifetimes_customers,
            "more": options.customers,
        }
        results = {work: _measured(work, data, size) for work, size in sizes.items()}
    print("\n".join(_report(results, sizes)))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--customers", type=int, default=1_000_000)
    parser.add_argument("--lifetimes-customers", type=int)
    parser.add_argument("--work", choices=list(WORK), help=argparse.SUPPRESS)
    parser.add_argument("--data", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    options.lifetimes_customers = options.lifetimes_customers or options.customers
    return options


def _write_customers(path: Path, customers: int) -> None:
    found = simulated_buyers("bg_nbd", customers, seed=1, age_days=(1, 730))
    mean_value = np.round(simulated_spend(found.frequency, seed=2), 2)
    recency = np.ceil(found.recency * 7) / 7
    np.savez(path, frequency=found.frequency, recency=recency, age=found.age, mean_value=mean_value)


def _measured(work: str, data: Path, customers: int) -> dict[str, Any]:
    print(f"{work} on {customers:,} customers ...", file=sys.stderr)
    command = [sys.executable, "-m", __spec__.name, "--work", work, "--data", str(data)]
    measured = run_measured([*command, "--customers", str(customers)], os.environ)
    return json.loads(measured.output) | {"peak_bytes": measured.peak_bytes()}


class _Clock:
    """Seconds of each step, by name."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    def time(self, step: str, work: Callable[[], Any]) -> Any:
        began = time.perf_counter()
        result = work()
        self.seconds[step] = time.perf_counter() - began
        return result


def _kizuna(x: np.ndarray, t_x: np.ndarray, age: np.ndarray, mean_value: np.ndarray) -> dict[str, Any]:
    from pipelines.estimators import PurchaseHistories, fit_bg_nbd, fit_gamma_gamma

    clock = _Clock()
    histories, group = clock.time("group", lambda: PurchaseHistories.grouped(x, t_x, age))
    fit = clock.time("fit purchases", lambda: fit_bg_nbd(histories))
    spend = clock.time("fit spend", lambda: fit_gamma_gamma(x, mean_value, np.ones(len(x))))

    def score() -> tuple[np.ndarray, ...]:
        alive, bought = fit.p_alive(histories), fit.expected_purchases(histories, WEEKS)
        return alive[group], bought[group], spend.expected_value(x, mean_value)

    scores = clock.time("score", score)
    return {
        "seconds": clock.seconds,
        "histories": len(histories),
        "parameters": fit.parameters | spend.parameters,
        "mean_scores": [float(score.mean()) for score in scores],
    }


def _lifetimes(x: np.ndarray, t_x: np.ndarray, age: np.ndarray, mean_value: np.ndarray) -> dict[str, Any]:
    warnings.simplefilter("ignore")
    from lifetimes import BetaGeoFitter, GammaGammaFitter

    clock = _Clock()
    repeat = x > 0
    fit = clock.time("fit purchases", lambda: BetaGeoFitter().fit(x, t_x, age))
    spend = clock.time("fit spend", lambda: GammaGammaFitter().fit(x[repeat], mean_value[repeat]))

    def score() -> tuple[np.ndarray, ...]:
        alive = fit.conditional_probability_alive(x, t_x, age)
        bought = fit.conditional_expected_number_of_purchases_up_to_time(WEEKS, x, t_x, age)
        return alive, bought, spend.conditional_expected_average_profit(x, mean_value)

    scores = clock.time("score", score)
    return {
        "seconds": {"group": 0.0} | clock.seconds,
        "parameters": dict(fit.params_) | dict(spend.params_),
        "mean_scores": [float(np.mean(score)) for score in scores],
    }


def _more(x: np.ndarray, t_x: np.ndarray, age: np.ndarray, mean_value: np.ndarray) -> dict[str, Any]:
    from pipelines.estimators import (
        EstimationError,
        PurchaseHistories,
        fit_bg_nbd,
        fit_gamma_gamma,
        fit_mbg_nbd,
        fit_pareto_nbd,
        segment_value_interval,
    )

    clock = _Clock()
    histories, group = PurchaseHistories.grouped(x, t_x, age)
    fit, spend = fit_bg_nbd(histories), fit_gamma_gamma(x, mean_value, np.ones(len(x)))
    clock.time("year discounted", lambda: fit.discounted_expected_purchases(histories, WEEKS, 0.1))
    value_sum = np.bincount(group, mean_value)
    segment = np.minimum(histories.frequency, 9).astype(int)
    terms = {"weeks": WEEKS, "annual_rate": 0.1}
    clock.time(
        "ten segments", lambda: segment_value_interval(fit, spend, histories, value_sum, segment, **terms)
    )
    for other in (fit_mbg_nbd, fit_pareto_nbd):
        try:
            clock.time(other.__name__, lambda fitter=other: fitter(histories))
        except EstimationError as error:  # customers of one model need not determine another
            print(f"{other.__name__}: {error}", file=sys.stderr)
    return {"seconds": clock.seconds}


WORK = {"kizuna": _kizuna, "lifetimes": _lifetimes, "more": _more}


def _report(results: dict[str, dict[str, Any]], sizes: dict[str, int]) -> list[str]:
    ours, theirs = results["kizuna"], results["lifetimes"]
    more = sizes["kizuna"] / sizes["lifetimes"]
    lines = [
        f"{sizes['kizuna']:,} customers, {ours['histories']:,} histories; lifetimes: {sizes['lifetimes']:,} customers",
        "",
        "| | kizuna, s | lifetimes, s | per customer, lifetimes to kizuna |",
        "| --- | ---: | ---: | ---: |",
    ]
    times = [(step, ours["seconds"][step], theirs["seconds"][step]) for step in SHARED]
    times.append(("all", *(sum(found["seconds"].values()) for found in (ours, theirs))))
    lines += [
        f"| {step} | {our:.2f} | {their:.2f} | {their * more / our:.1f} |" for step, our, their in times
    ]
    our, their = (found["peak_bytes"] / 2**30 for found in (ours, theirs))
    lines += [f"| memory, GiB | {our:.2f} | {their:.2f} | {their / our:.1f} (as measured) |", ""]
    for name, value in theirs["parameters"].items():
        lines.append(f"{name}: {ours['parameters'][name]:.5f}, lifetimes {value:.5f}")
    means = [", ".join(f"{score:.4f}" for score in found["mean_scores"]) for found in (ours, theirs)]
    lines.append(f"mean P(alive), purchases in a year, value of a purchase: {means[0]}; lifetimes {means[1]}")
    others = [f"{step} {seconds:.1f} s" for step, seconds in results["more"]["seconds"].items()]
    lines.append(f"besides: {', '.join(others)}; at most {results['more']['peak_bytes'] / 2**30:.2f} GiB")
    return lines


if __name__ == "__main__":
    main()
