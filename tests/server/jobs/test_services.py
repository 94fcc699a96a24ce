"""Jobs and chunks: nothing is done twice, nothing is lost, a zombie writes nothing."""

import os
import subprocess

import pytest
from django.db import connection

from server.core.errors import Conflict
from server.jobs.chunks import chunk_claim, chunk_commit, chunk_fail, chunks_create, job_settle
from server.jobs.models import Chunk, Job, State
from server.jobs.services import (
    StaleAttempt,
    job_cancel,
    job_claim,
    job_create,
    job_end,
    job_retry,
)
from server.jobs.sweeping import sweep, sweep_dead
from server.projects.models import Project

pytestmark = pytest.mark.django_db


@pytest.fixture
def project() -> Project:
    return Project.objects.create(name="Beetles")


def running(project: Project, *payloads: tuple[dict[str, int], int], key: str | None = None) -> Job:
    job = job_create(project_id=project.pk, kind="ingest", coalesce_key=key)
    claimed = job_claim(job_id=job.pk, worker="w1", shared=True)
    assert claimed
    if payloads:
        chunks_create(job=claimed, payloads=payloads)
    return claimed


def grow_old(table: str, pk: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"UPDATE {table} SET heartbeat_at = now() - interval '10 minutes' WHERE id = %s", [pk])


def test_asking_twice_for_the_same_work_gives_one_job(project: Project) -> None:
    first = job_create(project_id=project.pk, kind="embed", coalesce_key="embed:1")
    second = job_create(project_id=project.pk, kind="embed", coalesce_key="embed:1")
    assert first.pk == second.pk
    assert not second.again, "it has not begun, so it will see everything anyway"


def test_work_asked_for_while_it_runs_runs_once_more_afterwards(project: Project) -> None:
    job = running(project, key="embed:1")
    for _ in range(3):
        job_create(project_id=project.pk, kind="embed", coalesce_key="embed:1")
    _, follow_up = job_settle(job=job)
    assert follow_up is not None
    assert follow_up.pk != job.pk
    assert Job.objects.filter(coalesce_key="embed:1").count() == 2


def test_a_job_is_begun_by_one_worker_only(project: Project) -> None:
    job = job_create(project_id=project.pk, kind="predict")
    assert job_claim(job_id=job.pk, worker="w1") is not None
    assert job_claim(job_id=job.pk, worker="w2") is None


def test_each_chunk_is_claimed_once_and_counted_before_the_work(project: Project) -> None:
    job = running(project, ({"a": 1}, 2), ({"a": 2}, 3))
    one, two = chunk_claim(job_id=job.pk, worker="w1"), chunk_claim(job_id=job.pk, worker="w2")
    assert one
    assert two
    assert {one.payload["a"], two.payload["a"]} == {1, 2}
    assert (one.attempt, two.attempt) == (1, 1)
    assert chunk_claim(job_id=job.pk, worker="w3") is None
    job.refresh_from_db()
    assert job.total == 5


def test_a_zombie_writes_nothing(project: Project) -> None:
    job = running(project, ({}, 1))
    zombie = chunk_claim(job_id=job.pk, worker="w1")
    assert zombie
    grow_old("jobs_chunk", zombie.pk)
    sweep()
    heir = chunk_claim(job_id=job.pk, worker="w2", impatient=True)
    assert heir
    with pytest.raises(StaleAttempt), chunk_commit(chunk=zombie, done=1):
        Project.objects.create(name="written by a zombie")
    with chunk_commit(chunk=heir, done=1):
        pass
    assert not Project.objects.filter(name="written by a zombie").exists()
    job.refresh_from_db()
    assert job.done == 1


def test_a_chunk_that_fails_three_times_is_given_up_and_the_others_are_done(project: Project) -> None:
    job = running(project, ({"bad": 1}, 4), ({"bad": 0}, 6))
    for _ in range(4):
        while chunk := chunk_claim(job_id=job.pk, worker="w", impatient=True):
            if chunk.payload["bad"]:
                chunk_fail(chunk=chunk, error="boom")
            else:
                with chunk_commit(chunk=chunk, done=6):
                    pass
    ended, _ = job_settle(job=job)
    assert ended
    ended.refresh_from_db()
    assert (ended.state, ended.done, ended.failed) == (State.ERRORED, 6, 4)
    assert ended.error == "boom"
    assert ended.chunks.get(state=State.ERRORED).attempt == 3


