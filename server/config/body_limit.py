"""Counts what a request sends before Django spools it: nobody fills the disk by sending for ever."""

import re
from collections.abc import Awaitable, Callable
from typing import Any

from server.config.env import get_env

Scope = Any
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]
App = Callable[[Any, Any, Any], Awaitable[None]]

SMALL = 4 * 1024 * 1024
FILES = re.compile(r"^/api/v1/projects/\d+/imports/\d+/files$")
ARCHIVE = re.compile(r"^/api/v1/projects/\d+/imports/(?:\d+/archive|manifest)$")
REFUSAL = (
    b'{"type":"client_error","code":"too_large","message":"The body is larger than what is accepted here.",'
    b'"fields":{},"request_id":""}'
)


def limit_of(scope: Scope) -> int:
    """Bytes that a request may send: much to the routes that take files, from somebody who carries credentials."""
    names = {name for name, _ in scope.get("headers", [])}
    if not names & {b"cookie", b"authorization"}:
        return SMALL
    env = get_env()
    path = scope.get("path", "")
    if FILES.match(path):
        return min(100 * env.winnow_max_upload_bytes, env.winnow_max_archive_bytes) + SMALL
    return env.winnow_max_archive_bytes + SMALL if ARCHIVE.match(path) else SMALL


def limited(app: App) -> App:
    """Wrap an ASGI application. Answers 413 to a declared length above the limit; cuts off an undeclared one."""

    async def guarded(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await app(scope, receive, send)
        limit = limit_of(scope)
        if _declared(scope) > limit:
            return await _refuse(send)
        taken = 0

        async def counted() -> dict[str, Any]:
            nonlocal taken
            message = await receive()
            taken += len(message.get("body", b""))
            return {"type": "http.disconnect"} if taken > limit else message

        await app(scope, counted, send)

    return guarded


def _declared(scope: Scope) -> int:
    for name, value in scope.get("headers", []):
        if name == b"content-length":
            return int(value) if value.isdigit() else 0
    return 0


async def _refuse(send: Send) -> None:
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(REFUSAL)).encode())]
    await send({"type": "http.response.start", "status": 413, "headers": [*headers, (b"connection", b"close")]})
    await send({"type": "http.response.body", "body": REFUSAL})
