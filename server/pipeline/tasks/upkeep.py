"""What beat runs: the sweeper and the canaries."""

import platform
from typing import Any

from celery import shared_task
from celery.signals import worker_ready
from django.conf import settings
from django.db import connections

from server.embeddings.services import space_drop
from server.images.tally import images_tally_fold
from server.jobs.canary import canary_seen
from server.jobs.sweeping import sweep, sweep_dead
from server.labeling.tally import consensus_tally_fold
from server.pipeline import flows
from server.pipeline.handle import worker_name
from server.pipeline.promotion import self_training_take_back
from server.registry.selectors import spaces_forgotten
from server.training.selectors import self_trained_and_fallen
from server.training.services import training_runs_abandoned_end


@shared_task(name="pipeline.sweep")  # type: ignore[untyped-decorator]
def sweep_jobs(**unknown: Any) -> None:
    """Send new messages for live jobs that lost theirs or their worker, end the runs of jobs that were given up, and
    keep counts short to read."""
    for job in sweep():
        flows.send(job)
    training_runs_abandoned_end()
    images_tally_fold()
    consensus_tally_fold()


@shared_task(name="pipeline.train_wherever_due")  # type: ignore[untyped-decorator]
def train_wherever_due(**unknown: Any) -> None:
    """Start the runs that a schedule or drift asks for, and those whose trigger was lost with its process. Heads that
    learned from pseudo-labels are taken back first, where the blind answers since say that accuracy fell."""
    for project in self_trained_and_fallen():
        self_training_take_back(project)
    flows.train_wherever_due()


@shared_task(name="pipeline.ask_wherever_divided")  # type: ignore[untyped-decorator]
def ask_wherever_divided(**unknown: Any) -> None:
    """Ask for further opinions about labels after which none came for a while."""
    flows.ask_wherever_divided()


@shared_task(name="pipeline.judge_wherever_answered")  # type: ignore[untyped-decorator]
def judge_wherever_answered(**unknown: Any) -> None:
    """Judge the lots whose last answers nobody's label asked about."""
    flows.judge_wherever_answered()


@shared_task(name="pipeline.drop_spaces")  # type: ignore[untyped-decorator]
def drop_spaces(**unknown: Any) -> None:
    """Vectors of encoders that nobody serves any more go after the time in which somebody might go back."""
    for space in spaces_forgotten(days=settings.WINNOW_SPACE_RETENTION_DAYS):
        space_drop(space)


@shared_task(name="pipeline.canary")  # type: ignore[untyped-decorator]
def canary(queue: str, **unknown: Any) -> None:
    """This message came through its queue, so somebody works on it."""
    canary_seen(queue=queue, worker=worker_name())


@worker_ready.connect  # type: ignore[untyped-decorator]
def announce(sender: Any, **unknown: Any) -> None:
    """A worker has just begun: let it be known at once, and not after beat's next minute. Where one was killed before
    it, what that one held goes on."""
    for job in sweep_dead(node=platform.node()):
        flows.send(job)
    connections.close_all()
    for queue in sender.app.amqp.queues.consume_from:
        sender.app.send_task("pipeline.canary", kwargs={"queue": queue}, queue=queue)
