"""What is known about people, labels, cost and releases: as it looks, and decided by keyboard."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.looking import LAPTOP, PHONE, Prepared, faults, settled, shoot, too_wide
from tests.e2e.prepared import Api, wait_for

PAGES = {
    "people": "/p/{full}/insights",
    "cost": "/p/{full}/insights/cost",
    "label-errors": "/p/{full}/insights/errors",
    "report": "/p/{full}/insights/report",
    "people-empty": "/p/{empty}/insights",
}
MEASURED = ("agreement", "learning-curve", "label-errors")


def measured(looking: Page, prepared: Prepared) -> None:
    """All three measurements of the full project; those that another test asked for are not asked for again."""
    looking.goto("/")
    api = Api(looking.context, looking.url)
    for name in MEASURED:
        if api("GET", f"/projects/{prepared.full}/{name}")["at"] is None:
            api("POST", f"/projects/{prepared.full}/{name}")
    if not api("GET", f"/projects/{prepared.full}/snapshots")["items"]:
        api("POST", f"/projects/{prepared.full}/snapshots", data={"name": "Spring"})
    for name in MEASURED:
        wait_for(lambda name=name: api("GET", f"/projects/{prepared.full}/{name}")["at"] is not None, name, 120)


@pytest.mark.parametrize("looking", [("light", LAPTOP, False), ("dark", PHONE, True)], indirect=True, ids=str)
def test_every_insight_is_whole_and_accessible(looking: Page, prepared: Prepared) -> None:
    measured(looking, prepared)
    problems: dict[str, list[str]] = {}
    for name, path in PAGES.items():
        looking.goto(path.format(full=prepared.full, empty=prepared.empty))
        settled(looking)
        shoot(looking, name)
        if found := faults(looking) + too_wide(looking):
            problems[name] = found
    assert problems == {}


@pytest.mark.parametrize("looking", [("light", LAPTOP, False)], indirect=True, ids=str)
def test_a_release_is_handed_over_as_a_document(looking: Page, prepared: Prepared) -> None:
    measured(looking, prepared)
    looking.goto(f"/p/{prepared.full}/insights/report")
    expect(looking.get_by_text(re.compile("^[0-9a-f]{64}$")).first).to_be_visible()
    with looking.expect_download() as held:
        looking.get_by_role("link", name="Download PDF").click()
    assert held.value.suggested_filename.endswith(".pdf")
    assert held.value.path().read_bytes().startswith(b"%PDF-")
