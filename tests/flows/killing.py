"""What the kill tests do inside Winnow, in a process of their own: a line of JSON asks, a line of JSON answers.

python -m tests.flows.killing (ask | sweep)
"""

import json
import os
import sys
import time
from pathlib import Path
from typing import Any

import django

django.setup()

from django.core.management import call_command  # noqa: E402
from django.db import connection  # noqa: E402
from django.db.utils import DatabaseError, InterfaceError  # noqa: E402

from server.embeddings.selectors import embeddings_count  # noqa: E402
from server.jobs.models import LIVE_STATES, Chunk, Job, State  # noqa: E402
from server.jobs.sweeping import sweep as jobs_sweep  # noqa: E402
from server.pipeline import flows  # noqa: E402
from server.pipeline.promotion import go_back  # noqa: E402
from server.projects.models import Project  # noqa: E402
from server.training.models import TrainingRun, Trigger  # noqa: E402
from server.training.options import options_from  # noqa: E402
from server.training.services import training_runs_abandoned_end  # noqa: E402
from tests.server.pipeline.wood import kinds  # noqa: E402

PATIENCE_S = 60
STALE_S = 3


def migrate() -> None:
    call_command("migrate", verbosity=0)


def prepare() -> int:
    """A project that can train an adapter."""
    return int(kinds().project.pk)


def photograph(encoder: str) -> int:
    """A project of 12 pictures, embedded with a tiny encoder by the workers, four of them labeled."""
    from tests.server.pipeline.photographs import photographed

    made = photographed(encoder)
    for image, category in zip(made.images[:4], made.categories + made.categories[:1], strict=True):
        made.label(image, category)
    flows.after_images_ready(made.project.pk)
    return int(made.project.pk)


def train(project: int) -> None:
    """By hand, and through an adapter, which has the longest training."""
    flows.train(project, trigger=Trigger.MANUAL, options=options_from({"method": "adapter", "every": 0}))


def switch(project: int, encoder: str) -> None:
    flows.switch_encoder(project, name=encoder, created_by=None)


def back(project: int) -> None:
    """Undo the promotion, so that the next run has something to gain again."""
    go_back(project=Project.objects.get(pk=project), by=None, reason="for the next case")


def state(project: int) -> dict[str, Any]:
    """What serves, and what became of the newest run."""
    held = Project.objects.select_related("active_run__space", "active_space").get(pk=project)
    run = TrainingRun.objects.select_related("head").filter(project=held).order_by("-pk")[:1].first()
    served = held.active_run
    jobs = Job.objects.filter(project=held, queue="ml")
    embedded = embeddings_count(project_id=project, space=held.active_space) if held.active_space else 0
    return {
        "head": held.active_head_id,
        "encoder": held.active_space.name if held.active_space else None,
        "predicted_by": served.head_id if served else None,
        "predicted_in": served.space.name if served else None,
        "embedded": embedded,
        "outcome": run.outcome if run else None,
        "reason": run.reason if run else "",
        "run_head": run.head_id if run else None,
        "digest": run.head.digest if run and run.head else None,
        "live": list(jobs.filter(state__in=LIVE_STATES).values_list("kind", "state", "attempt")),
        "broken": list(jobs.filter(state=State.ERRORED).values_list("kind", "error")),
        "orphans": Chunk.objects.filter(state=State.RUNNING).exclude(job__state__in=LIVE_STATES).count(),
    }


def patiently(question: Any, *arguments: Any) -> Any:
    """Ask until there is a database again."""
    give_up = time.monotonic() + PATIENCE_S
    while True:
        try:
            return question(*arguments)
        except (DatabaseError, InterfaceError):
            connection.close()
            if time.monotonic() > give_up:
                raise
            time.sleep(0.1)


QUESTIONS = {f.__name__: f for f in (migrate, prepare, photograph, train, switch, back, state)}


def ask() -> None:
    """Answer until the test closes the pipe."""
    for line in sys.stdin:
        name, *arguments = json.loads(line)
        answer = patiently(QUESTIONS[name], *arguments)
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


def sweep() -> None:
    """Sweep as beat has it done, only more often, for as long as the test lives."""
    parent = os.getppid()
    while os.getppid() == parent:
        try:
            for job in jobs_sweep(stale_s=STALE_S, resend_s=STALE_S):
                flows.send(job)
            training_runs_abandoned_end()
        except (DatabaseError, InterfaceError):
            connection.close()
        time.sleep(0.5)


if __name__ == "__main__":
    Path(os.environ["WINNOW_FAILPOINT_DIR"]).mkdir(exist_ok=True)
    {"ask": ask, "sweep": sweep}[sys.argv[1]]()
