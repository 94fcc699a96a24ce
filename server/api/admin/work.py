"""Jobs and imports, to look at. What can be done about them is done in the application."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from unfold.admin import ModelAdmin

from server.images.models import ImportBatch
from server.jobs.models import Job


class ReadOnlyAdmin(ModelAdmin):  # type: ignore[misc]
    """Rows that nobody edits here."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Job)
class JobAdmin(ReadOnlyAdmin):
    list_display = ("id", "kind", "project", "state", "done", "total", "failed", "message", "worker", "created_at")
    list_filter = ("state", "kind", "queue")
    list_select_related = ("project",)


@admin.register(ImportBatch)
class ImportBatchAdmin(ReadOnlyAdmin):
    list_display = ("id", "project", "source", "name", "received", "added", "duplicates", "rejected", "created_at")
    list_select_related = ("project",)
