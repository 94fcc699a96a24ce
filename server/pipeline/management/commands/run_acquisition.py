"""Rank what nobody has judged yet, and put it and a blind share into the queue."""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from server.acquisition.catalogue import BY_NAME
from server.pipeline import flows
from server.pipeline.management.runs import add_run_arguments, start_run


class Command(BaseCommand):
    help = __doc__ or ""

    def add_arguments(self, parser: CommandParser) -> None:
        add_run_arguments(parser)
        parser.add_argument("--function", choices=sorted(BY_NAME), help="default: the project's own")
        parser.add_argument("--seed", type=int, help="default: a new one, stored with the round")

    def handle(self, *args: Any, **options: Any) -> None:
        params = {name: options[name] for name in ("function", "seed") if options[name] is not None}
        start_run(self, options, lambda project: flows.acquire(project.pk, params=params, created_by=None))
