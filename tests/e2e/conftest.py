"""A real browser on a whole installation."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, ViewportSize, sync_playwright

from tests.e2e.looking import COUNTING, PER_CATEGORY, Prepared
from tests.e2e.pages import log_in
from tests.e2e.photographs import photographs
from tests.e2e.prepared import Api, disagree, make_project, vouch
from tests.installation import PERSON, ROOT, Installation

BROWSERS = ("chromium", "chromium-browser", "google-chrome")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything in this folder needs a browser and takes its time."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.e2e)
            item.add_marker(pytest.mark.timeout(900))


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Chromium as the machine has it; without one the test is skipped, and in continuous integration it fails."""
    found = next((path for name in BROWSERS if (path := shutil.which(name))), None)
    if found is None:
        reason = "no chromium on PATH: install it to test the pages"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def demo_encoder() -> None:
    """Images become vectors through the small encoder that Winnow brings."""
    if not any((ROOT / "ml" / "encoders" / "demo").glob("*.safetensors")):
        pytest.skip("the demo encoder has no weights here: run `make demo-encoder`")


@pytest.fixture
def page(browser: Browser, winnow: Installation) -> Iterator[Page]:
    """A fresh window on the installation, nobody logged in."""
    context = browser.new_context(base_url=winnow.facts()["url"], viewport={"width": 1280, "height": 800})
    page = context.new_page()
    yield page
    context.close()


@pytest.fixture(scope="session")
def signed_in(browser: Browser, winnow: Installation) -> Any:
    """The cookies of a person who signed in once: sign-in is throttled, and tests are many."""
    context = browser.new_context(base_url=winnow.facts()["url"])
    log_in(context.new_page(), *PERSON)
    state = context.storage_state()
    context.close()
    return state


@pytest.fixture
def at_home(browser: Browser, winnow: Installation, signed_in: Any) -> Iterator[Page]:
    """Signed in, on the list of projects, at the smallest size that has to work."""
    size: ViewportSize = {"width": 1280, "height": 720}
    context = browser.new_context(base_url=winnow.facts()["url"], viewport=size, storage_state=signed_in)
    page = context.new_page()
    page.goto("/")
    yield page
    context.close()


@pytest.fixture(scope="session")
def prepared(browser: Browser, winnow: Installation, signed_in: Any, demo_encoder: None) -> Prepared:
    url = winnow.facts()["url"]
    context = browser.new_context(storage_state=signed_in)
    api = Api(context, url)
    full = make_project(api, "Field notes", photographs(per_category=PER_CATEGORY), labels=60)
    empty = api("POST", "/projects", data={"name": "Sand flies"})["id"]
    api("POST", f"/projects/{full}/exports", data={"format": "csv"})
    image = api("GET", f"/projects/{full}/images?state=labeled&limit=1")["items"][0]["id"]
    second = another_person(browser, winnow, url, "grace")
    api("POST", f"/projects/{full}/members", data={"username": "grace", "role": "annotator"})
    disagree(api, Api(second, url), full, images=4)
    vouch(api, full, images=24)
    second.close()
    context.close()
    return Prepared(full, empty, image, signed_in)


def another_person(browser: Browser, winnow: Installation, url: str, name: str) -> BrowserContext:
    """A window of somebody else, signed in."""
    password = f"a-long-passphrase-for-{name}"
    winnow.manage(
        "createsuperuser", "--no-input", "--username", name, "--email", "", DJANGO_SUPERUSER_PASSWORD=password
    )
    context = browser.new_context(base_url=url, viewport={"width": 1280, "height": 720})
    log_in(context.new_page(), name, password)
    return context


@pytest.fixture
def looking(
    browser: Browser, winnow: Installation, prepared: Prepared, request: pytest.FixtureRequest
) -> Iterator[Page]:
    scheme, (width, height), touch = request.param
    context = browser.new_context(
        base_url=winnow.facts()["url"],
        storage_state=prepared.state,
        viewport={"width": width, "height": height},
        color_scheme=scheme,
        has_touch=touch,
    )
    # Labelling is dark unless a person chose light, so the scheme is chosen as a person would.
    context.add_init_script(f"localStorage.setItem('winnow.theme', '{scheme}')")
    context.add_init_script(COUNTING)
    yield context.new_page()
    context.close()
