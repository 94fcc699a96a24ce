"""The first page a person meets."""

from playwright.sync_api import Page, expect

from tests.e2e.conftest import PERSON


def test_a_person_logs_in_and_sees_their_projects(page: Page) -> None:
    username, password = PERSON
    page.goto("/")
    page.get_by_label("User name").fill(username)
    page.get_by_label("Password").fill(password)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Projects")).to_be_visible()
