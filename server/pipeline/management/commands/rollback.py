"""Serve again what served before the newest promotion that still stands: a head, or an encoder with its head."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from server.core.errors import ApplicationError
from server.jobs.models import Job
from server.pipeline.management.projects import project_named
from server.pipeline.promotion import go_back
from server.registry.heads import rollback_target


class Command(BaseCommand):
    help = __doc__ or ""

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--project", required=True, help="name or id")
        parser.add_argument("--reason", default="rolled back by an operator")
        parser.add_argument("--dry-run", action="store_true", help="say what would change, change nothing")

    def handle(self, *args: Any, **options: Any) -> None:
        project = project_named(options["project"])
        if options["dry_run"]:
            act = rollback_target(project=project)
            to = f"head {act.previous_head_id} in space {act.previous_space_id}" if act else "nothing"
            self.stdout.write(f"{project.name}: would go back to {to} (dry run)")
            return
        try:
            made = go_back(project=project, by=None, reason=options["reason"])
        except ApplicationError as error:
            raise CommandError(error.message) from error
        if isinstance(made, Job):
            self.stdout.write(f"{project.name}: job {made.pk} makes the earlier encoder's space ready and changes over")
            return
        served = f"head {made.head_id}" if made.head_id else "no head: predictions are fitted on the spot"
        self.stdout.write(f"{project.name}: back to {served}, space {made.space_id}")
