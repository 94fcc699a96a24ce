"""Exports over REST: what a person downloads is exactly what was confirmed when they asked."""

import asyncio
import io
import json
import uuid
import zipfile
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from rest_framework.test import APIClient

import server.pipeline.tasks.export  # noqa: F401 (registers the station)
from server.accounts.models import User
from server.images.models import Image
from server.images.storage import original_key
from server.pipeline.station import run_pending
from server.snapshots.models import Export, Snapshot
from tests.server.builders import World, world

pytestmark = pytest.mark.django_db


@pytest.fixture
def made() -> World:
    """Nine images with bytes; the first six labeled."""
    made = world(images=9)
    for image in Image.objects.filter(project=made.project):
        default_storage.save(original_key(made.project.pk, image.sha256), ContentFile(f"bytes of {image.pk}".encode()))
    for position, image_id in enumerate(made.images[:6]):
        made.label(image_id, made.categories[position % 3])
    return made


def client_of(user: User) -> APIClient:
    client = APIClient()
    client.force_login(user)
    return client


def url(made: World, tail: str = "") -> str:
    return f"/api/v1/projects/{made.project.pk}/exports{tail}"


def start(made: World, **body: Any) -> dict[str, Any]:
    answer = client_of(made.people["owner"]).post(url(made), body, format="json")
    assert answer.status_code == 201, answer.content
    return dict(answer.json())


def download(made: World, export: int, by: str = "owner") -> bytes:
    answer = client_of(made.people[by]).get(url(made, f"/{export}/download"))
    assert answer.status_code == 200
    assert "attachment" in answer["Content-Disposition"]
    assert answer["Content-Security-Policy"].startswith("sandbox")

    async def collect() -> bytes:
        return b"".join([block async for block in answer.streaming_content])

    return asyncio.run(collect())


def test_an_imagefolder_holds_exactly_the_confirmed_labels_of_the_moment_it_was_asked_for(made: World) -> None:
    export = start(made, format="imagefolder")
    made.label(made.images[8], made.categories[0])
    run_pending(project_id=made.project.pk, kinds={"export"})
    with zipfile.ZipFile(io.BytesIO(download(made, export["id"]))) as archive:
        labels = [json.loads(line) for line in archive.read("labels.jsonl").splitlines()]
        assert {line["image_id"] for line in labels} == set(made.images[:6])
        assert archive.read(labels[0]["file_name"]) == f"bytes of {labels[0]['image_id']}".encode()


def test_an_export_says_how_far_it_is_and_where_its_file_is(made: World) -> None:
    export = start(made, format="jsonl")
    assert (export["state"], export["download"], export["item_count"]) == ("queued", None, 6)
    run_pending(project_id=made.project.pk, kinds={"export"})
    done = client_of(made.people["viewer"]).get(url(made, f"/{export['id']}")).json()
    data = download(made, export["id"])
    assert (done["state"], done["byte_size"]) == ("done", len(data))
    assert len(data.splitlines()) == 6


def test_asking_again_while_it_is_written_gives_the_same_export(made: World) -> None:
    first = start(made, format="csv")
    answer = client_of(made.people["owner"]).post(url(made), {"format": "csv"}, format="json")
    assert (answer.status_code, answer.json()["id"]) == (200, first["id"])
    assert Snapshot.objects.count() == 1


def test_too_many_exports_at_once_are_refused_with_a_reason(made: World) -> None:
    for name in ("jsonl", "csv", "imagefolder", "parquet"):
        start(made, format=name)
    answer = client_of(made.people["owner"]).post(url(made), {"format": "labelstudio"}, format="json")
    assert (answer.status_code, answer.json()["code"]) == (429, "limit_reached")


def test_a_file_that_is_not_written_yet_is_a_conflict_not_a_crash(made: World) -> None:
    export = start(made, format="jsonl")
    answer = client_of(made.people["owner"]).get(url(made, f"/{export['id']}/download"))
    assert answer.status_code == 409


def test_only_labels_of_the_chosen_evidence_are_exported(made: World) -> None:
    export = start(made, format="jsonl", options={"evidence": ["review"]})
    assert export["item_count"] == 0


def test_annotators_and_viewers_read_the_list_and_start_nothing(made: World) -> None:
    start(made, format="jsonl")
    for name in ("annotator", "viewer"):
        client = client_of(made.people[name])
        assert len(client.get(url(made)).json()["items"]) == 1
        assert client.post(url(made), {"format": "csv"}, format="json").status_code == 403
    assert Export.objects.count() == 1


def test_outsiders_learn_nothing(made: World) -> None:
    export = start(made, format="jsonl")
    client = client_of(made.people["outsider"])
    for tail in ("", f"/{export['id']}", f"/{export['id']}/download"):
        assert client.get(url(made, tail)).status_code == 404


def test_a_snapshot_of_another_project_is_not_found(made: World) -> None:
    other = world(images=1)
    foreign = Snapshot.objects.create(project=other.project, taxonomy_revision=0)
    answer = client_of(made.people["owner"]).post(url(made), {"format": "csv", "snapshot": foreign.pk}, format="json")
    assert answer.status_code == 404
    assert not Export.objects.exists()


@pytest.mark.parametrize("body", [{}, {"format": "exe"}, {"format": "csv", "options": {"evidence": ["magic"]}}])
def test_a_bad_request_is_refused_and_freezes_nothing(made: World, body: dict[str, Any]) -> None:
    answer = client_of(made.people["owner"]).post(url(made), body, format="json")
    assert answer.status_code == 400
    assert not Snapshot.objects.exists()


def test_a_deleted_export_fails_its_job_with_a_reason(made: World) -> None:
    export = start(made, format="jsonl")
    job_id = Export.objects.get(pk=export["id"]).job_id
    Export.objects.all().delete()
    run_pending(project_id=made.project.pk, kinds={"export"})
    job = client_of(made.people["owner"]).get(f"/api/v1/jobs/{job_id}").json()
    assert (job["state"], "deleted" in job["message"]) == ("failed", True)


def test_two_snapshots_of_the_same_labels_have_the_same_digest(made: World) -> None:
    client = client_of(made.people["owner"])
    path = f"/api/v1/projects/{made.project.pk}/snapshots"
    first = client.post(path, {"name": uuid.uuid4().hex}, format="json").json()
    second = client.post(path, {}, format="json").json()
    assert first["digest"] == second["digest"]
    detail = client.get(f"{path}/{first['id']}").json()
    assert sum(detail["splits"].values()) == 6
