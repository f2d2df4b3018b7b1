"""When the night runs by itself."""

import datetime as dt

import dagster as dg

from orchestration.jobs import nightly
from orchestration.names import AS_OF
from pipelines.settings import Settings


def nightly_schedule(settings: Settings) -> dg.ScheduleDefinition:
    """The nightly job at the settings' time, in their time zone, for the day that has just ended."""

    @dg.schedule(
        name="nightly_schedule",
        job=nightly,
        cron_schedule=settings.schedule.cron,
        execution_timezone=settings.company.timezone,
        default_status=(
            dg.DefaultScheduleStatus.RUNNING
            if settings.schedule.enabled
            else dg.DefaultScheduleStatus.STOPPED
        ),
        description="Runs the night without anybody watching.",
    )
    def schedule(context: dg.ScheduleEvaluationContext) -> dg.RunRequest:
        as_of = context.scheduled_execution_time.astimezone(settings.zone).date() - dt.timedelta(days=1)
        return dg.RunRequest(
            run_key=as_of.isoformat(), run_config=run_config(as_of), tags={AS_OF: as_of.isoformat()}
        )

    return schedule


def run_config(as_of: dt.date) -> dict[str, object]:
    """The run configuration that computes everything as of a date."""
    return {"resources": {"business_date": {"config": {"as_of": as_of.isoformat()}}}}
