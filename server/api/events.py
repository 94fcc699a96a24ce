"""Server-sent events: hints that something changed, so that pages fetch again. Nothing depends on one arriving."""

import asyncio
import contextlib
import json
import logging
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Any

import redis
import redis.asyncio
from django.http import HttpRequest, HttpResponseBase, JsonResponse, StreamingHttpResponse
from django.urls import path
from rest_framework.authentication import SessionAuthentication
from rest_framework.exceptions import APIException, MethodNotAllowed, NotAuthenticated
from rest_framework.request import Request

from server.accounts.models import User
from server.api.authentication import TokenAuthentication
from server.api.errors import exception_handler
from server.core.errors import ApplicationError
from server.core.events import CHANNEL, redis_url
from server.projects.selectors import membership_for

logger = logging.getLogger(__name__)
HEARTBEAT_S = 15.0
GATHER_S = 0.25
"""Changes of a quarter of a second go out as one event."""
LIFE_S = 600.0
"""After this the browser connects anew, and its membership is looked up again."""


def events(request: HttpRequest, project_id: int) -> HttpResponseBase:
    """text/event-stream of {"topics": […]}. Members only; a person removed is cut off within ten minutes."""
    refusal = _refusal(request, project_id)
    if refusal is not None:
        return refusal
    response = StreamingHttpResponse(_stream(project_id), content_type="text/event-stream")
    response.headers["Cache-Control"] = "no-store"
    response.headers["X-Accel-Buffering"] = "no"
    return response


def _refusal(request: HttpRequest, project_id: int) -> JsonResponse | None:
    try:
        _admit(request, project_id)
    except (ApplicationError, APIException) as error:
        answer = exception_handler(error, {})
        assert answer is not None
        return JsonResponse(answer.data, status=answer.status_code)
    return None


def _admit(request: HttpRequest, project_id: int) -> None:
    if request.method != "GET":
        raise MethodNotAllowed(str(request.method))
    asked = Request(request, authenticators=[TokenAuthentication(), SessionAuthentication()])
    if not isinstance(asked.user, User):
        raise NotAuthenticated("Nobody is logged in.")
    membership_for(asked.user, project_id)


async def _stream(project_id: int) -> AsyncIterator[str]:
    loop = asyncio.get_running_loop()
    until = loop.time() + LIFE_S
    yield "retry: 2000\n\n"
    while loop.time() < until:
        try:
            async with contextlib.aclosing(_topics(project_id)) as batches:
                async for topics in batches:
                    yield f"event: change\ndata: {json.dumps({'topics': topics})}\n\n" if topics else ": alive\n\n"
                    if loop.time() >= until:
                        return
        except (redis.RedisError, OSError, ValueError) as error:
            logger.debug("events_without_broker: %s", error)
            await asyncio.sleep(HEARTBEAT_S)
            yield ": alive\n\n"


async def _topics(project_id: int) -> AsyncGenerator[list[str], None]:
    """Topics as they change; an empty list each quarter of a minute without any."""
    client: Any = redis.asyncio.Redis.from_url(redis_url(), socket_connect_timeout=2)
    async with client, client.pubsub() as channel:
        await channel.subscribe(CHANNEL.format(project_id))
        while True:
            message = await channel.get_message(ignore_subscribe_messages=True, timeout=HEARTBEAT_S)
            topics: set[str] = set()
            if message:
                topics.update(_read(message))
                await asyncio.sleep(GATHER_S)
                while message := await channel.get_message(ignore_subscribe_messages=True, timeout=0):
                    topics.update(_read(message))
            yield sorted(topics)


def _read(message: dict[str, Any]) -> list[str]:
    try:
        return [str(topic) for topic in json.loads(message["data"])["topics"]]
    except (ValueError, KeyError, TypeError):
        return []


urlpatterns = [path("projects/<int:project_id>/events", events)]
