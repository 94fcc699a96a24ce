"""Derive every image's current category again from its annotations. Says how many rows were not what they say."""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.db import transaction

from server.labeling.services.consensus import consensus_rebuild
from server.labeling.services.teaching import prototypes_mend
from server.pipeline.management.projects import project_named


class Command(BaseCommand):
    help = __doc__ or ""

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--project", required=True, help="name or id")
        parser.add_argument("--dry-run", action="store_true", help="count the wrong rows, mend none")

    def handle(self, *args: Any, **options: Any) -> None:
        project = project_named(options["project"])
        mended = 0
        with transaction.atomic():
            wrong = len(consensus_rebuild(project_id=project.pk))
            if not options["dry_run"] and project.active_space is not None:
                mended = prototypes_mend(project_id=project.pk, space=project.active_space)
            transaction.set_rollback(options["dry_run"])
        done = "would change (dry run)" if options["dry_run"] else "changed"
        self.stdout.write(f"{project.name}: {wrong} images and {mended} prototypes {done}")
