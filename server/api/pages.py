"""The one page of the front end, and errors outside the API's own handler."""

from pathlib import Path
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import ensure_csrf_cookie
from django.views.decorators.http import require_safe

NOT_BUILT = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Winnow</title>
<h1>The front end is not built yet</h1>
<p>Run <code>make run</code> in the repository: it builds it and starts everything.
The API answers under <a href="/api/v1/health">/api/v1</a>.</p></html>"""


@require_safe
@ensure_csrf_cookie
def page(request: HttpRequest) -> HttpResponse:
    """index.html for every address of the front end. It names its assets by content hash, so it is not cached."""
    index = Path(settings.FRONTEND_DIST) / "index.html"
    if not index.is_file():
        return HttpResponse(NOT_BUILT, status=503)
    return HttpResponse(index.read_text(encoding="utf-8"), headers={"Cache-Control": "no-cache"})


def _error(status: int, code: str, message: str) -> JsonResponse:
    body: dict[str, Any] = {
        "type": "client_error" if status < 500 else "server_error",
        "code": code,
        "message": message,
        "fields": {},
        "request_id": "",
    }
    return JsonResponse(body, status=status)


def bad_request(request: HttpRequest, exception: Exception | None = None) -> JsonResponse:
    return _error(400, "invalid", "This request cannot be read.")


def csrf_failure(request: HttpRequest, reason: str = "") -> JsonResponse:
    return _error(403, "csrf", "The CSRF token is missing or old. Reload the page and try again.")


def not_allowed(request: HttpRequest, exception: Exception | None = None) -> JsonResponse:
    return _error(403, "not_allowed", "This is not yours to see.")


def not_found(request: HttpRequest, exception: Exception | None = None) -> JsonResponse:
    return _error(404, "not_found", "There is no such page.")


def server_error(request: HttpRequest) -> JsonResponse:
    return _error(500, "server_error", "Something broke on our side. It was logged; nothing that was saved is lost.")
