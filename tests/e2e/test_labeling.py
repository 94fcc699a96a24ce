"""Labelling never waits and never loses: what people may rely on at the desk, whatever the network does."""

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Dialog, Page, Route, expect

from tests.e2e.pages import Desk
from tests.e2e.photographs import NAMES, photographs
from tests.e2e.prepared import Api, send_file, wait_for
from tests.installation import PERSON, Installation

ANNOTATIONS = "**/annotations/*"
IMAGES = 60


@pytest.fixture(scope="module")
def project(browser: Browser, winnow: Installation, signed_in: Any) -> int:
    """Sixty photographs that are ready to be looked at; whether a model has seen them makes no difference here."""
    context = browser.new_context(storage_state=signed_in)
    api = Api(context, winnow.facts()["url"])
    project = int(api("POST", "/projects", data={"name": "At the desk"})["id"])
    api("POST", f"/projects/{project}/categories/bulk", data={"text": "\n".join(NAMES)})
    batch = api("POST", f"/projects/{project}/imports", data={"source": "browser", "name": "photographs"})["id"]
    for one in photographs(per_category=IMAGES // len(NAMES)):
        send_file(api, project, batch, one)
    api("POST", f"/projects/{project}/imports/{batch}/finish", data={})
    ready = f"/projects/{project}/images/facets"
    wait_for(lambda: bool(api("GET", ready)["total"] == IMAGES), "images", 240)
    context.close()
    return project


@pytest.fixture
def desk(at_home: Page, project: int) -> Iterator[Desk]:
    desk = Desk(at_home)
    desk.open(project)
    yield desk
    at_home.unroute_all()
    at_home.goto("/")  # leaving hands back what was leased, for the next test


def labels_of(context: BrowserContext, winnow: Installation, project: int, image: int) -> list[str]:
    """What the server knows about an image: the categories that were given and not taken back."""
    api = Api(context, winnow.facts()["url"])
    names = {item["id"]: item["name"] for item in api("GET", f"/projects/{project}/categories")["items"]}
    history = api("GET", f"/projects/{project}/images/{image}")["history"]
    return [names[event["category"]] for event in history if event["kind"] == "label" and not event["undone"]]


def test_the_screen_moves_on_before_the_server_has_answered(desk: Desk, winnow: Installation, project: int) -> None:
    held: list[Route] = []
    desk.page.route(ANNOTATIONS, lambda route: held.append(route))
    first = desk.image
    desk.label("goldfish")
    desk.label("koala")
    assert desk.image != first
    expect(desk.unsaved).to_contain_text("2 unsaved")
    desk.page.wait_for_timeout(200)
    held.pop().continue_()
    desk.page.unroute_all(behavior="ignoreErrors")
    desk.saved()
    assert labels_of(desk.page.context, winnow, project, first) == ["goldfish"]


def test_what_was_not_sent_survives_a_reload(desk: Desk, winnow: Installation, project: int) -> None:
    desk.page.route(ANNOTATIONS, lambda route: route.abort())
    images = []
    for name in ("teapot", "lemon"):
        images.append(desk.image)
        desk.label(name)
    expect(desk.unsaved).to_contain_text("2 unsaved")
    asked: list[str] = []

    def leave(dialog: Dialog) -> None:
        asked.append(dialog.type)
        dialog.accept()

    desk.page.on("dialog", leave)
    desk.page.reload()
    assert asked == ["beforeunload"]
    expect(desk.unsaved).to_contain_text("2 unsaved")
    desk.page.unroute_all(behavior="wait")
    desk.saved()
    assert [labels_of(desk.page.context, winnow, project, image) for image in images] == [["teapot"], ["lemon"]]


def test_an_ended_session_is_taken_up_again_on_the_spot(desk: Desk, winnow: Installation, project: int) -> None:
    page = desk.page
    page.context.clear_cookies(name="sessionid")
    image = desk.image
    desk.label("jellyfish")
    dialog = page.get_by_role("dialog", name="Your session has ended")
    expect(dialog).to_contain_text("1 label is kept safe")
    here = desk.image
    page.keyboard.type(PERSON[1])
    page.keyboard.press("Enter")
    expect(dialog).to_have_count(0)
    desk.saved()
    assert desk.image == here
    assert labels_of(page.context, winnow, project, image) == ["jellyfish"]


def test_undo_and_redo_reach_across_what_is_saved(desk: Desk, winnow: Installation, project: int) -> None:
    image = desk.image
    desk.label("monarch")
    desk.saved()
    desk.undo()
    assert desk.image == image
    desk.saved()
    assert labels_of(desk.page.context, winnow, project, image) == []
    desk.page.keyboard.press("Control+Shift+Z")
    expect(desk.stage).not_to_have_attribute("data-image", str(image))
    desk.saved()
    assert labels_of(desk.page.context, winnow, project, image) == ["monarch"]


def test_the_next_ten_images_are_there_before_they_are_wanted(desk: Desk) -> None:
    loaded: list[str] = []
    desk.page.on("requestfinished", lambda request: loaded.append(request.url))
    desk.page.reload()
    expect(desk.stage).to_be_visible()
    desk.page.wait_for_timeout(3_000)
    shown = [url for url in loaded if url.endswith("/display")]
    assert len(set(shown)) >= 11


def test_every_key_is_in_the_help_and_can_be_changed_there(desk: Desk) -> None:
    page = desk.page
    page.keyboard.press("?")
    page.get_by_role("button", name="Change the key for “Skip”").click()
    page.keyboard.press("f")
    expect(page.get_by_role("status").filter(has_text="already does “Flag”")).to_be_visible()
    page.get_by_role("button", name="Change the key for “Skip”").click()
    page.keyboard.press("s")
    expect(page.get_by_role("button", name="Restore all keys")).to_be_visible()
    page.get_by_role("button", name="Restore all keys").click()
    expect(page.get_by_role("button", name="Restore all keys")).to_have_count(0)
    page.keyboard.press("Escape")
    before = desk.image
    page.keyboard.press("x")
    expect(desk.stage).not_to_have_attribute("data-image", str(before))
