"""One body for every error: {type, code, message, fields, request_id}."""

import logging
import uuid
from typing import Any

from django.core.exceptions import PermissionDenied, RequestDataTooBig, SuspiciousOperation
from django.db import DataError, OperationalError
from django.http import Http404
from rest_framework import exceptions, status
from rest_framework.response import Response
from rest_framework.views import set_rollback

from server.core import errors

logger = logging.getLogger(__name__)

STATUS = {
    errors.InvalidInput: status.HTTP_400_BAD_REQUEST,
    errors.NotAllowed: status.HTTP_403_FORBIDDEN,
    errors.NotFound: status.HTTP_404_NOT_FOUND,
    errors.Conflict: status.HTTP_409_CONFLICT,
    errors.LimitReached: status.HTTP_429_TOO_MANY_REQUESTS,
    errors.Unavailable: status.HTTP_503_SERVICE_UNAVAILABLE,
}


def exception_handler(exc: Exception, context: dict[str, Any]) -> Response | None:
    """Map services' and framework's errors to one shape; anything unforeseen stays a 500 and is logged."""
    set_rollback()
    if isinstance(exc, errors.ApplicationError):
        code = STATUS.get(type(exc), status.HTTP_400_BAD_REQUEST)
        return _response(code, exc.code, exc.message, fields=exc.extra.get("fields"))
    if isinstance(exc, Http404):
        return _response(404, "not_found", "There is no such thing here, or it is not yours to see.")
    if isinstance(exc, PermissionDenied):
        return _response(403, "not_allowed", "Your role does not include this.")
    if isinstance(exc, exceptions.ValidationError):
        return _response(
            400, "invalid", "Some values are not as expected; see `fields`.", fields=_readable(exc.get_full_details())
        )
    if isinstance(exc, exceptions.APIException):
        wait, challenge = getattr(exc, "wait", None), getattr(exc, "auth_header", None)
        headers = {"Retry-After": str(int(wait))} if wait else {}
        if challenge:
            headers["WWW-Authenticate"] = challenge
        return _response(exc.status_code, str(exc.default_code), str(exc.detail), headers=headers)
    if isinstance(exc, RecursionError):
        return _response(400, "invalid", "This is nested too deeply.")
    if isinstance(exc, RequestDataTooBig):
        return _response(413, "too_large", "The body is larger than what is accepted here.")
    if isinstance(exc, SuspiciousOperation):
        return _response(400, "invalid", "This request cannot be read.")
    if isinstance(exc, OperationalError):
        logger.exception("database_unavailable")
        return _response(503, "unavailable", "The database cannot be reached. Nothing was lost; try again in a moment.")
    if isinstance(exc, DataError | UnicodeEncodeError):
        return _response(
            400, "invalid", "A value is outside what can be stored: check its length, range and characters."
        )
    return None


def _readable(details: Any) -> Any:
    """Messages may quote what was sent; half a surrogate pair cannot be sent back."""
    if isinstance(details, dict):
        return {_readable(key): _readable(value) for key, value in details.items()}
    if isinstance(details, list):
        return [_readable(value) for value in details]
    return str(details).encode(errors="replace").decode() if isinstance(details, str) else details


def _response(
    code: int, kind: str, message: str, *, fields: Any = None, headers: dict[str, str] | None = None
) -> Response:
    body = {
        "type": "client_error" if code < 500 else "server_error",
        "code": kind,
        "message": message,
        "fields": fields or {},
        "request_id": uuid.uuid4().hex,
    }
    return Response(body, status=code, headers=headers)
