"""Deleting a project that its owner has taken out of sight."""

import time

from server.core.errors import Unavailable
from server.jobs.models import LIVE_STATES, Job
from server.jobs.services import job_cancel
from server.pipeline.deletion import project_purge
from server.pipeline.handle import JobHandle
from server.pipeline.station import station

WAIT_S = 120.0


@station("purge")
def purge(handle: JobHandle) -> None:
    """Stop the project's own work, wait until nobody writes any more, then delete."""
    project_id = int(handle.params["project"])
    until = time.monotonic() + WAIT_S
    while live := list(Job.objects.filter(project_id=project_id, state__in=LIVE_STATES)):
        for job in live:
            if job.cancel_requested_at is None:
                job_cancel(job=job)
        if time.monotonic() > until:
            raise Unavailable("Work on this project does not stop. Retry this job once its workers are gone.")
        handle.check()
        time.sleep(0.2)
    project_purge(project_id=project_id)
