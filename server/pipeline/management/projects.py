"""How commands find the project that a person means."""

from django.core.management.base import CommandError

from server.accounts.models import User
from server.projects.models import Project
from server.projects.services import project_create


def project_named(name: str, *, create: bool = False) -> Project:
    """The project of this id or exact name. With `create`, a new one owned by the first administrator."""
    living = Project.objects.filter(archived_at__isnull=True)
    found = list(living.filter(name=name)[:2]) or list(living.filter(pk=int(name)) if name.isdecimal() else [])
    if len(found) > 1:
        raise CommandError(f"Several projects are called {name!r}; give the id of one: manage.py ingest --project ID.")
    if found:
        return found[0]
    if not create:
        raise CommandError(f"There is no project {name!r}.")
    owner = User.objects.filter(is_superuser=True, is_active=True).order_by("pk").first()
    if owner is None:
        raise CommandError("There is no administrator yet to own a new project; run manage.py bootstrap first.")
    return project_create(owner=owner, name=name)
