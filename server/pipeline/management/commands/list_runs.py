"""Training runs of a project, newest first: what started each, what it learned from, what the gate said."""

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from server.pipeline.management.projects import project_named
from server.training.models import TrainingRun
from server.training.selectors import runs_of


class Command(BaseCommand):
    help = __doc__ or ""

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--project", required=True, help="name or id")
        parser.add_argument("--json", action="store_true", help="one JSON array")

    def handle(self, *args: Any, **options: Any) -> None:
        project = project_named(options["project"])
        rows = [run_row(run) for run in runs_of(project_id=project.pk)]
        if options["json"]:
            self.stdout.write(json.dumps(rows))
            return
        for row in rows:
            head = f"head {row['head']}" if row["head"] else "no head"
            self.stdout.write(
                f"{row['id']:>5}  {row['outcome']:<9}  {row['labels']:>6} labels  {row['trigger']:<8}  {head}"
            )
            self.stdout.write(f"       {row['reason']}")
        live = f"head {project.active_head_id}" if project.active_head_id else "a fit on the spot"
        self.stdout.write(f"Live: {live}")


def run_row(run: TrainingRun) -> dict[str, Any]:
    """A run as scripts read it."""
    return {
        "id": run.pk,
        "trigger": run.trigger,
        "method": run.method,
        "outcome": run.outcome,
        "reason": run.reason,
        "labels": run.label_count,
        "seed": run.seed,
        "head": run.head_id,
        "snapshot": run.snapshot.digest if run.snapshot else None,
        "cost": run.cost,
        "created_at": run.created_at.isoformat(),
    }
