"""What commands that start a station share: a project, a dry run, a choice of where the work happens."""

from collections.abc import Callable
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from server.core.errors import ApplicationError
from server.jobs.models import Job, State
from server.pipeline import flows
from server.pipeline.management.projects import project_named
from server.pipeline.station import run_pending
from server.projects.models import Project


def add_run_arguments(parser: CommandParser) -> None:
    parser.add_argument("--project", required=True, help="name or id")
    parser.add_argument("--dry-run", action="store_true", help="say what would be started, start nothing")
    parser.add_argument("--inline", action="store_true", help="do it, and what follows, in this process")


def start_run(command: BaseCommand, options: dict[str, Any], begin: Callable[[Project], Job]) -> None:
    """Queue one job and, with --inline, do it and what follows from it here. Exits non-zero where it fails."""
    project = project_named(options["project"])
    if options["dry_run"]:
        command.stdout.write(f"{project.name}: nothing was started (dry run)")
        return
    try:
        job = _do(project, begin) if options["inline"] else begin(project)
    except ApplicationError as error:
        raise CommandError(error.message) from error
    if not options["inline"]:
        command.stdout.write(f"{project.name}: job {job.pk} ({job.kind}) is queued")
        return
    if job.state != State.DONE:
        raise CommandError(f"{job.kind} {job.state}: {job.message or job.error.strip()[-500:]}")
    command.stdout.write(f"{project.name}: {job.kind} done, {job.done:,} images, {job.failed:,} failed")


def _do(project: Project, begin: Callable[[Project], Job]) -> Job:
    with flows.without_messages():
        job = begin(project)
        run_pending(project_id=project.pk)
    job.refresh_from_db()
    return job
