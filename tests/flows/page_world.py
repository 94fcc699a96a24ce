"""A project whose pages are worth composing: heaps of vectors, predictions, a few confirmed and gold images."""

import uuid

import numpy as np
from django.db import connection, transaction

from server.accounts.models import User
from server.accounts.services import token_create
from server.core.copying import copy_in
from server.embeddings.services import partition_name, space_prepare
from server.labeling.models import Gold
from server.labeling.services.annotations import annotations_import
from server.labeling.services.teaching import prototypes_mend
from server.predictions.services import Scores, run_create, run_publish
from server.projects.models import Membership, Project
from server.registry.models import EncoderVersion
from server.taxonomy.models import Category

HEAPS, DIM = 8, 16
CONFIRMED, GOLDEN = 3, 2


def seed(*, images: int, people: int) -> str:
    """The project's id and a token of each person. What each image truly is lies in the table `truth`."""
    rng = np.random.default_rng(0)
    options = {"attention_share": 0.1, "lease_minutes": 0.1}
    project = Project.objects.create(name="Pages", blind_share=0.02, options=options)
    categories = [Category.objects.create(project=project, name=f"heap {i}", position=i).pk for i in range(HEAPS)]
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO images_image (project_id, sha256, byte_size, format, original_name, state, imported_label)"
            " SELECT %s, lpad(n::text, 64, '0'), 1, 'png', n || '.png', 'ready', '' FROM generate_series(1, %s) n",
            [project.pk, images],
        )
        cursor.execute("SELECT array_agg(id ORDER BY id) FROM images_image")
        ids = np.asarray(cursor.fetchone()[0], np.int64)
        cursor.execute("CREATE TABLE truth (image_id bigint, category_id bigint)")
    heap = rng.integers(0, HEAPS, images)
    truth = np.asarray(categories, np.int64)[heap]
    copy_in("truth", {"image_id": ids, "category_id": truth})
    _told(project, ids, heap, categories, rng)
    first = [(int(image), categories[at]) for at in range(HEAPS) for image in ids[heap == at][:CONFIRMED]]
    annotations_import(project_id=project.pk, labels=first, imported_by_id=None)
    for image, _ in first[::CONFIRMED][:GOLDEN]:
        Gold.objects.create(project=project, image_id=image)
    prototypes_mend(project_id=project.pk, space=Project.objects.get(pk=project.pk).active_space)  # type: ignore[arg-type]
    return " ".join([str(project.pk), *_people(project, people)])


def _told(project: Project, ids: np.ndarray, heap: np.ndarray, categories: list[int], rng: np.random.Generator) -> None:
    """Vectors around their heap's center, and predictions that are right three times of four."""
    space = EncoderVersion.objects.create(name="heaps", fingerprint=uuid.uuid4().hex, dim=DIM, has_text=False)
    space_prepare(space)
    vectors = np.eye(HEAPS, DIM, dtype=np.float32)[heap] * 2 + rng.normal(0, 0.5, (len(ids), DIM)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    columns = {"space_id": np.full(len(ids), space.pk, np.int64), "image_id": ids}
    columns |= {"project_id": np.full(len(ids), project.pk, np.int64), "vector": vectors.astype(np.float16)}
    copy_in(partition_name(space.pk), columns)
    Project.objects.filter(pk=project.pk).update(active_space=space)
    project.refresh_from_db()
    guess = np.where(rng.random(len(ids)) < 0.75, heap, rng.integers(0, HEAPS, len(ids)))
    order = (guess[:, None] + np.arange(HEAPS)) % HEAPS
    run = run_create(project=project, space=space, method="test", category_ids=categories, label_count=0)
    with transaction.atomic():
        run_publish(
            run,
            scores=Scores(
                image_ids=ids,
                categories=np.asarray(categories, np.int64)[order[:, :5]],
                probabilities=np.tile(np.asarray([0.6, 0.2, 0.1, 0.05, 0.05], np.float32), (len(ids), 1)),
                margin=np.full(len(ids), 0.4, np.float32),
                entropy=np.ones(len(ids), np.float32),
            ),
        )


def _people(project: Project, count: int) -> list[str]:
    tokens = []
    for nth in range(count):
        user = User.objects.create(username=f"page{nth:03d}")
        Membership.objects.create(project=project, user=user, role="annotator")
        tokens.append(token_create(user=user, name="test")[1])
    return tokens
