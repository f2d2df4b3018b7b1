"""What starts a run when something happens, instead of at a time of day."""

import dagster as dg

from orchestration.jobs import ARRIVALS
from orchestration.keys import source_key
from pipelines.home import Home
from pipelines.settings import Settings
from pipelines.sources.arrivals import Look, look

ARRIVED_TAG = "kizuna/arrived"


def arrivals_sensor(settings: Settings, home: Home) -> dg.SensorDefinition:
    """Starts the job ``arrivals`` on the sources whose files have arrived: one run for all that came meanwhile."""
    seconds = settings.arrivals.every_seconds

    @dg.sensor(
        name="arrivals_sensor",
        job_name=ARRIVALS,
        minimum_interval_seconds=seconds,
        default_status=(
            dg.DefaultSensorStatus.RUNNING if settings.arrivals.enabled else dg.DefaultSensorStatus.STOPPED
        ),
        description=(
            f"Reads files when they arrive, without waiting for the night: looks every {seconds} s for files of the "
            f"sources in kizuna.yml that are new or changed and have stopped growing, and starts one run of the job "
            f"{ARRIVALS} on their sources. A file is asked for once; a rejected one waits for the night. "
            f"Nothing is published before the night."
        ),
    )
    def sensor(context: dg.SensorEvaluationContext) -> dg.SensorResult:
        found = look(settings, home, context.cursor)
        if not found.arrived:
            return dg.SensorResult(skip_reason=_nothing_arrived(found, seconds), cursor=found.memory)
        request = dg.RunRequest(
            run_key=found.key,
            asset_selection=[source_key(name) for name in found.arrived],
            tags={ARRIVED_TAG: ", ".join(f"{name}: {count:,}" for name, count in found.arrived.items())},
        )
        return dg.SensorResult(run_requests=[request], cursor=found.memory)

    return sensor


def _nothing_arrived(found: Look, seconds: int) -> str:
    if found.growing:
        return f"{found.growing:,} files have just come or are still being written: looked at again in {seconds} s."
    return f"{found.lying:,} files lie there; none is new or changed."
