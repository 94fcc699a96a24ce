"""What every answer carries, so that nothing uploaded ever runs and nothing private is kept by a cache."""

import io
from collections.abc import Iterator
from typing import Any

import pytest

from server.api.schema import openapi
from server.images.intake import Incoming, batch_create, images_take_in
from server.images.models import Image
from server.images.storage import DISPLAY, THUMB, put, rendition_key
from server.projects.models import Project
from tests.server.conftest import Actors
from tests.server.pictures import jpeg

SECRETS = {"password", "token_hash", "secret", "secret_key", "credentials", "auth_token", "storage_key", "session_key"}


def directives(policy: str) -> dict[str, str]:
    parts = (part.strip().partition(" ") for part in policy.split(";") if part.strip())
    return {name: value for name, _, value in parts}


@pytest.mark.parametrize(
    "path", ["/", "/login", "/p/1/label", "/api/v1/session", "/api/v1/projects", "/api/v1/nowhere"]
)
def test_no_page_runs_inline_script_or_is_framed(actors: Actors, path: str) -> None:
    answer = actors.client("owner").get(path)
    policy = directives(answer["Content-Security-Policy"])
    assert policy["script-src"] == "'self'"
    assert policy["style-src"] == "'self'"
    assert (policy["object-src"], policy["base-uri"], policy["frame-ancestors"]) == ("'none'",) * 3
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["X-Frame-Options"] == "DENY"
    assert answer["Referrer-Policy"] == "same-origin"
    assert answer["Cross-Origin-Opener-Policy"] == "same-origin"


def test_private_json_is_kept_by_no_cache(actors: Actors, project: Project) -> None:
    answer = actors.client("viewer").get(f"/api/v1/projects/{project.pk}/overview")
    assert answer.status_code == 200
    assert answer["Cache-Control"] == "no-store"


@pytest.mark.parametrize("kind", ["thumb", "display", "original"])
def test_bytes_of_an_image_are_an_image_whatever_its_name_says(actors: Actors, project: Project, kind: str) -> None:
    batch = batch_create(project_id=project.pk, source="api")
    images_take_in(batch=batch, files=[Incoming('holiday.html"\r\nX-Evil: 1', io.BytesIO(jpeg(1)))])
    Image.objects.update(state="ready")
    image = Image.objects.get()
    for size in (THUMB, DISPLAY):
        put(rendition_key(project.pk, image.sha256, size), io.BytesIO(jpeg(1)))
    answer = actors.client("owner").get(f"/api/v1/projects/{project.pk}/images/{image.pk}/{kind}")
    assert answer.status_code == 200
    assert answer["Content-Type"].startswith("image/")
    assert answer["Content-Security-Policy"].startswith("sandbox")
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Cross-Origin-Resource-Policy"] == "same-origin"
    assert "X-Evil" not in answer.headers
    if kind == "original":
        assert answer["Content-Disposition"] == 'attachment; filename="holiday.jpg"'


def test_a_host_that_is_not_ours_is_refused(actors: Actors) -> None:
    answer = actors.client("owner").get("/api/v1/session", HTTP_HOST="evil.example")
    assert answer.status_code == 400


def test_no_answer_of_the_schema_holds_a_secret_or_a_path_on_disk() -> None:
    found = {
        (name, field) for name, schema in openapi()["components"]["schemas"].items() for field in fields_of(schema)
    }
    told = {(name, field) for name, field in found if field in SECRETS and not name.endswith(("In", "Request"))}
    assert told == set()


def fields_of(schema: dict[str, Any]) -> Iterator[str]:
    for name, inner in schema.get("properties", {}).items():
        yield name
        yield from fields_of(inner)
        yield from fields_of(inner.get("items", {}))
