"""`Authorization: Token …` beside the browser's session."""

from typing import Any

from rest_framework import authentication, exceptions
from rest_framework.request import Request

from server.accounts import services


class TokenAuthentication(authentication.BaseAuthentication):
    """Bearer of an API token; revoked, expired and disabled ones are refused alike."""

    def authenticate(self, request: Request) -> tuple[Any, Any] | None:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() not in {"token", "bearer"}:
            return None
        found = services.token_authenticate(token.strip())
        if found is None:
            raise exceptions.AuthenticationFailed("This token is unknown, expired or revoked.")
        return found.user, found

    def authenticate_header(self, request: Request) -> str:
        return "Token"


class SessionOnly(authentication.SessionAuthentication):
    """For what a token must not do. Answers 401, not 403, where nobody is logged in."""

    def authenticate_header(self, request: Request) -> str:
        return "Session"
