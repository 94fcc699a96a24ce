"""The standing actors of every server test, and one project of each side."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from django.core.cache import cache
from rest_framework.test import APIClient

from server.accounts.models import User
from server.pipeline import flows
from server.projects.models import Membership, Project, Role
from tests.server.builders import World
from tests.server.pipeline.wood import grown

ACTORS = ("owner", "reviewer", "annotator", "viewer", "outsider", "staff", "anonymous")


@dataclass
class Actors:
    """Who may do what is always asked of the same people."""

    owner: User
    reviewer: User
    annotator: User
    viewer: User
    outsider: User
    staff: User

    def client(self, name: str) -> APIClient:
        """A client logged in as this actor, without CSRF checks; `anonymous` is nobody."""
        client = APIClient()
        if name != "anonymous":
            client.force_login(getattr(self, name))
        return client


@pytest.fixture
def actors(db: None) -> Actors:
    people: dict[str, Any] = {
        name: User.objects.create(username=name, is_staff=name == "staff") for name in ACTORS if name != "anonymous"
    }
    return Actors(**people)


@pytest.fixture
def project(actors: Actors) -> Project:
    """Owner, reviewer, annotator and viewer are in it."""
    made = Project.objects.create(name="Beetles", created_by=actors.owner)
    for role in Role:
        Membership.objects.create(project=made, user=getattr(actors, role.value), role=role)
    return made


@pytest.fixture
def foreign_project(actors: Actors) -> Project:
    """Only the outsider is in it."""
    made = Project.objects.create(name="Moths", created_by=actors.outsider)
    Membership.objects.create(project=made, user=actors.outsider, role=Role.OWNER)
    return made


@pytest.fixture
def owner(actors: Actors) -> APIClient:
    return actors.client("owner")


@pytest.fixture
def viewer(actors: Actors) -> APIClient:
    return actors.client("viewer")


@pytest.fixture
def outsider(actors: Actors) -> APIClient:
    return actors.client("outsider")


@pytest.fixture(autouse=True)
def _quiet() -> Any:
    """No messages to a broker, no throttle remembered from the test before."""
    cache.clear()
    with flows.without_messages():
        yield


@pytest.fixture
def places(settings: Any, tmp_path: Path) -> None:
    """Folders of the test's own for caches and stored bytes, and stations that no heart breaks off."""
    settings.WINNOW_CACHE_DIR = tmp_path / "cache"
    settings.WINNOW_HEARTBEAT_S = 600.0  # a heart of its own sees nothing of a test's transaction
    settings.STORAGES = {
        **settings.STORAGES,
        "default": {
            "BACKEND": "django.core.files.storage.FileSystemStorage",
            "OPTIONS": {"location": str(tmp_path / "media")},
        },
    }


@pytest.fixture
def wood(db: None, places: None) -> World:
    """A project that has enough to learn from and to be measured with."""
    return grown()
