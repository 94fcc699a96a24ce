"""Hints to open pages that something changed. A lost hint costs nothing: pages fetch again when they reconnect."""

import json
import logging
import threading
import time
from functools import cache
from typing import Any
from urllib.parse import urlsplit

import redis
from django.conf import settings
from django.db import transaction

logger = logging.getLogger(__name__)
CHANNEL = "winnow:project:{}"
TOPICS = (
    "jobs",
    "images",
    "predictions",
    "annotations",
    "taxonomy",
    "exports",
    "teaching",
    "training",
    "certificates",
    "insights",
)
MOMENT_S = 0.2
_turn = threading.Lock()
_told: dict[tuple[int, tuple[str, ...]], float] = {}
_due: dict[tuple[int, tuple[str, ...]], float] = {}


def redis_url() -> str:
    """The broker's address as the Redis client spells it."""
    url = settings.CELERY_BROKER_URL
    return "unix://" + url.removeprefix("redis+socket://") if url.startswith("redis+socket://") else url


@cache
def _client() -> Any:
    timeout = {} if urlsplit(redis_url()).scheme == "unix" else {"socket_connect_timeout": 0.5}
    return redis.Redis.from_url(redis_url(), socket_timeout=0.5, **timeout)


def publish(project_id: int, *topics: str) -> None:
    """Tell open pages of a project, after the commit. Never raises: labels are saved with the broker down."""
    transaction.on_commit(lambda: _tell(project_id, topics))


def _tell(project_id: int, topics: tuple[str, ...]) -> None:
    """At once; what follows within a moment is told together when the moment is over."""
    now, key = time.monotonic(), (project_id, topics)
    with _turn:
        if now < _due.get(key, 0.0):
            return  # what is on its way says this too
        if later := now - _told.get(key, -MOMENT_S) < MOMENT_S:
            _due[key] = now + MOMENT_S
        else:
            _told[key] = now
    if not later:
        return _publish(project_id, topics)
    timer = threading.Timer(MOMENT_S, _tell_now, key)
    timer.daemon = True
    timer.start()


def _tell_now(project_id: int, topics: tuple[str, ...]) -> None:
    with _turn:
        _told[project_id, topics] = time.monotonic()
        _due.pop((project_id, topics), None)
    _publish(project_id, topics)


def _publish(project_id: int, topics: tuple[str, ...]) -> None:
    try:
        _client().publish(CHANNEL.format(project_id), json.dumps({"topics": list(topics)}))
    except (redis.RedisError, OSError, ValueError) as error:
        logger.debug("event_not_published: %s", error)
