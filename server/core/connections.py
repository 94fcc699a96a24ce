"""Connections to the database that live as long as their thread, and are looked at before each use."""

import select
from typing import Any

from django.db import connections


def close_the_dead() -> None:
    """Close this thread's connections whose server has hung up, so that a restart of PostgreSQL fails no request.

    A server at rest sends nothing, so a socket that can be read has ended. Costs a system call and no round trip.
    """
    for connection in connections.all(initialized_only=True):
        if connection.connection is not None and not connection.in_atomic_block and _has_ended(connection.connection):
            connection.close()


def _has_ended(raw: Any) -> bool:
    if raw.closed:
        return True
    asked = select.poll()
    asked.register(raw.fileno(), select.POLLIN)
    return bool(asked.poll(0))
