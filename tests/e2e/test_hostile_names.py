"""Markup in every name that a person can give: shown as it was typed, on every page, and never run."""

import uuid

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.photographs import Photograph, photographs
from tests.e2e.prepared import Api, send_archive, wait_for
from tests.e2e.test_screenshots import PAGES
from tests.installation import Installation

MARKUP = '<img src=x onerror="alert(1)"><svg/onload=alert(2)>'
SCRIPT = "</script><script>alert(3)</script>{{7*7}}"
LISTEN = """
window.broken = [];
document.addEventListener("securitypolicyviolation", (event) => window.broken.push(event.violatedDirective));
"""


@pytest.fixture
def hostile(at_home: Page, winnow: Installation, demo_encoder: None) -> tuple[int, int]:
    """A project whose every text is an attack, and one of its images, labelled and commented on."""
    api = Api(at_home.context, winnow.facts()["url"])
    project = int(api("POST", "/projects", data={"name": MARKUP, "description": SCRIPT})["id"])
    named = {"name": MARKUP, "definition": SCRIPT, "description": "javascript:alert(4)", "synonyms": [SCRIPT]}
    category = api("POST", f"/projects/{project}/categories", data=named)["id"]
    api("POST", f"/projects/{project}/categories", data={"name": SCRIPT})
    files = photographs(per_category=1)[:4]
    send_archive(api, project, [Photograph(f"<svg onload=alert(5)>{one.name}", "", one.content) for one in files])
    wait_for(lambda: api("GET", f"/projects/{project}/overview")["counts"]["predicted"] == 4, "predictions", 120)
    image = api("GET", f"/projects/{project}/images?limit=1")["items"][0]["id"]
    label = {"image": image, "kind": "label", "category": category, "comment": MARKUP}
    api("PUT", f"/projects/{project}/annotations/{uuid.uuid4()}", data=label)
    return project, image


def test_a_name_is_shown_as_it_was_typed_and_never_runs(at_home: Page, hostile: tuple[int, int]) -> None:
    project, image = hostile
    dialogs: list[str] = []
    at_home.on("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))
    at_home.add_init_script(LISTEN)
    refused: dict[str, list[str]] = {}
    for name, path in PAGES.items():
        at_home.goto(path.format(full=project, empty=project, image=image))
        at_home.wait_for_load_state("networkidle")
        if broken := at_home.evaluate("window.broken"):
            refused[name] = broken
    assert (dialogs, refused) == ([], {})
    at_home.goto(f"/p/{project}/categories")
    for text in (MARKUP, SCRIPT):
        expect(at_home.get_by_text(text, exact=True).first).to_be_visible()
    at_home.goto(f"/p/{project}")
    expect(at_home.get_by_role("heading", name=MARKUP)).to_be_visible()
