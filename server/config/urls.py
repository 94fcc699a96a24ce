"""Every route. The API and the page that serves the front end; the admin for operations."""

from django.contrib import admin
from django.urls import include, path

urlpatterns = [
    path("admin/", admin.site.urls),
    path("", include("server.api.urls")),
]

handler400 = "server.api.pages.bad_request"
handler403 = "server.api.pages.not_allowed"
handler404 = "server.api.pages.not_found"
handler500 = "server.api.pages.server_error"
