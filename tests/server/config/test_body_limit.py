"""What a request may send is counted before anything is written to disk."""

import asyncio
from typing import Any

from server.config.body_limit import SMALL, limited

FILES = "/api/v1/projects/1/imports/2/files"
WHO = (b"cookie", b"sessionid=x")


def ask(path: str, *, headers: tuple[tuple[bytes, bytes], ...] = (), blocks: int = 1, size: int = 1 << 20) -> Any:
    """(status or None, bytes that the application received) of a POST of so many blocks."""
    sent: list[dict[str, Any]] = []
    got = 0

    async def app(scope: Any, receive: Any, send: Any) -> None:
        nonlocal got
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            got += len(message["body"])
            if not message["more_body"]:
                await send({"type": "http.response.start", "status": 200, "headers": []})
                return

    left = iter(range(blocks))

    async def receive() -> dict[str, Any]:
        place = next(left)
        return {"type": "http.request", "body": b"x" * size, "more_body": place < blocks - 1}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    asyncio.run(limited(app)({"type": "http", "path": path, "headers": list(headers)}, receive, send))
    return (sent[0]["status"] if sent else None), got


def test_a_declared_length_above_the_limit_is_refused_without_reading() -> None:
    assert ask("/api/v1/projects", headers=((b"content-length", b"10000000000"), WHO)) == (413, 0)


def test_a_body_without_a_length_is_cut_off_at_the_limit() -> None:
    status, got = ask("/api/v1/projects", headers=(WHO,), blocks=1000)
    assert status is None
    assert got <= SMALL


def test_files_may_be_large_for_somebody_who_shows_credentials_and_for_nobody_else() -> None:
    assert ask(FILES, headers=(WHO,), blocks=20)[0] == 200
    status, got = ask(FILES, blocks=20)
    assert status is None
    assert got <= SMALL


def test_ordinary_requests_pass() -> None:
    assert ask("/api/v1/session", size=100) == (200, 100)
