"""Every route. The API and the page that serves the front end; the admin for operations."""

from django.contrib import admin
from django.urls import include, path

urlpatterns = [
    path("admin/", admin.site.urls),
    path("", include("server.api.urls")),
]
