"""Django behind an ASGI server, each request in one thread from beginning to end.

Django's own handler moves a request between the event loop and a thread for every middleware, and makes a thread, and
with it a database connection, for every request: 2.9 ms of processor time where this takes 0.9. Only bodies of
streaming responses, such as server-sent events, run on the event loop.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import IO, Any, cast

from django.core import signals
from django.core.exceptions import RequestAborted
from django.core.handlers.asgi import ASGIHandler, get_script_prefix
from django.core.handlers.base import BaseHandler
from django.http import HttpResponse, StreamingHttpResponse
from django.urls import set_script_prefix

from server.core.connections import close_the_dead

THREADS = 16
"""Requests of one process that are answered at once; each thread keeps one connection to the database."""
WHOLE_BYTES = 4 * 1024 * 1024
"""Files up to this size are read where the request is answered, larger ones block by block."""

Receive = Callable[[], Awaitable[Mapping[str, Any]]]
Send = Any


class ThreadedHandler(ASGIHandler):
    """An ASGI application. Middleware and views are ordinary synchronous ones."""

    def __init__(self) -> None:
        BaseHandler.__init__(self)
        self.load_middleware(is_async=False)
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="request")

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            raise ValueError(f"expected an HTTP request, got {scope['type']}")
        try:
            body = await self.read_body(receive)
        except RequestAborted:
            return
        run = asyncio.get_running_loop().run_in_executor
        response = await run(self._threads, self._answer, scope, body)
        if not isinstance(response, StreamingHttpResponse):
            return await self.send_response(response, send)
        try:
            await _until_gone(receive, self._stream(response, send))
        finally:
            await run(self._threads, response.close)

    def _answer(self, scope: Any, body: IO[bytes]) -> HttpResponse | StreamingHttpResponse:
        """The response, closed already unless it streams."""
        set_script_prefix(get_script_prefix(scope))
        close_the_dead()
        signals.request_started.send(sender=type(self), scope=scope)
        request, refusal = self.create_request(scope, body)
        response: Any = refusal if request is None else self.get_response(request)
        response._handler_class = type(self)
        response._resource_closers.append(body.close)
        if isinstance(response, StreamingHttpResponse) and not response.is_async and _is_small(response):
            response = _read_whole(response)
        if not response.streaming:
            response.close()
        return cast(HttpResponse | StreamingHttpResponse, response)

    async def _stream(self, response: StreamingHttpResponse, send: Send) -> None:
        content: Any = response.streaming_content
        if not response.is_async:
            response.streaming_content = self._blocks(iter(content))
        await self.send_response(response, send)

    async def _blocks(self, blocks: Iterator[bytes]) -> AsyncIterator[bytes]:
        run = asyncio.get_running_loop().run_in_executor
        while (block := await run(self._threads, next, blocks, None)) is not None:
            yield block


def _is_small(response: StreamingHttpResponse) -> bool:
    return int(response.headers.get("Content-Length", WHOLE_BYTES + 1)) <= WHOLE_BYTES


def _read_whole(response: StreamingHttpResponse) -> HttpResponse:
    read: Any = response
    whole: Any = HttpResponse(b"".join(read), status=response.status_code, headers=response.headers)
    whole.cookies, whole._handler_class = response.cookies, read._handler_class
    whole._resource_closers += read._resource_closers
    return cast(HttpResponse, whole)


async def _until_gone(receive: Receive, sending: Coroutine[Any, Any, None]) -> None:
    """Send until all is sent or nobody listens any more, whichever is first."""
    tasks = [asyncio.create_task(sending), asyncio.create_task(_gone(receive))]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        sent, _ = await asyncio.gather(*tasks, return_exceptions=True)
    if isinstance(sent, Exception):
        raise sent


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
