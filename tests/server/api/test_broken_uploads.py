"""Uploads that break off, through the real ASGI application."""

import asyncio
import hashlib
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from asgiref.testing import ApplicationCommunicator
from django.test import Client

from server.accounts.models import User
from server.config.asgi import application
from server.images.intake import batch_create
from server.images.models import Image
from server.images.storage import exists, original_key
from server.projects.models import Membership, Project, Role
from tests.server.pictures import jpeg


def scope(method: str, path: str, cookie: str, *more: tuple[bytes, bytes]) -> dict[str, Any]:
    headers = [(b"host", b"localhost"), (b"cookie", cookie.encode()), *more]
    return {
        "type": "http",
        "http_version": "1.1",
        "method": method,
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "headers": headers,
        "server": ("localhost", 80),
    }


@pytest.mark.django_db(transaction=True)
def test_an_upload_that_breaks_off_leaves_no_row_and_no_bytes() -> None:
    user = User.objects.create(username="alice")
    project = Project.objects.create(name="Owls")
    Membership.objects.create(project=project, user=user, role=Role.OWNER)
    batch = batch_create(project_id=project.pk, source="browser")
    client = Client()
    client.force_login(user)
    client.get("/api/v1/session")
    token = client.cookies["csrftoken"].value
    cookie = "; ".join(f"{name}={morsel.value}" for name, morsel in client.cookies.items())
    picture = jpeg(1)
    part = b'--cut\r\nContent-Disposition: form-data; name="files"; filename="a.jpg"\r\n\r\n' + picture[:900]
    headers = (
        (b"content-type", b"multipart/form-data; boundary=cut"),
        (b"content-length", b"100000"),
        (b"x-csrftoken", token.encode()),
    )
    path = f"/api/v1/projects/{project.pk}/imports/{batch.pk}/files"

    async def half() -> None:
        talk = ApplicationCommunicator(application, scope("POST", path, cookie, *headers))
        await talk.send_input({"type": "http.request", "body": part, "more_body": True})
        await talk.send_input({"type": "http.disconnect"})
        await asyncio.wait_for(talk.wait(timeout=10), 12)

    async_to_sync(half)()
    assert not Image.objects.exists()
    assert not exists(original_key(project.pk, hashlib.sha256(picture[:900]).hexdigest()))
