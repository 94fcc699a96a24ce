"""The first page a person meets."""

from playwright.sync_api import Page, expect

from tests.e2e.pages import log_in
from tests.installation import PERSON


def test_a_person_logs_in_and_sees_their_projects(page: Page) -> None:
    log_in(page, *PERSON)
    expect(page.get_by_role("heading", name="Projects")).to_be_visible()


def test_a_page_asked_for_before_signing_in_is_shown_after(page: Page) -> None:
    page.goto("/p/9/team")
    expect(page).to_have_url("/login?next=%2Fp%2F9%2Fteam")
