"""Odd values everywhere: an error that says what is wrong, or nothing worse; never a crash."""

import json

import pytest
from rest_framework.test import APIClient

from server.projects.models import Project

ODD = [
    "\0",
    "a\0b",
    "\ud800",
    "\u202e",
    "'; DROP TABLE projects_project; --",
    "x" * 1_000_000,
    "",
    None,
    -1,
    2**31,
    2**63,
    2**70,
    1e308,
    True,
    [],
    {},
    [[[]]],
    {"$ne": None},
    "{{7*7}}",
    "<img src=x onerror=alert(1)>",
]
FIELDS = {
    ("post", "/projects"): ["name", "description", "concept", "encoder"],
    ("patch", "/projects/{p}"): ["name", "templates", "blind_share", "overlap", "acquisition_function", "concept"],
    ("post", "/projects/{p}/members"): ["username", "role"],
    ("post", "/projects/{p}/categories"): ["name", "parent", "synonyms", "definition", "descriptions"],
    ("post", "/projects/{p}/categories/bulk"): ["text", "dry_run"],
    ("post", "/projects/{p}/imports"): ["source", "name", "folders_as_categories"],
    ("patch", "/me"): ["keymap", "first_name"],
    ("post", "/tokens"): ["name", "lifetime_days"],
}
PARAMETERS = [
    "cursor",
    "limit",
    "category",
    "predicted",
    "state",
    "annotator",
    "batch",
    "search",
    "order",
    "margin_max",
]


@pytest.mark.parametrize(("method", "route"), FIELDS)
def test_no_odd_value_in_any_field_crashes(owner: APIClient, project: Project, method: str, route: str) -> None:
    owner.raise_request_exception = False
    address = "/api/v1" + route.format(p=project.pk)
    for field in FIELDS[method, route]:
        for value in ODD:
            body = {"name": "ok", "username": "ok", "role": "viewer", "text": "ok", field: value}
            answer = getattr(owner, method)(address, json.dumps(body), content_type="application/json")
            assert answer.status_code < 500, (field, value)


def test_no_odd_parameter_crashes(owner: APIClient, project: Project) -> None:
    owner.raise_request_exception = False
    for name in PARAMETERS:
        for value in [*map(str, ODD[:5]), "", "-1", str(2**63), str(2**70), "nan", "inf", "1e400", "x" * 5000]:
            answer = owner.get(f"/api/v1/projects/{project.pk}/images", {name: value.encode("utf8", "replace")})
            assert answer.status_code in {200, 400}, (name, value)


@pytest.mark.parametrize(
    "body",
    [b"", b"null", b"[]", b'"x"', b"{", b"NaN", b"\xff\xfe", b"[" * 100_000, b'{"name":1e9', b"1" * 5_000_000],
)
def test_no_odd_body_crashes(owner: APIClient, body: bytes) -> None:
    owner.raise_request_exception = False
    answer = owner.generic("POST", "/api/v1/projects", body, content_type="application/json")
    assert 400 <= answer.status_code < 500
    assert answer["Content-Type"] == "application/json"


@pytest.mark.parametrize("kind", ["text/plain", "text/html", "application/xml", "<script>", "multipart/form-data"])
def test_an_unknown_content_type_is_named_in_json_and_never_reflected_as_html(owner: APIClient, kind: str) -> None:
    answer = owner.generic("POST", "/api/v1/projects", b'{"name": "x"}', content_type=kind)
    assert answer.status_code in {400, 415}
    assert answer["Content-Type"] == "application/json"
    assert answer["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("project_id", [0, 2**31, 2**63, 2**64, 10**30])
def test_an_id_that_no_column_holds_is_404(owner: APIClient, project_id: int) -> None:
    assert owner.get(f"/api/v1/projects/{project_id}").status_code == 404
    assert owner.get(f"/api/v1/jobs/{project_id}").status_code == 404
