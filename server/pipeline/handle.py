"""What a station's function is given: its job, its chunks, a fence to write behind, a heart that beats."""

import logging
import os
import platform
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import Any

from django.conf import settings
from django.db import DatabaseError, connection, transaction

from server.core import sql
from server.core.failpoints import failpoint
from server.jobs.canary import canary_seen
from server.jobs.chunks import Tally, chunk_claim, chunk_commit, chunks_create, heartbeat
from server.jobs.models import Chunk, Job
from server.jobs.services import job_advance, job_fence, job_log, job_progress
from server.pipeline import flows
from server.projects.models import Project

logger = logging.getLogger(__name__)
DURABLE = "SET LOCAL synchronous_commit TO on"
"""What people are shown, and what other rows will name, is on disk before anyone sees it, whatever the worker's own
connection waits for; chunks, curves and heartbeats need not be."""
SHIFT_S = 300.0
"""After this long a chunked job goes to the back of its queue, so that no project waits for another's million."""


class Cancelled(Exception):
    """A person asked for the job to stop."""


def worker_name() -> str:
    return f"{platform.node()}:{os.getpid()}"


class JobHandle:
    """One worker's hold on one job."""

    def __init__(self, job: Job, *, inline: bool, parallel: int) -> None:
        self.job = job
        self.params: dict[str, Any] = job.params
        self.result: dict[str, Any] = {}
        self.inline = inline
        self.handed_over = False
        self._parallel = parallel
        self._chunk: Chunk | None = None
        self._stop = threading.Event()
        self._began = time.monotonic()

    @property
    def project_id(self) -> int:
        if self.job.project_id is None:
            raise ValueError(f"job {self.job.pk} ({self.job.kind}) belongs to no project")
        return self.job.project_id

    @cached_property
    def project(self) -> Project:
        return Project.objects.select_related("active_space", "active_head", "active_run").get(pk=self.project_id)

    def plan(self, make: Callable[[], Iterable[tuple[dict[str, Any], int]]]) -> None:
        """Cut the job into chunks of (payload, number of items) unless that was done before."""
        if self.job.chunks.exists():
            return
        count = chunks_create(job=self.job, payloads=make())
        if not self.inline:
            for _ in range(min(count, self._parallel) - 1):
                flows.send(self.job)

    def chunks(self) -> Iterator[Chunk]:
        """Chunks as this worker claims them, until none is due, someone cancels, or the shift is over.

        Commit each with `commit(chunk)` before asking for the next. Work after the loop belongs into `then`.
        """
        while not self._stop.is_set():
            if not self.inline and time.monotonic() - self._began > SHIFT_S:
                self.handed_over = True
                return
            chunk = chunk_claim(job_id=self.job.pk, worker=worker_name(), impatient=self.inline)
            if chunk is None:
                return
            self._chunk = chunk
            yield chunk
            if self._chunk is not None:
                raise RuntimeError(f"{self.job.kind}: chunk {chunk.ordinal} was left without a commit")

    @contextmanager
    def commit(self, chunk: Chunk | None = None, *, done: int = 0, failed: int = 0) -> Iterator[Tally]:
        """One transaction for rows and progress. Raises StaleAttempt where another worker has taken over."""
        if chunk is None:
            tally = Tally(done, failed)
            with transaction.atomic():
                sql.execute(DURABLE)
                job_fence(job_id=self.job.pk, token=self.job.attempt_token)
                yield tally
                failpoint(f"{self.job.kind}.written")
                job_advance(job_id=self.job.pk, done=tally.done, failed=tally.failed)
            return
        with chunk_commit(chunk=chunk, done=done, failed=failed) as tally:
            yield tally
        self._chunk = None

    def drop_chunk(self) -> Chunk | None:
        """The chunk in hand, no longer in hand."""
        chunk, self._chunk = self._chunk, None
        return chunk

    def check(self) -> None:
        """Raise Cancelled where a person asked for it. Call it inside long computations."""
        if self._stop.is_set():
            raise Cancelled

    def log(self, message: str, level: str = "info") -> None:
        job_log(job_id=self.job.pk, message=message, level=level)

    def progress(self, *, done: int | None = None, total: int | None = None, message: str | None = None) -> None:
        """Figures of a job that is not chunked."""
        job_progress(job_id=self.job.pk, done=done, total=total, message=message)

    @contextmanager
    def beating(self) -> Iterator[None]:
        """Tell the database every few seconds that this worker lives, from a thread with its own connection."""
        over = threading.Event()
        thread = threading.Thread(target=self._beat, args=(over,), name=f"heart-{self.job.pk}", daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join(timeout=settings.WINNOW_HEARTBEAT_S)

    def _beat(self, over: threading.Event) -> None:
        try:
            while not over.wait(settings.WINNOW_HEARTBEAT_S):
                try:
                    if heartbeat(job=self.job, chunk=self._chunk):
                        self._stop.set()
                    canary_seen(queue=self.job.queue, worker=worker_name())
                except DatabaseError:
                    logger.warning("heartbeat_missed job=%s", self.job.pk)
                    connection.close()
        finally:
            connection.close()
