"""MetricFlow's answers equal the published tables, for every metric and at every level of detail that both know."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from dbt.contracts.graph.semantic_manifest import SemanticManifest
from dbt_warehouse import Warehouse, parsed_project

from pipelines.semantic_layer import SEMANTIC_MANIFEST, write_metrics_folder
from tests.fixtures.metric_comparisons import COMPARISONS, Comparison
from tests.fixtures.metricflow import MetricFlow


@pytest.fixture(scope="module")
def metricflow(built: Warehouse, tmp_path_factory: pytest.TempPathFactory) -> Iterator[MetricFlow]:
    folder = tmp_path_factory.mktemp("metrics")
    manifest = folder / "parsed" / SEMANTIC_MANIFEST
    manifest.parent.mkdir()
    SemanticManifest(parsed_project()).write_json_to_file(str(manifest))
    write_metrics_folder(folder / "mf", manifest, built.path)
    metricflow = MetricFlow(folder / "mf", built.path)
    yield metricflow
    metricflow.close()


@pytest.mark.parametrize("comparison", COMPARISONS, ids=lambda comparison: comparison.name)
def test_metrics_equal_what_is_published(metricflow: MetricFlow, comparison: Comparison) -> None:
    assert metricflow.compare(comparison) <= comparison.needs_a_night


def test_every_metric_is_compared(metricflow: MetricFlow) -> None:
    """Who defines a metric says in ``metric_comparisons`` which published number it equals."""
    compared = {name for comparison in COMPARISONS for name in (*comparison.exact, *comparison.scores)}
    assert compared == set(metricflow.metrics)


def test_people_can_read_what_a_metric_is(metricflow: MetricFlow) -> None:
    metrics = metricflow.metrics.values()
    assert len({metric.label for metric in metrics}) == len(metrics)
    for metric in metrics:
        assert metric.label != metric.name
        assert metric.description.endswith("."), metric.name


def test_saved_queries_have_answers(metricflow: MetricFlow) -> None:
    assert metricflow.saved_queries
    for name in metricflow.saved_queries:
        assert metricflow.ask(saved_query_name=name), name


def test_every_dimension_can_be_asked_for(metricflow: MetricFlow) -> None:
    assert metricflow.complaints() == []
