"""A worker is killed half-way through a project: the next one goes on where it was."""

import hashlib
import io
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from django.db import connection
from PIL import Image as Picture

from server.embeddings.selectors import embeddings_count
from server.images.models import Image
from server.images.storage import original_key, put
from server.jobs.chunks import chunks_create
from server.jobs.models import Chunk, Job, State
from server.pipeline import flows
from server.projects.models import Project
from tests.ml.encoders.conftest import write_folder
from tests.server.builders import World, world

pytestmark = [pytest.mark.flows, pytest.mark.django_db(transaction=True), pytest.mark.timeout(300)]
ROOT = Path(__file__).resolve().parents[2]
IMAGES, PART = 320, 4


def pictured(encoder: str) -> World:
    made = world(images=IMAGES)
    Project.objects.filter(pk=made.project.pk).update(options={"encoder": encoder})
    rng = np.random.default_rng(0)
    for image in Image.objects.filter(project=made.project):
        buffer = io.BytesIO()
        Picture.fromarray(rng.integers(0, 255, (48, 64, 3), np.uint8)).save(buffer, "PNG")
        image.sha256 = hashlib.sha256(buffer.getvalue()).hexdigest()
        image.save()
        put(original_key(made.project.pk, image.sha256), io.BytesIO(buffer.getvalue()))
    return made


def queued(made: World) -> Job:
    """The job that embeds the project, cut into many small parts."""
    with flows.without_messages():
        job = flows.after_images_ready(made.project.pk)
    ids = made.images
    parts = (ids[start : start + PART] for start in range(0, IMAGES, PART))
    chunks_create(job=job, payloads=(({"images": part}, len(part)) for part in parts))
    return job


def worker() -> subprocess.Popen[bytes]:
    settings = connection.settings_dict
    url = f"postgresql://{settings['USER']}@/{settings['NAME']}?host={settings['HOST']}"
    env = {**os.environ, "DATABASE_URL": url, "WINNOW_DEVICE": "cpu"}
    return subprocess.Popen([sys.executable, "-m", "tests.flows.worker"], cwd=ROOT, env=env)


@pytest.fixture
def encoder(tmp_path: Path) -> str:
    return str(write_folder(tmp_path / "encoder"))


def test_a_killed_embedding_goes_on_and_repeats_at_most_one_part(encoder: str) -> None:
    made = pictured(encoder)
    job = queued(made)
    first = worker()
    while Job.objects.get(pk=job.pk).done < IMAGES // 2:
        assert first.poll() is None, "the worker ended before it was half-way"
        time.sleep(0.005)
    first.kill()
    first.wait()
    left = Job.objects.get(pk=job.pk)
    assert left.state == State.RUNNING and left.done < IMAGES  # otherwise nothing was interrupted

    assert worker().wait(timeout=200) == 0
    job.refresh_from_db()
    project = Project.objects.get(pk=made.project.pk)
    assert (job.state, job.done, job.failed) == (State.DONE, IMAGES, 0)
    assert project.active_space is not None
    assert embeddings_count(project_id=project.pk, space=project.active_space) == IMAGES
    attempts = list(Chunk.objects.filter(job=job).values_list("attempt", flat=True))
    assert len(attempts) == IMAGES // PART
    assert sum(attempts) - len(attempts) <= 1
