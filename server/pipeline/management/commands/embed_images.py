"""Give every ready image of a project a vector; predictions and the queue follow. Goes on where it was stopped."""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from server.jobs.models import Job
from server.pipeline import flows
from server.pipeline.management.runs import add_run_arguments, start_run
from server.projects.models import Project


class Command(BaseCommand):
    help = __doc__ or ""

    def add_arguments(self, parser: CommandParser) -> None:
        add_run_arguments(parser)
        parser.add_argument("--encoder", default="", help="fill this encoder's space, then make it the live one")

    def handle(self, *args: Any, **options: Any) -> None:
        def begin(project: Project) -> Job:
            if options["encoder"]:
                return flows.switch_encoder(project.pk, name=options["encoder"], created_by=None)
            return flows.after_images_ready(project.pk)

        start_run(self, options, begin)
