"""The dashboard for operators: people, projects, taxonomies, work in progress. Staff only; rights as Django's."""

from django.contrib import admin
from django.contrib.auth.models import Group

from server.api.admin.people import UserAdmin
from server.api.admin.projects import ProjectAdmin
from server.api.admin.taxonomy import CategoryAdmin
from server.api.admin.work import ImportBatchAdmin, JobAdmin

__all__ = ["CategoryAdmin", "ImportBatchAdmin", "JobAdmin", "ProjectAdmin", "UserAdmin"]

admin.site.unregister(Group)
admin.site.index_title = "Operations"
