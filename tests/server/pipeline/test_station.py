"""Every station behaves the same way, whatever it computes."""

from collections.abc import Iterator
from unittest.mock import patch

import pytest

from server.core import sql
from server.core.errors import InvalidInput
from server.jobs.models import Job, State
from server.pipeline import flows, station
from server.pipeline.handle import JobHandle
from server.pipeline.kinds import KINDS, Kind
from server.projects.models import Project

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _own_stations() -> Iterator[None]:
    kinds = {"parts": Kind("default", "Parts"), "whole": Kind("default", "Whole")}
    with patch.dict(KINDS, kinds), patch.dict(station.STATIONS), flows.without_messages():
        yield


@pytest.fixture
def project() -> Project:
    return Project.objects.create(name="Beetles")


def test_a_chunked_station_does_every_part_and_then_tells_the_timetable(project: Project) -> None:
    seen: list[int] = []

    def body(handle: JobHandle) -> None:
        handle.plan(lambda: [({"n": n}, 1) for n in range(5)])
        for chunk in handle.chunks():
            with handle.commit(chunk, done=1):
                seen.append(chunk.payload["n"])

    station.station("parts", chunked=True, then=lambda handle: seen.append(99))(body)
    job = flows.enqueue("parts", project_id=project.pk)
    station.run(job.pk, kind="parts", inline=True)
    job.refresh_from_db()
    assert seen == [0, 1, 2, 3, 4, 99]
    assert (job.state, job.done, job.total) == (State.DONE, 5, 5)


def test_one_bad_part_stops_no_other(project: Project) -> None:
    def body(handle: JobHandle) -> None:
        handle.plan(lambda: [({"n": n}, 1) for n in range(4)])
        for chunk in handle.chunks():
            if chunk.payload["n"] == 1:
                raise ValueError("part one is rotten")
            with handle.commit(chunk, done=1):
                pass

    station.station("parts", chunked=True)(body)
    job = flows.enqueue("parts", project_id=project.pk)
    station.run(job.pk, kind="parts", inline=True)
    job.refresh_from_db()
    assert (job.state, job.done, job.failed) == (State.ERRORED, 3, 1)
    assert "part one is rotten" in job.error
    assert "1 of 4 parts" in job.message


def test_what_is_published_waits_for_the_disk_even_where_its_worker_does_not(project: Project) -> None:
    """The connection of the test waits for nothing, as that of the computing worker."""
    waits: dict[str, str] = {}

    def whole(handle: JobHandle) -> None:
        waits["before"] = sql.fetch_value("SHOW synchronous_commit")
        with handle.commit(done=1):
            waits["published"] = sql.fetch_value("SHOW synchronous_commit")

    station.station("whole")(whole)
    station.run(flows.enqueue("whole", project_id=project.pk).pk, kind="whole", inline=True)
    assert waits == {"before": "off", "published": "on"}


def test_a_foreseen_error_is_a_message_and_not_a_traceback(project: Project) -> None:
    def body(handle: JobHandle) -> None:
        raise InvalidInput("This project has no categories yet; add some first.")

    station.station("whole")(body)
    job = flows.enqueue("whole", project_id=project.pk)
    station.run(job.pk, kind="whole", inline=True)
    job.refresh_from_db()
    assert (job.state, job.message) == (State.FAILED, "This project has no categories yet; add some first.")
    assert "Traceback" not in job.error


def test_an_unforeseen_error_keeps_its_traceback_without_the_folder_of_the_server(project: Project) -> None:
    def body(handle: JobHandle) -> None:
        raise KeyError("surprise")

    station.station("whole")(body)
    job = flows.enqueue("whole", project_id=project.pk)
    station.run(job.pk, kind="whole", inline=True)
    job.refresh_from_db()
    assert job.state == State.ERRORED
    assert "Traceback" in job.error
    assert 'File "server/pipeline/station.py"' in job.error


def test_a_second_message_for_the_same_job_does_nothing(project: Project) -> None:
    ran: list[int] = []
    station.station("whole")(lambda handle: ran.append(handle.job.pk))
    job = flows.enqueue("whole", project_id=project.pk)
    for _ in range(3):
        station.run(job.pk, kind="whole", inline=True)
    assert ran == [job.pk]


def test_what_comes_next_is_queued_in_the_transaction_that_ends_the_job(project: Project) -> None:
    def fail(handle: JobHandle) -> None:
        flows.enqueue("parts", project_id=handle.project_id)
        raise RuntimeError("died right after")

    station.station("whole", then=fail)(lambda handle: None)
    job = flows.enqueue("whole", project_id=project.pk)
    station.run(job.pk, kind="whole", inline=True)
    assert not Job.objects.filter(kind="parts").exists()
    assert Job.objects.get(pk=job.pk).state == State.ERRORED


def test_a_broker_that_is_down_fails_no_request(
    project: Project, settings: object, django_capture_on_commit_callbacks: object
) -> None:
    token = flows._silent.set(False)
    try:
        with (
            patch.object(flows.current_app, "send_task", side_effect=OSError("connection refused")),
            django_capture_on_commit_callbacks(execute=True),  # type: ignore[operator]
        ):
            job = flows.enqueue("whole", project_id=project.pk)
    finally:
        flows._silent.reset(token)
    assert Job.objects.get(pk=job.pk).heartbeat_at is None, "the sweeper sees that no message left"


def test_running_what_is_pending_needs_no_worker(project: Project) -> None:
    station.station("parts")(lambda handle: None)
    station.station("whole", then=lambda handle: flows.enqueue("parts", project_id=handle.project_id) and None)(
        lambda handle: None
    )
    flows.enqueue("whole", project_id=project.pk)
    assert station.run_pending(project_id=project.pk) == 2
    assert not Job.objects.exclude(state=State.DONE).exists()
