"""What a person waits for asks the database a fixed number of questions, in a project of any size."""

import uuid
from typing import Any

import pytest
from django.core.cache import cache
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from server.labeling.models import QueueItem
from tests.server.builders import World, predicted, with_vectors, world

pytestmark = pytest.mark.django_db
WHO = 2
"""The session with its person, and the membership with its project."""


def asked(client: APIClient, method: str, address: str, body: Any = None) -> int:
    """Statements of one request, without the marks of the transaction that a test runs in."""
    cache.clear()
    with CaptureQueriesContext(connection) as context:
        answer = getattr(client, method)(address, body, format="json")
    assert answer.status_code < 300, answer.content
    return sum("SAVEPOINT" not in (one["sql"] or "") for one in context.captured_queries)


def waiting(images: int) -> tuple[World, APIClient]:
    made = with_vectors(world(images=images))
    predicted(made, dict.fromkeys(made.images, made.categories))
    for image in made.images[: images // 2]:
        made.label(image, made.categories[0])
    for rank, image in enumerate(made.images[images // 2 :]):
        QueueItem.objects.create(project=made.project, image_id=image, rank=rank)
    client = APIClient()
    client.force_login(made.people["owner"])
    client.get("/api/v1/session")  # whose session it is is known from its first request on
    return made, client


@pytest.mark.parametrize("images", [8, 80])
def test_the_pages_of_a_project_ask_as_often_however_large_it_is(images: int) -> None:
    made, client = waiting(images)
    base = f"/api/v1/projects/{made.project.pk}"
    label = {"image": made.images[-1], "kind": "label", "category": made.categories[0]}
    assert asked(client, "put", f"{base}/annotations/{uuid.uuid4()}", label) == WHO + 5
    # expired and take, cards and exemplars, remaining: three round trips
    assert asked(client, "post", f"{base}/queue/lease", {"count": 3}) == WHO + 5
    assert asked(client, "get", f"{base}/images?limit=5") == WHO + 1
    # judged, images, predicted, waiting blind, annotators, their names
    assert asked(client, "get", f"{base}/images/facets") == WHO + 6
    # the images as columns, who labeled them, their names; for seconds to come the names alone
    assert asked(client, "get", f"{base}/images/facets?probability_min=0.1") == WHO + 3
    assert asked(client, "get", f"{base}/images/facets?probability_min=0.2") == WHO + 1
