"""Work for each worker while people drain a queue: vectors and a few labels to work with, one job a queue, the sweeper.

python -m tests.flows.drain_work begin PROJECT KIND… | sweep   (DATABASE_URL and CELERY_BROKER_URL in the environment)
"""

import json
import os
import sys
import uuid
from collections.abc import Sequence

DIM, TOLD = 8, 20


def begin(project_id: int, kinds: Sequence[str]) -> None:
    """Writes the job of each kind as JSON."""
    import numpy as np

    from server.core.copying import copy_in
    from server.embeddings.services import partition_name, space_prepare
    from server.images.models import Image
    from server.jobs.models import Job
    from server.labeling.services.annotations import annotations_import
    from server.pipeline import flows
    from server.projects.models import Project
    from server.registry.models import EncoderVersion
    from server.snapshots.services import export_create
    from server.taxonomy.models import Category

    ids = np.asarray(Image.objects.filter(project_id=project_id).order_by("pk").values_list("pk", flat=True), np.int64)
    vectors = np.random.default_rng(0).normal(size=(len(ids), DIM)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    space = EncoderVersion.objects.create(name="drain", fingerprint=uuid.uuid4().hex, dim=DIM, has_text=False)
    space_prepare(space)
    columns = {"space_id": np.full(len(ids), space.pk, np.int64), "image_id": ids}
    columns |= {"project_id": np.full(len(ids), project_id, np.int64), "vector": vectors.astype(np.float16)}
    copy_in(partition_name(space.pk), columns)
    Project.objects.filter(pk=project_id).update(active_space=space)
    owl, fox = Category.objects.filter(project_id=project_id).order_by("pk").values_list("pk", flat=True)
    told = [(int(image), owl if nth % 2 else fox) for nth, image in enumerate(ids[:TOLD])]
    annotations_import(project_id=project_id, labels=told, imported_by_id=None)

    def export() -> Job:
        made = export_create(project=Project.objects.get(pk=project_id), created_by=None, format="jsonl")
        return flows.enqueue("export", project_id=project_id, params={"export": made.pk})

    make = {
        "export": export,
        "predict": lambda: flows.after_embedded(project_id),
        "teach": lambda: flows.teach(project_id),
    }
    sys.stdout.write(json.dumps({kind: make[kind]().pk for kind in kinds}))


def sweep() -> None:
    """What beat asks for twice a minute, with no patience for the dead."""
    from server.jobs.sweeping import sweep as swept
    from server.pipeline import flows

    for job in swept(stale_s=0, resend_s=0):
        flows.send(job)


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "server.config.settings")
    import django

    django.setup()
    if sys.argv[1] == "begin":
        begin(int(sys.argv[2]), sys.argv[3:])
    else:
        sweep()
