"""Match rates per source, over the nights: as a check on their table, and as numbers that the UI plots."""

from collections.abc import Sequence

import dagster as dg

from orchestration.keys import table_key
from orchestration.presentation import markdown_table
from orchestration.resources import Company
from pipelines.matching.rates import MatchRate, remember_match_rates

RATES = table_key("meta.identity_match_rates")
CHECK = "match_rates_hold"


@dg.asset_check(
    asset=RATES,
    name=CHECK,
    description="No source finds its people much less often than the night before (thresholds.warn_match_rate_fall).",
)
def match_rates_check(
    context: dg.AssetCheckExecutionContext, company: dg.ResourceParam[Company]
) -> dg.AssetCheckResult:
    """Warns, and does not stop the night: anonymous answers are right, only less useful."""
    found = remember_match_rates(company.home, company.settings.thresholds.warn_match_rate_fall)
    context.op_execution_context.log_event(dg.AssetObservation(RATES, metadata=_plotted(found.now)))
    return dg.AssetCheckResult(
        passed=not found.falls,
        severity=dg.AssetCheckSeverity.WARN,
        description="\n".join(fall.message for fall in found.falls) or None,
        metadata={"nights": _nights(found.history), **_plotted(found.now)},
    )


def _plotted(rates: Sequence[MatchRate]) -> dict[str, dg.MetadataValue]:
    """Percentages by source and kind; the UI draws a line of each over the nights."""
    return {
        f"{rate.source} {rate.record_type}": dg.MetadataValue.float(round(100 * rate.share, 2))
        for rate in rates
        if rate.share is not None
    }


def _nights(history: Sequence[MatchRate]) -> dg.MarkdownMetadataValue:
    return markdown_table(
        ("source", "kind", "as of", "records", "matched, %", "of the last 7 days", "matched, %"),
        [
            (
                rate.source,
                rate.record_type,
                rate.as_of.isoformat(),
                rate.records,
                None if rate.share is None else 100 * rate.share,
                rate.records_7d,
                None if rate.share_7d is None else 100 * rate.share_7d,
            )
            for rate in history
        ],
    )
