"""A short wait for a worker on the interactive queue: the web process never loads a model."""

import base64
import hashlib
import json
import struct
import time
from collections.abc import Callable
from typing import Any

from django.core.cache import cache

from server.core.errors import InvalidInput, Unavailable
from server.jobs.models import LIVE_STATES, Job, State
from server.jobs.selectors import workers_alive
from server.pipeline import flows
from server.projects.models import Project
from server.registry.models import EncoderVersion

WAIT_S = 6.0
LOOK_EVERY_S = 0.03
KEEP_S = 3600.0
NO_WORKER = "No worker answers at present, so a text cannot be read. Start one with `make run` and try again."
BUSY = f"The worker has not answered within {WAIT_S:g} seconds: it is busy or still loads the encoder. Try again soon."


def text_vector(project: Project, texts: list[str]) -> list[float]:
    """The vector of texts in the project's space, from the last hour's answers or from a worker.

    Raises:
        InvalidInput: The encoder sees only images.
        Unavailable: No vectors yet, or nobody answers (`no_worker`).
    """
    space = project.active_space
    if space is None:
        raise Unavailable("This project has no vectors yet: add images first.", code="no_vectors")
    if not space.has_text:
        raise InvalidInput(f"The encoder {space.name} sees only images: search by image instead.", code="no_text")
    digest = hashlib.sha256(json.dumps(texts).encode()).hexdigest()
    key = f"text_vector:{space.fingerprint}:{digest}"
    known: list[float] | None = cache.get(key)
    if known is None:
        known = _ask(project, space, texts)
        cache.set(key, known, KEEP_S)
    return known


def answer_of(begin: Callable[[], Job]) -> dict[str, Any]:
    """The result of a job on the interactive queue, which is then forgotten.

    Raises:
        Unavailable: Nobody answers (`no_worker`), or the job says why it cannot (`not_encoded`).
    """
    if not workers_alive()["interactive"]:
        raise Unavailable(NO_WORKER, code="no_worker")
    job = begin()
    try:
        return _wait(job.pk)
    finally:
        Job.objects.filter(pk=job.pk).exclude(state=State.RUNNING).delete()


def _ask(project: Project, space: EncoderVersion, texts: list[str]) -> list[float]:
    result = answer_of(lambda: flows.encode_text(project.pk, texts=texts))
    if result.get("space") != space.pk:
        raise Unavailable("The project changed its encoder at this moment. Try again.", code="busy")
    data = base64.b64decode(str(result["vector"]))
    return list(struct.unpack(f"<{len(data) // 4}f", data))


def _wait(job_id: int) -> dict[str, Any]:
    until = time.monotonic() + WAIT_S
    while time.monotonic() < until:
        state, result, error = Job.objects.values_list("state", "result", "error").get(pk=job_id)
        if state == State.DONE:
            return dict(result)
        if state not in LIVE_STATES:
            raise Unavailable(error or "The text could not be read.", code="not_encoded")
        time.sleep(LOOK_EVERY_S)
    raise Unavailable(BUSY, code="busy")
