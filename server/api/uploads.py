"""Receiving files: straight to disk, counted on the way, never whole in memory."""

from typing import Any

from django.conf import settings
from django.core.files.uploadhandler import TemporaryFileUploadHandler
from django.http import HttpRequest
from rest_framework.parsers import BaseParser
from rest_framework.request import Request


class CappedUploadHandler(TemporaryFileUploadHandler):
    """Keeps at most one byte more than a file may have, so that what is too large is known and not stored."""

    def __init__(self, request: HttpRequest, *, limit: int) -> None:
        super().__init__(request)
        self.limit = limit

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        super().new_file(*args, **kwargs)
        self.kept = 0

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        room = self.limit + 1 - self.kept
        if room > 0:
            self.file.write(raw_data[:room])
            self.kept += min(len(raw_data), room)

    def file_complete(self, file_size: int) -> Any:
        return super().file_complete(self.kept)


class UploadMixin:
    """For views that take files. Sets the handler before anything reads the body."""

    def upload_limit(self) -> int:
        return int(settings.WINNOW_MAX_UPLOAD_BYTES)

    def initialize_request(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Request:
        request.upload_handlers = [CappedUploadHandler(request, limit=self.upload_limit())]
        made: Request = super().initialize_request(request, *args, **kwargs)  # type: ignore[misc]
        return made


class LinesParser(BaseParser):
    """application/x-ndjson: the stream itself; the view reads it line by line."""

    media_type = "application/x-ndjson"

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Any = None) -> Any:
        return stream
