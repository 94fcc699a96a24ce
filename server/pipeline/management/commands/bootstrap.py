"""Make the first user and, on a first start, the demo project. Run again, it makes nothing."""

import os
import secrets
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.db import transaction

from server.accounts.models import User
from server.config.env import get_env
from server.pipeline import flows
from server.pipeline.station import run_pending
from server.projects.models import Project
from server.projects.services import project_create

DEMO_NAME = "Field guide"
DEMO_DESCRIPTION = (
    "Beetles and butterflies that do not exist, drawn by Winnow itself, with look-alikes, a long tail and a few"
    " pictures that nobody can name. Label some: press Enter or 1–5. Delete the project whenever you like."
)


class Command(BaseCommand):
    help = __doc__ or ""

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--no-demo", action="store_true", help="no demo project")
        parser.add_argument("--demo-scale", type=float, default=1.0, help="1 draws about a thousand pictures")
        parser.add_argument("--inline", action="store_true", help="draw and read the pictures in this process")

    def handle(self, *args: Any, **options: Any) -> None:
        if User.objects.exists():
            self.stdout.write(self._reminder())
            return
        with transaction.atomic():
            user, password = _first_user()
            if not options["no_demo"]:
                project = _demo_project(user)
                flows.enqueue("draw_demo", project_id=project.pk, params={"scale": options["demo_scale"]})
        path = _write_once(user.username, password)
        self.stdout.write(f"Log in as {user.username} with the password {password}\n(also in {path})")
        if options["inline"]:
            run_pending(kinds={"draw_demo", "ingest"})

    def _reminder(self) -> str:
        path = _first_user_file()
        return f"The first user's password is in {path}" if path.exists() else ""


def _first_user() -> tuple[User, str]:
    password = secrets.token_urlsafe(12)
    user = User.objects.create_superuser("admin", password=password)
    return user, password


def _demo_project(owner: User) -> Project:
    project = project_create(owner=owner, name=DEMO_NAME, description=DEMO_DESCRIPTION, concept="insect")
    Project.objects.filter(pk=project.pk).update(options={**project.options, "demo": True})
    return project


def _first_user_file() -> Path:
    return get_env().winnow_state / "first-user.txt"


def _write_once(username: str, password: str) -> Path:
    """Readable by the operator only. A file from an earlier database is replaced, never appended to."""
    path = _first_user_file()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(f"user: {username}\npassword: {password}\n")
    return path
