"""Add images from folders, files, ZIP, tar and Parquet files on this machine. The same command again adds nothing."""

from contextlib import nullcontext
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from server.core.errors import ApplicationError
from server.images.intake import batch_create
from server.images.models import ImportIssue
from server.pipeline import flows
from server.pipeline.folders import Taken, files_at, files_take_in, source_kind
from server.pipeline.management.projects import project_named
from server.pipeline.station import run_pending
from server.projects.models import Project


class Command(BaseCommand):
    help = __doc__ or ""

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("paths", nargs="+", type=Path)
        parser.add_argument("--project", required=True, help="name or id; a new name makes a new project")
        parser.add_argument("--folders-as-categories", action="store_true", help="class folders become labels")
        parser.add_argument("--label-column", help="column of a Parquet file whose values become labels")
        parser.add_argument("--dry-run", action="store_true", help="count what is there, add nothing")
        parser.add_argument("--inline", action="store_true", help="read the images in this process, without a worker")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            if options["dry_run"]:
                return self._count(options)
            with flows.without_messages() if options["inline"] else nullcontext():
                self._add(options)
        except ApplicationError as error:
            raise CommandError(error.message) from error

    def _count(self, options: dict[str, Any]) -> None:
        for path in options["paths"]:
            found = sum(1 for _ in files_at(path, label_column=options["label_column"]))
            self.stdout.write(f"{path}: {found} files (dry run: nothing was added)")

    def _add(self, options: dict[str, Any]) -> None:
        project = project_named(options["project"], create=True)
        for path in options["paths"]:
            self._add_path(project, path, options)
        flows.after_images_stored(project.pk)
        if options["inline"]:
            run_pending(project_id=project.pk, kinds={"ingest"})

    def _add_path(self, project: Project, path: Path, options: dict[str, Any]) -> None:
        labeled = options["folders_as_categories"] or options["label_column"] is not None
        batch = batch_create(
            project_id=project.pk, source=source_kind(path), name=path.name, folders_as_categories=labeled
        )
        files = files_at(path, label_column=options["label_column"])

        def told(taken: Taken) -> None:
            flows.after_images_stored(project.pk)
            self.stdout.write(f"{path}: {taken.received} files", ending="\r")

        taken = files_take_in(batch=batch, files=files, told=told)
        self.stdout.write(
            f"{path}: {taken.received} files, {taken.added} added, {taken.duplicates} known, {taken.rejected} rejected"
        )
        for issue in ImportIssue.objects.filter(batch=batch)[:20]:
            self.stderr.write(f"  {issue.file_name}: {issue.message}")
