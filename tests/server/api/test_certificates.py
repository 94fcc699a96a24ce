"""The owner's way to a certificate over REST, with three people who audit."""

import uuid
import zipfile
from io import BytesIO
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from rest_framework.test import APIClient

from server.images.models import Image
from server.images.storage import original_key
from server.labeling.models import BlindDraw, QueueItem
from server.pipeline.station import run_pending
from server.snapshots.models import Export
from tests.server.builders import World
from tests.server.snapshots.test_certificates import KINDS, told

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _bytes_in_memory(settings: Any) -> None:
    memory = {"BACKEND": "django.core.files.storage.InMemoryStorage"}
    settings.STORAGES = {**settings.STORAGES, "default": memory}


def client(made: World, name: str) -> APIClient:
    found = APIClient()
    found.force_login(made.people[name])
    return found


def audit(made: World, *, wrong: bool = False) -> int:
    """Three people in turn take what the queue gives them and judge the audits among it; how many those were.

    Audits are spread through ordinary work: where a turn holds none, the person does that work, and on it goes.
    """
    people = [client(made, name) for name in ("annotator", "reviewer", "owner")]
    here, audits, turn = f"/api/v1/projects/{made.project.pk}", 0, 0
    while QueueItem.objects.filter(project=made.project, purpose="blind", remaining__gt=0).exists():
        person = people[turn % 3]
        items = person.post(f"{here}/queue/lease", {"count": 50}, format="json").json()["items"]
        audited = [item for item in items if item["blind"]]
        assert items
        for item in audited or items:
            assert not item["blind"] or (item["suggestions"] == [] and item["exemplars"] == [])
            right = made.images.index(item["image"]["id"]) % 3
            body = {
                "image": item["image"]["id"],
                "kind": "label",
                "category": made.categories[(right + 2 * (wrong and item["blind"])) % 3],
                "token": item["token"],
            }
            assert person.put(f"{here}/annotations/{uuid.uuid4()}", body, format="json").status_code == 201
            audits += item["blind"]
        person.post(f"{here}/queue/release", {"tokens": [item["token"] for item in items]}, format="json")
        turn += 1
        run_pending(kinds=KINDS)
    return audits


def test_from_five_percent_to_an_export_and_to_a_revocation_that_everyone_sees() -> None:
    made = told(300)
    owner, here = client(made, "owner"), f"/api/v1/projects/{made.project.pk}"
    for image in Image.objects.filter(project=made.project):
        default_storage.save(original_key(made.project.pk, image.sha256), ContentFile(b"bytes"))
    asked = owner.post(f"{here}/certificates", {"error": 0.05, "audits": 90}, format="json")
    assert asked.status_code == 201
    one = f"{here}/certificates/{asked.json()['id']}"
    run_pending(kinds=KINDS)
    assert owner.get(one).json()["plan"]["audits_needed"]
    assert audit(made) == 90
    owner.post(f"{one}/judge")
    run_pending(kinds=KINDS)
    assert owner.get(one).json()["state"] == "proved"
    assert client(made, "annotator").post(f"{one}/accept").status_code == 403
    assert owner.post(f"{one}/accept").json()["labels"] > 100
    export = owner.post(f"{here}/exports", {"format": "imagefolder", "options": {"certified": True}}, format="json")
    run_pending(kinds={"export"})
    key = Export.objects.get(pk=export.json()["id"]).storage_key
    with default_storage.open(key) as file, zipfile.ZipFile(BytesIO(file.read())) as archive:
        assert f'"id": {asked.json()["id"]}' in archive.read("dataset.json").decode()
        assert b'"evidence": "accepted"' in archive.read("labels.jsonl")
    assert owner.post(f"{one}/audits", {"count": 40}, format="json").json() == {"drawn": 40}
    assert BlindDraw.objects.filter(lot=asked.json()["id"]).count() == 130
    assert audit(made, wrong=True) == 40
    client(made, "reviewer").post(f"{one}/judge")
    run_pending(kinds=KINDS)
    seen = client(made, "viewer").get(one).json()
    assert seen["state"] == "revoked"
    assert "Later audits broke it" in seen["history"][-1]["text"]
    assert owner.post(f"{one}/undo").json()["labels"] > 100


def test_another_projects_certificate_is_not_there() -> None:
    made = told(30)
    response = client(made, "outsider").get(f"/api/v1/projects/{made.project.pk}/certificates")
    assert response.status_code == 404


def test_an_owner_may_promise_about_all_labels_and_does_so_once() -> None:
    made = told(120)
    owner, here = client(made, "owner"), f"/api/v1/projects/{made.project.pk}/certificates"
    asked = {"error": 0.05, "audits": 40, "scope": "release"}
    assert owner.post(here, {**asked, "scope": "all"}, format="json").status_code == 400
    made_one = owner.post(here, asked, format="json").json()
    run_pending(kinds=KINDS)
    found = owner.get(f"{here}/{made_one['id']}").json()
    assert (found["scope"], found["plan"]["among"]) == ("release", 120)
    assert found["card"]["promise"].startswith("At most 5.00% of all 120 labels are wrong")
    again = owner.post(here, asked, format="json")
    assert (again.status_code, again.json()["code"]) == (409, "one_release")
