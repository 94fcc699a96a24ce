"""Errors that services raise. Only `server.api.errors` turns them into HTTP."""

from typing import Any


class ApplicationError(Exception):
    """Something a person can act on: what happened, what was expected, what to do."""

    code = "error"

    def __init__(self, message: str, *, code: str | None = None, **extra: Any) -> None:
        super().__init__(message)
        self.message = message
        self.code = code or self.code
        self.extra = extra


class InvalidInput(ApplicationError):
    """The request cannot be right as it is; nothing was changed."""

    code = "invalid"


class NotAllowed(ApplicationError):
    """The person's role does not include this act."""

    code = "not_allowed"


class NotFound(ApplicationError):
    """No such thing among what this person may see."""

    code = "not_found"


class Conflict(ApplicationError):
    """The state has moved on; the message says how."""

    code = "conflict"


class LimitReached(ApplicationError):
    """A documented limit; the message says which and what to do."""

    code = "limit_reached"


class Unavailable(ApplicationError):
    """A worker, model or service that is needed is not there at present."""

    code = "unavailable"
