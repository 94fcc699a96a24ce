"""Live hints: a page hears of a change while it happens, through the application that serves everything else too."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from server.config.threaded import ThreadedHandler
from server.core import events
from server.supervisor.process import Process
from server.supervisor.redis import EmbeddedRedis
from tests.server.builders import World, world

pytestmark = pytest.mark.django_db(transaction=True)
ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def broker(tmp_path: Path, settings: Any) -> Iterator[str]:
    redis = EmbeddedRedis(tmp_path / "redis")
    process = Process(redis.program(), log_dir=tmp_path, cwd=ROOT)
    redis.wait_until_ready(process)
    settings.CELERY_BROKER_URL = redis.url
    events._client.cache_clear()
    yield redis.url
    events._client.cache_clear()
    process.stop()


class Listener:
    """What a browser's EventSource gets of one address."""

    def __init__(self, made: World, who: str) -> None:
        client = Client()
        client.force_login(made.people[who])
        cookie = f"sessionid={client.cookies['sessionid'].value}".encode()
        path = f"/api/v1/projects/{made.project.pk}/events"
        headers = [(b"host", b"localhost"), (b"cookie", cookie)]
        self.scope = {"type": "http", "method": "GET", "path": path, "query_string": b"", "headers": headers}
        self.sent: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.gone = asyncio.Event()
        self._asked = False

    async def receive(self) -> dict[str, Any]:
        if not self._asked:
            self._asked = True
            return {"type": "http.request", "body": b"", "more_body": False}
        await self.gone.wait()
        return {"type": "http.disconnect"}

    async def next(self, kind: str) -> dict[str, Any]:
        while True:
            message = await asyncio.wait_for(self.sent.get(), 10)
            if message["type"] == kind:
                return message

    async def event(self) -> dict[str, Any]:
        while True:
            text = (await self.next("http.response.body"))["body"].decode()
            if text.startswith("event: change"):
                return dict(json.loads(text.split("data: ")[1]))


@asynccontextmanager
async def served(listener: Listener) -> AsyncIterator[Listener]:
    serving = asyncio.create_task(ThreadedHandler()(listener.scope, listener.receive, listener.sent.put))
    try:
        yield listener
    finally:
        listener.gone.set()
        await asyncio.wait_for(serving, 10)  # ends by itself when the browser goes


async def label_heard(made: World, listener: Listener) -> list[str]:
    def label() -> None:
        made.label(made.images[0], made.categories[0])
        events.publish(made.project.pk, "annotations")

    async with served(listener):
        start = await listener.next("http.response.start")
        assert (start["status"], dict(start["headers"])[b"Content-Type"]) == (200, b"text/event-stream")
        await listener.next("http.response.body")
        await asyncio.sleep(0.3)  # the subscription follows the first byte
        await asyncio.to_thread(label)
        return list((await listener.event())["topics"])


def test_a_label_is_heard_by_whoever_looks_at_the_project(broker: str) -> None:
    made = world(images=1)
    assert asyncio.run(label_heard(made, Listener(made, "viewer"))) == ["annotations"]


def test_a_stranger_hears_nothing(broker: str) -> None:
    made = world(images=1)
    made.people["owner"].memberships.all().delete()
    listener = Listener(made, "owner")

    async def status() -> int:
        async with served(listener):
            return int((await listener.next("http.response.start"))["status"])

    assert asyncio.run(status()) == 404


def test_what_follows_within_a_moment_is_told_once_when_it_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[tuple[str, ...]] = []
    monkeypatch.setattr(events, "_publish", lambda project_id, topics: told.append(topics))
    project = -1  # nobody else's
    for _ in range(50):
        events._tell(project, ("annotations",))
    events._tell(project, ("jobs",))
    assert told == [("annotations",), ("jobs",)]
    time.sleep(2 * events.MOMENT_S)
    assert told == [("annotations",), ("jobs",), ("annotations",)]
