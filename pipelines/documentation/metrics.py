"""The metrics that people ask MetricFlow for, as the YAML beside the models describes them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from yaml import CSafeLoader

# In the order in which people ask: what is said, what goes wrong, what is sold, who buys.
_FILES = ("surveys", "support", "problems", "sales", "customers", "campaigns")


@dataclass(frozen=True)
class Metric:
    """A metric: its name in a query, its name for people, and its meaning."""

    name: str
    label: str
    meaning: str


@dataclass(frozen=True)
class SavedQuery:
    """A question that has a name."""

    name: str
    meaning: str


def metrics(project: Path) -> list[Metric]:
    """All metrics, topic by topic: counts and amounts, then the ratios that are made of them."""
    described = []
    for topic in _FILES:
        read = _read(project, f"_semantic_{topic}.yml")
        measures = (measure for model in read["semantic_models"] for measure in model.get("measures", []))
        described += [measure for measure in measures if measure.get("create_metric")]
        described += read.get("metrics", [])
    return [Metric(metric["name"], metric["label"], metric["description"]) for metric in described]


def saved_queries(project: Path) -> list[SavedQuery]:
    """All saved queries."""
    read = _read(project, "_saved_queries.yml")["saved_queries"]
    return [SavedQuery(query["name"], query["description"]) for query in read]


def _read(project: Path, file: str) -> dict[str, Any]:
    return yaml.load((project / "models" / "semantic" / file).read_text(encoding="utf-8"), Loader=CSafeLoader)
