"""The worker that reads images is killed in the middle of a part: the next one leaves none out and none twice."""

import io
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from django.core.files.storage import default_storage
from django.db import connection

from server.images.intake import Incoming, batch_create, images_take_in
from server.images.models import Image, ImportBatch
from server.images.storage import rendition_key
from server.jobs.models import Chunk, Job, State
from server.pipeline import flows
from tests.server.builders import world
from tests.server.pictures import jpeg

pytestmark = [pytest.mark.flows, pytest.mark.django_db(transaction=True), pytest.mark.timeout(300)]
ROOT = Path(__file__).resolve().parents[2]
IMAGES = 80


def worker() -> subprocess.Popen[bytes]:
    settings = connection.settings_dict
    url = f"postgresql://{settings['USER']}@/{settings['NAME']}?host={settings['HOST']}"
    return subprocess.Popen(
        [sys.executable, "-m", "tests.flows.worker"], cwd=ROOT, env={**os.environ, "DATABASE_URL": url}
    )


def renditions(project_id: int) -> int:
    found = Image.objects.filter(project_id=project_id)
    return sum(default_storage.exists(rendition_key(project_id, image.sha256, 256)) for image in found)


def test_a_killed_reader_of_images_goes_on_and_reads_each_once() -> None:
    made = world(images=0)
    batch = batch_create(project_id=made.project.pk, source="api")
    files = [Incoming(f"{i}.jpg", io.BytesIO(jpeg(i, width=640, height=480))) for i in range(IMAGES)]
    images_take_in(batch=batch, files=iter(files))
    with flows.without_messages():
        job = flows.after_images_stored(made.project.pk)

    first = worker()
    while True:  # part of a part is on storage, and the part is not committed
        assert first.poll() is None, "the worker ended before it could be killed"
        ready = Image.objects.filter(state="ready").count()
        if renditions(made.project.pk) > ready and ready < IMAGES:
            break
        time.sleep(0.01)
    first.kill()
    first.wait()
    assert Image.objects.filter(state="ready").count() < IMAGES
    assert Job.objects.get(pk=job.pk).state == State.RUNNING

    assert worker().wait(timeout=200) == 0
    job.refresh_from_db()
    assert (job.state, job.done, job.failed) == (State.DONE, IMAGES, 0)
    assert Image.objects.filter(state="ready").count() == IMAGES == renditions(made.project.pk)
    assert ImportBatch.objects.get().rejected == 0
    attempts = list(Chunk.objects.filter(job=job).values_list("attempt", flat=True))
    assert sum(attempts) - len(attempts) <= 2  # the parts that were in hand, and no others
