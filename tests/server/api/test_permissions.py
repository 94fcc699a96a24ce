"""Who may do what on every route of the schema, against a file that people have read.

A route that is not in `permission_matrix.json` fails: deny by default. Run with WRITE_MATRIX=1 to write the file anew,
then read the difference.
"""

import json
import os
import uuid
from pathlib import Path
from typing import Any

import pytest
from django.db import transaction
from rest_framework.test import APIClient

from server.api.schema import openapi
from server.images.intake import Incoming, batch_create, images_take_in
from server.images.models import Image
from server.jobs.services import job_create
from server.projects.models import Project
from server.taxonomy.models import Category
from tests.server.conftest import ACTORS, Actors
from tests.server.pictures import jpeg

FILE = Path(__file__).with_name("permission_matrix.json")
METHODS = ("GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE")
EXTRA = ["/api/v1/projects/{project_id}/events"]
PUBLIC = {
    ("/api/v1/health", "GET"),
    ("/api/v1/health", "HEAD"),
    ("/api/v1/session", "POST"),
    ("/api/v1/session", "DELETE"),
}
UUIDS = {"annotation_id", "page_id", "commit_id"}
DENIED = {401, 403, 404, 405}


def routes() -> list[str]:
    return sorted([*openapi()["paths"], *EXTRA])


@pytest.fixture
def ids(project: Project, actors: Actors) -> dict[str, object]:
    """An object of the project for every name that a path may hold; names without one get an id that is nobody's."""
    import io

    batch = batch_create(project_id=project.pk, source="api")
    images_take_in(batch=batch, files=[Incoming("a.jpg", io.BytesIO(jpeg(1)))])
    Image.objects.update(state="ready")
    image = Image.objects.get()
    return {
        "project_id": project.pk,
        "batch_id": batch.pk,
        "image_id": image.pk,
        "category_id": Category.objects.create(project=project, name="Owl").pk,
        "job_id": job_create(project_id=project.pk, kind="ingest").pk,
        "user_id": actors.viewer.pk,
    }


def filled(route: str, ids: dict[str, object]) -> str:
    for name, value in ids.items():
        route = route.replace(f"{{{name}}}", str(value))
    for name in [part[1:-1] for part in route.split("/") if part.startswith("{")]:
        route = route.replace(f"{{{name}}}", str(uuid.UUID(int=7)) if name in UUIDS else "999999")
    return route


def answer(client: APIClient, method: str, address: str) -> int:
    """The status of an empty request, with everything it did undone."""
    client.raise_request_exception = False
    try:
        with transaction.atomic():
            status = client.generic(method, address, b"{}", content_type="application/json").status_code
            raise _Undo
    except _Undo:
        return int(status)


class _Undo(Exception):
    pass


@pytest.mark.parametrize("route", routes())
def test_every_route_answers_every_actor_as_written(route: str, ids: dict[str, object], actors: Actors) -> None:
    address = filled(route, ids)
    clients = {name: actors.client(name) for name in ACTORS}
    seen = {method: {name: answer(clients[name], method, address) for name in ACTORS} for method in METHODS}
    if os.environ.get("WRITE_MATRIX"):
        return _write(route, seen)
    matrix = json.loads(FILE.read_text())
    assert route in matrix, f"{route} is not in permission_matrix.json: who may do what there?"
    assert seen == matrix[route]


def _write(route: str, seen: dict[str, Any]) -> None:
    matrix = json.loads(FILE.read_text()) if FILE.exists() else {}
    FILE.write_text(json.dumps({**matrix, route: seen}, indent=1, sort_keys=True) + "\n")


def matrix() -> dict[str, dict[str, dict[str, int]]]:
    return dict(json.loads(FILE.read_text())) if FILE.exists() else {}


def test_the_matrix_names_no_route_that_is_gone() -> None:
    assert set(matrix()) <= set(routes())


def test_a_stranger_gets_nothing_but_login_and_health() -> None:
    for route, methods in matrix().items():
        for method, actors in methods.items():
            if (route, method) not in PUBLIC:
                assert actors["anonymous"] in {401, 403, 405}, f"{method} {route}"


def test_people_of_other_projects_and_staff_get_404_below_a_project() -> None:
    for route, methods in matrix().items():
        if "{project_id}" in route or "{job_id}" in route:
            for method, actors in methods.items():
                allowed = {404, 403, 405} if route in EXTRA else {404}
                assert {actors["outsider"], actors["staff"]} <= allowed, f"{method} {route}"


def test_viewers_change_nothing() -> None:
    for route, methods in matrix().items():
        if "{project_id}" in route:
            for method in ("POST", "PUT", "PATCH", "DELETE"):
                leaving = route.endswith("/members/{user_id}") and method == "DELETE"
                assert leaving or methods[method]["viewer"] in DENIED, f"{method} {route}"


def test_nothing_answers_with_a_crash() -> None:
    for route, methods in matrix().items():
        for method, actors in methods.items():
            assert max(actors.values()) < 500 or set(actors.values()) <= {401, 403, 404, 405, 503}, f"{method} {route}"
