"""What the kill tests do in processes of their own: python -m tests.flows.killing COMMAND …, answers in JSON."""

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
from django.db.utils import DatabaseError, InterfaceError, OperationalError  # noqa: E402

from server.jobs.models import LIVE_STATES, Job  # noqa: E402
from server.jobs.sweeping import sweep  # noqa: E402
from server.pipeline import flows  # noqa: E402
from server.pipeline.promotion import go_back  # noqa: E402
from server.projects.models import Project  # noqa: E402
from server.training.models import TrainingRun, Trigger  # noqa: E402
from server.training.options import options_from  # noqa: E402

STALE_S = 3


def prepare() -> dict[str, Any]:
    """A project of 180 vectors in eight well separated kinds, a third of them blind, all labeled."""
    import numpy as np

    from server.labeling.models import BlindDraw
    from tests.server.builders import with_vectors, world

    call_command("migrate", verbosity=0)
    made = world(images=180, categories=[f"kind {i}" for i in range(8)])
    truth = np.arange(180) % 8
    with_vectors(made, np.eye(8)[truth] + 0.3 * np.random.default_rng(0).normal(size=(180, 8)))
    for i, image in enumerate(made.images):
        if i < 60:
            BlindDraw.objects.create(project=made.project, image_id=image, seed=0)
        made.label(image, made.categories[truth[i]])
    return {"project": made.project.pk}


def start(project: str) -> dict[str, Any]:
    """A run by hand through an adapter, which has the longest training."""
    run = flows.train(int(project), trigger=Trigger.MANUAL, options=options_from({"method": "adapter", "every": 0}))
    return {"run": run.pk}


def back(project: str) -> dict[str, Any]:
    """Undo the promotion, so that the next run has something to gain again."""
    go_back(project=Project.objects.get(pk=int(project)), by=None, reason="for the next case")
    return {}


def state(project: str) -> dict[str, Any]:
    """What serves, and what became of the newest run."""
    held = Project.objects.select_related("active_run").get(pk=int(project))
    run = TrainingRun.objects.select_related("head").filter(project=held).order_by("-pk")[:1].first()
    return {
        "head": held.active_head_id,
        "predictions": held.active_run.head_id if held.active_run else None,
        "outcome": run.outcome if run else None,
        "run_head": run.head_id if run else None,
        "digest": run.head.digest if run and run.head else None,
        "live_jobs": Job.objects.filter(state__in=LIVE_STATES).count(),
    }


def beat() -> dict[str, Any]:
    """Sweep as beat has it done, only more often, for as long as the test lives."""
    while os.getppid() == PARENT:
        try:
            for job in sweep(stale_s=STALE_S, resend_s=STALE_S):
                flows.send(job)
        except (DatabaseError, InterfaceError, OperationalError):
            connection.close()
        time.sleep(0.5)
    return {}


PARENT = os.getppid()

if __name__ == "__main__":
    name, *arguments = sys.argv[1:]
    answer = globals()[name](*arguments)
    Path(os.environ["KILLING_ANSWER"]).write_text(json.dumps(answer))
