"""Deleting: everything that speaks of a thing goes with it, its bytes last, and nothing of its neighbours."""

import io

import pytest
from django.core.files.storage import default_storage
from django.db import connection
from rest_framework.test import APIClient

from server.images.models import Image
from server.images.storage import keys_below, keys_of_image, original_key, put
from server.labeling.models import Annotation, Consensus, Lease, QueueItem
from server.labeling.services.leases import leases_take
from server.labeling.services.queue import queue_top_up
from server.pipeline import flows
from server.pipeline.station import run_pending
from server.projects.models import Project
from tests.server.builders import World, predicted, with_vectors, world
from tests.server.pictures import jpeg

pytestmark = pytest.mark.django_db(transaction=True)


def full(name: str) -> World:
    """A project with bytes, vectors, predictions, labels, a queue and a lease."""
    made = with_vectors(world(images=4))
    predicted(made, dict.fromkeys(made.images, made.categories))
    made.label(made.images[0], made.categories[0])
    queue_top_up(project=made.project, user_id=made.people["annotator"].pk, count=4)
    leases_take(project_id=made.project.pk, user_id=made.people["annotator"].pk, count=1)
    for image in Image.objects.filter(project=made.project):
        put(original_key(made.project.pk, image.sha256), io.BytesIO(jpeg(image.pk)))
    Project.objects.filter(pk=made.project.pk).update(name=name)
    return made


def rows_naming(column: str, value: int) -> dict[str, int]:
    """Rows of every table of the database that name this project or image."""
    found = {}
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT table_name FROM information_schema.columns WHERE table_schema = 'public' AND column_name = %s",
            [column],
        )
        for (table,) in cursor.fetchall():
            cursor.execute(f'SELECT count(*) FROM "{table}" WHERE {column} = %s', [value])
            found[table] = cursor.fetchone()[0]
    return {table: count for table, count in found.items() if count}


def client_of(made: World, who: str = "owner") -> APIClient:
    client = APIClient()
    client.force_login(made.people[who])
    return client


def test_a_purged_project_leaves_no_row_and_no_byte_and_its_neighbor_untouched() -> None:
    made, neighbor = full("Wood"), full("Meadow")
    kept = rows_naming("project_id", neighbor.project.pk)
    with flows.without_messages():
        address = f"/api/v1/projects/{made.project.pk}"
        assert client_of(made).delete(address, {"confirm_name": "Wood"}, format="json").status_code == 204
        assert client_of(made).get(address).status_code == 404
        run_pending(kinds={"purge"})
    assert rows_naming("project_id", made.project.pk) == {}
    assert list(keys_below(f"p/{made.project.pk}")) == []
    assert rows_naming("project_id", neighbor.project.pk) == kept
    for image in Image.objects.filter(project=neighbor.project):
        assert default_storage.exists(original_key(neighbor.project.pk, image.sha256))


def test_a_deleted_image_takes_its_labels_vectors_and_bytes_with_it() -> None:
    made = full("Wood")
    image = Image.objects.get(pk=made.images[0])
    answer = client_of(made).delete(f"/api/v1/projects/{made.project.pk}/images/{image.pk}")
    assert answer.status_code == 204
    assert rows_naming("image_id", image.pk) == {}
    assert not any(default_storage.exists(key) for key in keys_of_image(made.project.pk, image.sha256))
    assert Image.objects.filter(project=made.project).count() == 3
    assert not Annotation.objects.exists()
    assert not Consensus.objects.exists()
    assert Lease.objects.count() == 1
    assert QueueItem.objects.exists()


@pytest.mark.parametrize("who", ["reviewer", "annotator", "viewer"])
def test_only_an_owner_deletes(who: str) -> None:
    made = full("Wood")
    client = client_of(made, who)
    base = f"/api/v1/projects/{made.project.pk}"
    assert client.delete(base, {"confirm_name": "Wood"}, format="json").status_code == 403
    assert client.delete(f"{base}/images/{made.images[0]}").status_code == 403
    assert Image.objects.filter(project=made.project).count() == 4
