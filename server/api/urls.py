"""Routes of the API, the schema and the page. A new resource is one line here."""

from django.urls import URLPattern, URLResolver, include, path, re_path

from server.api import pages, schema

# The first four are what people at work ask for all day: patterns are tried in this order.
RESOURCES = [
    "annotations",
    "queue",
    "page_labeling",
    "images",
    "session",
    "tokens",
    "projects",
    "members",
    "categories",
    "words",
    "imports",
    "events",
    "jobs",
    "reviews",
    "overview",
    "similar",
    "rounds",
    "encoders",
    "runs",
    "maps",
    "heads",
    "snapshots",
    "exports",
    "certificates",
    "annotators",
    "label_errors",
    "cost",
    "release",
    "schema",
]

urlpatterns: list[URLPattern | URLResolver] = [
    *[path("api/v1/", include(f"server.api.{name}")) for name in RESOURCES],
    *schema.unknown,
    path("", pages.page),
    re_path(r"^(?:login|p|tokens|me)(?:/.*)?$", pages.page),
]