def test_retry_runs_only_what_was_not_done(project: Project) -> None:
    job = running(project, ({}, 4), ({}, 6))
    bad, good = chunk_claim(job_id=job.pk, worker="w"), chunk_claim(job_id=job.pk, worker="w")
    assert bad
    assert good
    chunk_fail(chunk=bad, error="no such category", final=True)
    with chunk_commit(chunk=good, done=6):
        pass
    job_settle(job=job)
    again = job_retry(job=job)
    assert (again.state, again.done, again.failed) == (State.QUEUED, 6, 0)
    assert list(again.chunks.filter(state=State.QUEUED)) == [bad]


def test_cancelling_keeps_what_is_done_and_begins_nothing_more(project: Project) -> None:
    job = running(project, ({}, 1), ({}, 1))
    chunk = chunk_claim(job_id=job.pk, worker="w")
    assert chunk
    job_cancel(job=job)
    assert chunk_claim(job_id=job.pk, worker="w") is None
    with chunk_commit(chunk=chunk, done=1):
        pass
    ended, _ = job_settle(job=job)
    assert ended
    assert Job.objects.get(pk=job.pk).state == State.CANCELLED
    assert Job.objects.get(pk=job.pk).done == 1


def test_an_ended_job_cannot_be_cancelled(project: Project) -> None:
    job = running(project)
    job_settle(job=job)
    with pytest.raises(Conflict):
        job_cancel(job=job)


def test_of_two_workers_that_finish_together_one_ends_the_job(project: Project) -> None:
    job = running(project, ({}, 1))
    chunk = chunk_claim(job_id=job.pk, worker="w1")
    assert chunk
    with chunk_commit(chunk=chunk, done=1):
        pass
    assert job_settle(job=job)[0] is not None
    assert job_settle(job=job)[0] is None


def test_the_sweeper_finds_a_job_whose_message_was_lost(project: Project) -> None:
    job = job_create(project_id=project.pk, kind="predict")
    assert sweep() == [], "just created: its message may be on the way"
    Job.objects.filter(pk=job.pk).update(created_at="2020-01-01T00:00Z")
    assert [found.pk for found in sweep()] == [job.pk]


def test_a_job_whose_worker_died_is_queued_again_and_given_up_after_the_third_death(project: Project) -> None:
    job = job_create(project_id=project.pk, kind="predict")
    for _ in range(2):
        assert job_claim(job_id=job.pk, worker="w")
        grow_old("jobs_job", job.pk)
        assert [found.pk for found in sweep()] == [job.pk]
    assert job_claim(job_id=job.pk, worker="w")
    grow_old("jobs_job", job.pk)
    assert sweep() == []
    assert Job.objects.get(pk=job.pk).state == State.ERRORED


def test_a_worker_that_begins_finds_what_a_dead_one_on_its_machine_held(project: Project) -> None:
    ended = subprocess.Popen(["true"])
    ended.wait()
    held = {}
    for worker in (f"here:{ended.pid}", f"here:{os.getpid()}", f"here:{os.getppid()}", f"there:{ended.pid}"):
        job = job_create(project_id=project.pk, kind="predict")
        assert job_claim(job_id=job.pk, worker=worker)
        held[worker] = job.pk
    found = [job.pk for job in sweep_dead(node="here")]
    assert found == [held[f"here:{ended.pid}"], held[f"here:{os.getpid()}"]], "one that lives or is elsewhere is left"
    assert set(Job.objects.filter(pk__in=found).values_list("state", flat=True)) == {State.QUEUED}


def test_planning_twice_makes_the_chunks_once(project: Project) -> None:
    job = running(project, ({}, 1), ({}, 1))
    assert chunks_create(job=job, payloads=[({}, 1)] * 9) == 2
    assert Chunk.objects.filter(job=job).count() == 2


def test_a_null_character_in_an_error_is_no_error_of_its_own(project: Project) -> None:
    job = running(project)
    job_end(job=job, state=State.ERRORED, error="bad\0byte")
    assert Job.objects.get(pk=job.pk).error == "badbyte"
