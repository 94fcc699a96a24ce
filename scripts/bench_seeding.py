"""A project of any size for the benchmarks: rows by COPY, random vectors, half of the images labeled."""

import hashlib
import json
import time
import uuid
from dataclasses import dataclass

DIM = 512
LEASED_AT_HEAD = 5_000


@dataclass
class Seeded:
    """What the clients need to know of a project."""

    project: int
    categories: list[int]
    sessions: list[str]
    """Of the browsers, one a person."""


def seed(size: int, *, categories: int, clients: int) -> Seeded:
    """Half of the images are labeled, the other half waits in the queue, its first 5,000 leased to somebody away."""
    import numpy as np
    from django.conf import settings
    from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
    from django.db import connection, transaction

    from server.accounts.models import User
    from server.accounts.sessions import SessionStore
    from server.core.copying import copy_in
    from server.embeddings.services import partition_name, space_index, space_prepare
    from server.labeling.services.annotations import annotations_import
    from server.labeling.services.leases import leases_take
    from server.labeling.services.teaching import prototypes_mend
    from server.predictions.services import Scores, run_create, run_publish
    from server.projects.models import Membership, Project
    from server.registry.models import EncoderVersion
    from server.taxonomy.models import Category

    rng = np.random.default_rng(0)
    project = Project.objects.create(name=f"Bench {size}")
    made = Category.objects.bulk_create(
        [Category(project=project, name=f"Category {i:03d}", position=i) for i in range(categories)]
    )
    ids = [category.pk for category in made]
    with connection.cursor() as cursor:
        command = (
            "COPY images_image (project_id, sha256, byte_size, format, width, height, original_name, imported_label,"
            " state) FROM STDIN"
        )
        with cursor.copy(command) as copy:
            for i in range(size):
                digest = hashlib.sha256(f"{project.pk}/{i}".encode()).hexdigest()
                copy.write_row((project.pk, digest, 1000, "jpeg", 640, 480, f"{i:07d}.jpg", "", "ready"))
        cursor.execute("SELECT array_agg(id ORDER BY id) FROM images_image WHERE project_id = %s", [project.pk])
        images = np.asarray(cursor.fetchone()[0], np.int64)
    space = EncoderVersion.objects.create(name=f"bench-{size}", fingerprint=uuid.uuid4().hex, dim=DIM, has_text=False)
    space_prepare(space)
    for start in range(0, size, 10_000):
        part = images[start : start + 10_000]
        vectors = rng.normal(size=(len(part), DIM)).astype(np.float32)
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        columns = {
            "space_id": np.full(len(part), space.pk, np.int64),
            "image_id": part,
            "project_id": np.full(len(part), project.pk, np.int64),
            "vector": vectors.astype(np.float16),
        }
        copy_in(partition_name(space.pk), columns)
    say("  vectors are in; index")
    space_index(space)
    Project.objects.filter(pk=project.pk).update(active_space=space)
    project.refresh_from_db()
    chances = np.sort(rng.dirichlet(np.ones(5), size).astype(np.float32), axis=1)[:, ::-1].copy()
    told = rng.integers(0, categories, (size, 1)) + np.arange(5)
    run = run_create(project=project, space=space, method="bench", category_ids=ids, label_count=0)
    with transaction.atomic():
        run_publish(
            run,
            scores=Scores(
                image_ids=images,
                categories=np.asarray(ids, np.int64)[told % categories],
                probabilities=chances,
                margin=chances[:, 0] - chances[:, 1],
                entropy=rng.uniform(0, 1.6, size).astype(np.float32),
            ),
        )
    labeled = images[: size // 2]
    say("  labels")
    for start in range(0, len(labeled), 10_000):
        pairs = [(int(image), ids[int(image) % categories]) for image in labeled[start : start + 10_000]]
        annotations_import(project_id=project.pk, labels=pairs, imported_by_id=None)
    prototypes_mend(project_id=project.pk, space=space)
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO labeling_queueitem (project_id, image_id, purpose, rank, reason, wanted, remaining, slots,"
            " created_at) SELECT project_id, id, 'acquired', id, 'bench', 1, 1, 1, now() FROM images_image"
            " WHERE project_id = %s AND id = ANY(%s)",
            [project.pk, images[size // 2 :].tolist()],
        )
        away = User.objects.create(username=f"away-{size}")
        for _ in range(min(LEASED_AT_HEAD, size // 10) // 50):
            leases_take(project_id=project.pk, user_id=away.pk, count=50, lease_s=36_000)
        cursor.execute(
            "UPDATE predictions_predictionrun SET details = %s WHERE id = %s",
            [json.dumps({"last_sequence": 2**62}), run.pk],
        )
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
    sessions = []
    for i in range(clients):
        user = User.objects.create(username=f"client-{size}-{i}")
        Membership.objects.create(project=project, user=user, role="owner")
        session = SessionStore()
        session[SESSION_KEY], session[BACKEND_SESSION_KEY] = str(user.pk), settings.AUTHENTICATION_BACKENDS[0]
        session[HASH_SESSION_KEY] = user.get_session_auth_hash()
        session.create()
        sessions.append(str(session.session_key))
    return Seeded(project.pk, ids, sessions)


def say(text: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {text}", flush=True)
