"""A project for the teaching benchmark: clustered vectors, a few confirmed images, published predictions."""

import uuid
from dataclasses import dataclass
from typing import Any

DIM = 512
CONFIRMED = 20
"""Confirmed images of each category before the first page."""


@dataclass
class Seeded:
    """A project, its people's tokens, and what each image truly is."""

    project: int
    tokens: list[str]
    truth: dict[int, int]


def seed(size: int, *, categories: int, people: int) -> Seeded:
    """Images in as many heaps as categories, with neighbors' heaps overlapping; a few of each confirmed."""
    import numpy as np
    from django.db import connection

    from server.accounts.models import User
    from server.accounts.services import token_create
    from server.core.copying import copy_in
    from server.embeddings.services import partition_name, space_prepare
    from server.labeling.services.annotations import annotations_import
    from server.labeling.services.teaching import prototypes_mend
    from server.projects.models import Membership, Project
    from server.registry.models import EncoderVersion
    from server.taxonomy.models import Category

    rng = np.random.default_rng(0)
    project = Project.objects.create(name=f"Bench {size}", blind_share=0.02)
    made = Category.objects.bulk_create(
        [Category(project=project, name=f"Category {i:03d}", position=i) for i in range(categories)]
    )
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO images_image (project_id, sha256, byte_size, format, width, height, original_name,"
            " imported_label, state, created_at) SELECT %s, md5(%s || '/' || i) || md5(i::text), 1000, 'jpeg', 640,"
            " 480, i || '.jpg', '', 'ready', now() FROM generate_series(1, %s) i",
            [project.pk, str(project.pk), size],
        )
        cursor.execute("SELECT array_agg(id ORDER BY id) FROM images_image WHERE project_id = %s", [project.pk])
        images = np.asarray(cursor.fetchone()[0], np.int64)
    space = EncoderVersion.objects.create(name=f"bench-{size}", fingerprint=uuid.uuid4().hex, dim=DIM, has_text=False)
    space_prepare(space)
    centers = rng.normal(size=(categories, DIM)).astype(np.float32)
    heap = rng.integers(0, categories, size)
    for start in range(0, size, 10_000):
        part = slice(start, start + 10_000)
        vectors = centers[heap[part]] + rng.normal(0, 2.2, (len(heap[part]), DIM)).astype(np.float32)
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        columns = {
            "space_id": np.full(len(vectors), space.pk, np.int64),
            "image_id": images[part],
            "project_id": np.full(len(vectors), project.pk, np.int64),
            "vector": vectors.astype(np.float16),
        }
        copy_in(partition_name(space.pk), columns)
    Project.objects.filter(pk=project.pk).update(active_space=space)
    ids = [category.pk for category in made]
    predict(project, space, images, heap, ids, rng)
    truth = dict(zip(images.tolist(), [ids[at] for at in heap.tolist()], strict=True))
    first = [(int(image), truth[int(image)]) for at in range(categories) for image in images[heap == at][:CONFIRMED]]
    annotations_import(project_id=project.pk, labels=first, imported_by_id=None)
    prototypes_mend(project_id=project.pk, space=space)
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
    tokens = []
    for i in range(people):
        user = User.objects.create(username=f"person-{size}-{i}")
        Membership.objects.create(project=project, user=user, role="annotator")
        tokens.append(token_create(user=user, name="bench")[1])
    return Seeded(project.pk, tokens, truth)


def predict(project: Any, space: Any, images: Any, heap: Any, ids: list[int], rng: Any) -> None:
    """Published predictions that are right four times of five: what pages are planned from while no worker answers."""
    import numpy as np
    from django.db import transaction

    from server.predictions.services import Scores, run_create, run_publish

    guess = np.where(rng.random(len(heap)) < 0.8, heap, rng.integers(0, len(ids), len(heap)))
    chances = np.sort(rng.dirichlet(np.ones(5), len(heap)).astype(np.float32), axis=1)[:, ::-1].copy()
    project.refresh_from_db()
    details = {"last_sequence": 2**62}  # no new run is due while the clock runs
    run = run_create(project=project, space=space, method="bench", category_ids=ids, label_count=0, details=details)
    with transaction.atomic():
        run_publish(
            run,
            scores=Scores(
                image_ids=images,
                categories=np.asarray(ids, np.int64)[(guess[:, None] + np.arange(5)) % len(ids)],
                probabilities=chances,
                margin=chances[:, 0] - chances[:, 1],
                entropy=rng.uniform(0, 1.6, len(heap)).astype(np.float32),
            ),
        )
