"""Give every ready image of a project a vector; predictions and the queue follow. Goes on where it was stopped."""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from server.pipeline import flows
from server.pipeline.management.runs import add_run_arguments, start_run


class Command(BaseCommand):
    help = __doc__ or ""

    def add_arguments(self, parser: CommandParser) -> None:
        add_run_arguments(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        start_run(self, options, lambda project: flows.after_images_ready(project.pk))
