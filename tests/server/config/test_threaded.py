"""The application around the views: a request keeps its thread, a thread its connection, and a dead one is noticed."""

import asyncio
import io
import time
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.files.storage import default_storage
from django.db import connection
from django.test import Client

from server.api.streaming import stored_file
from server.config import threaded
from server.config.threaded import ThreadedHandler
from server.images.storage import put
from tests.server.builders import world

pytestmark = pytest.mark.django_db(transaction=True)
END_OTHERS = """
SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'
"""


def end_other_connections() -> int:
    with connection.cursor() as cursor:
        cursor.execute(END_OTHERS)
        return int(cursor.fetchone()[0])


@pytest.fixture
def handler() -> Iterator[ThreadedHandler]:
    made = ThreadedHandler()
    yield made
    end_other_connections()


def ask(handler: ThreadedHandler, path: str, cookie: str = "") -> tuple[int, list[bytes]]:
    """Status and the parts of the body."""
    sent: list[dict[str, Any]] = []

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    async def receive() -> dict[str, Any]:
        if receive.asked:  # type: ignore[attr-defined]
            await asyncio.Event().wait()
        receive.asked = True  # type: ignore[attr-defined]
        return {"type": "http.request", "body": b"", "more_body": False}

    receive.asked = False  # type: ignore[attr-defined]
    headers = [(b"host", b"localhost"), (b"cookie", cookie.encode())]
    scope = {"type": "http", "method": "GET", "path": path, "query_string": b"", "headers": headers}
    asyncio.run(handler(scope, receive, send))
    return sent[0]["status"], [message["body"] for message in sent[1:] if message.get("body")]


def session_of(who: str) -> str:
    client = Client()
    client.force_login(world(images=0).people[who])
    return f"sessionid={client.cookies['sessionid'].value}"


def test_a_restart_of_the_database_fails_no_request(handler: ThreadedHandler) -> None:
    cookie = session_of("owner")
    assert ask(handler, "/api/v1/projects", cookie)[0] == 200
    assert end_other_connections() >= 1
    while end_other_connections():  # they take a moment to end
        time.sleep(0.02)
    assert ask(handler, "/api/v1/projects", cookie)[0] == 200


def test_requests_in_turn_share_connections(handler: ThreadedHandler) -> None:
    cookie = session_of("owner")
    for _ in range(12):
        assert ask(handler, "/api/v1/projects", cookie)[0] == 200
    assert end_other_connections() <= 3  # a thread may not be at rest yet when the next request comes


def test_a_large_file_goes_out_in_parts(handler: ThreadedHandler, monkeypatch: pytest.MonkeyPatch) -> None:
    data = bytes(range(256)) * 4096
    put("exports/large", io.BytesIO(data))
    answer = stored_file(key="exports/large", file_name="a.bin", content_type="text/plain", byte_size=len(data))
    monkeypatch.setattr(threaded.ThreadedHandler, "get_response", lambda *_: answer)
    status, parts = ask(handler, "/")
    assert (status, b"".join(parts)) == (200, data)
    assert len(parts) > 1
    default_storage.delete("exports/large")


def test_an_unknown_path_is_answered_in_json(handler: ThreadedHandler) -> None:
    status, parts = ask(handler, "/api/v1/nothing")
    assert status == 401
    assert b'"code"' in b"".join(parts)
