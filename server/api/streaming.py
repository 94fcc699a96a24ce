"""Bytes from storage to the network at constant memory, under ASGI as under WSGI."""

from collections.abc import AsyncIterator
from typing import IO

from asgiref.sync import sync_to_async
from django.core.files.storage import default_storage
from django.http import StreamingHttpResponse
from django.utils.http import content_disposition_header

from server.core.errors import NotFound

BLOCK = 256 * 1024


def stored_file(*, key: str, file_name: str, content_type: str, byte_size: int) -> StreamingHttpResponse:
    """A download of stored bytes under a name of our choosing, never rendered by the browser.

    Raises:
        NotFound: The bytes are gone from storage.
    """
    try:
        source = default_storage.open(key, "rb")
    except FileNotFoundError as error:
        raise NotFound("The file is no longer on storage. Start the export again.") from error
    response = StreamingHttpResponse(_blocks(source), content_type=content_type)
    response["Content-Length"] = str(byte_size)
    response["Content-Disposition"] = content_disposition_header(True, file_name) or "attachment"
    response["Content-Security-Policy"] = "sandbox; default-src 'none'"
    response["Cache-Control"] = "private, no-store"
    return response


async def _blocks(source: IO[bytes]) -> AsyncIterator[bytes]:
    read = sync_to_async(source.read, thread_sensitive=False)
    try:
        while block := await read(BLOCK):
            yield block
    finally:
        await sync_to_async(source.close, thread_sensitive=False)()
