"""A map over REST: drawn by a job, read as columns, never telling what a blind image is thought to be."""

import json

import numpy as np
import pytest
from rest_framework.test import APIClient

from server.images.storage import keys_below
from server.jobs.models import Job, State
from server.jobs.services import job_cancel
from server.labeling.models import BlindDraw
from server.pipeline import tasks
from server.pipeline.station import run_pending
from tests.server.builders import World, predicted, with_vectors, world

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("places")]
assert tasks


@pytest.fixture
def made() -> World:
    made = with_vectors(world(images=12, categories=("owl", "fox")))
    predicted(made, {image: made.categories[:: 1 if i % 2 else -1] for i, image in enumerate(made.images)})
    return made


def client(made: World, who: str) -> APIClient:
    api = APIClient()
    api.force_login(made.people[who])
    return api


def url(made: World, rest: str = "") -> str:
    return f"/api/v1/projects/{made.project.pk}/map{rest}"


def draw(made: World, method: str = "pca") -> Job:
    answer = client(made, "reviewer").post(url(made), {"method": method}, format="json")
    assert answer.status_code == 202
    run_pending(project_id=made.project.pk)
    return Job.objects.get(pk=answer.json()["id"])


def columns(data: bytes) -> dict[str, np.ndarray]:
    """As the page reads it."""
    assert data[:10] == b"WINNOWMAP1"
    size = int.from_bytes(data[12:16], "little")
    header = json.loads(data[16 : 16 + size])
    found, at = {"categories": np.asarray([0, *header["categories"]])}, 16 + size
    for column in header["columns"]:
        name, kind, *width = column.split()
        count = header["count"] * int(width[0] if width else 1)
        found[name] = np.frombuffer(data, f"<{kind}", count, offset=at)
        at += found[name].nbytes
    assert at == len(data)
    return found


def test_a_map_is_drawn_by_a_job_and_read_as_columns(made: World) -> None:
    made.label(made.images[0], made.categories[0])
    assert client(made, "viewer").get(url(made)).json() == {"drawn": None, "images": 12, "job": None}
    assert client(made, "viewer").get(url(made, "/points")).status_code == 409
    assert draw(made).state == State.DONE
    drawn = client(made, "viewer").get(url(made)).json()["drawn"]
    assert (drawn["method"], drawn["images"], drawn["current"]) == ("pca", 12, True)
    seen = columns(client(made, "viewer").get(url(made, "/points")).content)
    assert sorted(seen["ids"].astype(int).tolist()) == made.images
    order = [seen["ids"].tolist().index(image) for image in made.images]
    assert seen["categories"][seen["label"]][order].tolist() == [made.categories[0]] + [0] * 11
    told = seen["categories"][seen["predicted"]][order].tolist()
    assert told == [made.categories[0 if i % 2 else 1] for i in range(12)]
    assert not seen["before"].any(), "there was no run before this one"
    assert seen["places"].max() == 65_535 and seen["places"].min() == 0


def test_a_blind_image_shows_no_prediction_before_it_is_answered(made: World) -> None:
    for image in made.images[:2]:
        BlindDraw.objects.create(project=made.project, image_id=image, seed=0)
    made.label(made.images[0], made.categories[1])
    draw(made)
    seen = columns(client(made, "viewer").get(url(made, "/points")).content)
    at = [seen["ids"].tolist().index(image) for image in made.images[:3]]
    assert [bool(seen["predicted"][i]) for i in at] == [True, False, True]
    assert [int(seen["flags"][i]) for i in at] == [1, 1, 0]


def test_a_new_map_takes_the_place_of_the_old_one(made: World, django_capture_on_commit_callbacks: object) -> None:
    draw(made)
    with django_capture_on_commit_callbacks(execute=True):  # type: ignore[operator]
        draw(made)
    assert len(list(keys_below(f"p/{made.project.pk}/maps"))) == 1


def test_a_map_that_is_not_wanted_any_more_is_not_drawn(made: World) -> None:
    answer = client(made, "reviewer").post(url(made), {"method": "umap"}, format="json")
    job_cancel(job=Job.objects.get(pk=answer.json()["id"]))
    run_pending(project_id=made.project.pk)
    assert client(made, "viewer").get(url(made)).json()["drawn"] is None


def test_what_cannot_be_drawn_is_said(made: World) -> None:
    assert client(made, "reviewer").post(url(made), {"method": "globe"}, format="json").status_code == 400
    assert client(made, "annotator").post(url(made), {}, format="json").status_code == 403
    empty = world(images=2)
    assert client(empty, "reviewer").post(url(empty), {}, format="json").status_code == 409
