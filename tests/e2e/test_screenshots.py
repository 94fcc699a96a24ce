"""Every page, light and dark, at the sizes people have; looked at by people, and read by axe for those who cannot."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e.photographs import photographs
from tests.e2e.prepared import Api, make_project
from tests.installation import ROOT, Installation

SHOTS = ROOT / "screenshots"
AXE = ROOT / "frontend" / "node_modules" / "axe-core" / "axe.min.js"
LAPTOP, DESK, TABLET = (1280, 720), (1920, 1080), (1024, 768)
PAGES = {
    "projects": "/",
    "overview": "/p/{full}",
    "overview-empty": "/p/{empty}",
    "label": "/p/{full}/label/one",
    "images": "/p/{full}/images",
    "image": "/p/{full}/images?view={image}",
    "categories": "/p/{full}/categories",
    "exports": "/p/{full}/exports",
    "team": "/p/{full}/team",
    "settings": "/p/{full}/settings",
}
SCHEMES = ("light", "dark")
DRAWN = """() => [...document.images].every((image) => {
  const box = image.getBoundingClientRect();
  return image.complete || box.bottom < 0 || box.top > innerHeight || box.width === 0;
})"""


@dataclass(frozen=True)
class Prepared:
    full: int
    empty: int
    image: int
    state: Any


@pytest.fixture(scope="module")
def prepared(browser: Browser, winnow: Installation, signed_in: Any, demo_encoder: None) -> Prepared:
    context = browser.new_context(storage_state=signed_in)
    api = Api(context, winnow.facts()["url"])
    full = make_project(api, "Field notes", photographs(per_category=20), labels=60)
    empty = api("POST", "/projects", data={"name": "Sand flies"})["id"]
    api("POST", f"/projects/{full}/exports", data={"format": "csv"})
    image = api("GET", f"/projects/{full}/images?state=labeled&limit=1")["items"][0]["id"]
    context.close()
    return Prepared(full, empty, image, signed_in)


def settled(page: Page) -> None:
    """All images that are in view have been drawn."""
    page.wait_for_load_state("load")
    page.wait_for_timeout(700)
    page.wait_for_function(DRAWN)


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
    yield context.new_page()
    context.close()


def shoot(page: Page, name: str) -> Path:
    size = page.viewport_size or {"width": 0}
    scheme = page.evaluate("document.documentElement.dataset.theme")
    target = SHOTS / f"{name}-{scheme}-{size['width']}.png"
    page.screenshot(path=target)
    return target


def faults(page: Page) -> list[str]:
    """What axe-core finds, by all of its rules."""
    page.evaluate(AXE.read_text())
    found = page.evaluate("axe.run()")
    return [
        f"{one['id']} ({one['impact']}): {json.dumps([node['html'][:160] for node in one['nodes'][:3]])}"
        for one in found["violations"]
    ]


@pytest.mark.parametrize(
    "looking", [(scheme, size, False) for scheme in SCHEMES for size in (LAPTOP, DESK)], indirect=True, ids=str
)
def test_every_page_is_whole_and_accessible(looking: Page, prepared: Prepared) -> None:
    problems: dict[str, list[str]] = {}
    for name, path in PAGES.items():
        looking.goto(path.format(full=prepared.full, empty=prepared.empty, image=prepared.image))
        settled(looking)
        shoot(looking, name)
        if found := faults(looking) + too_wide(looking):
            problems[name] = found
    assert problems == {}


@pytest.mark.parametrize("looking", [(scheme, TABLET, True) for scheme in SCHEMES], indirect=True, ids=str)
def test_labelling_works_by_touch_on_a_tablet(looking: Page, prepared: Prepared) -> None:
    looking.goto(f"/p/{prepared.full}/label/one")
    stage = looking.locator("[data-image]")
    stage.wait_for()
    settled(looking)
    shoot(looking, "label-touch")
    before = stage.get_attribute("data-image") or ""
    looking.get_by_role("button", name="Skip").tap()
    expect(stage).not_to_have_attribute("data-image", before)
    looking.get_by_role("button", name="Undo").tap()
    expect(stage).to_have_attribute("data-image", before)
    assert faults(looking) + too_wide(looking) == []


@pytest.mark.parametrize("looking", [(scheme, LAPTOP, False) for scheme in SCHEMES], indirect=True, ids=str)
def test_what_lies_over_a_page_is_whole_and_accessible(looking: Page, prepared: Prepared) -> None:
    looking.goto(f"/p/{prepared.full}/label/one")
    looking.locator("[data-image]").wait_for()
    problems: dict[str, list[str]] = {}
    for name, key in {"keys": "?", "palette": "Control+k", "type-ahead": "/"}.items():
        looking.keyboard.press(key)
        settled(looking)
        shoot(looking, name)
        if found := faults(looking):
            problems[name] = found
        looking.keyboard.press("Escape")
    looking.get_by_title("Running work").click()
    settled(looking)
    shoot(looking, "jobs")
    assert problems == {}
    assert faults(looking) == []


@pytest.mark.parametrize("looking", [(scheme, LAPTOP, False) for scheme in SCHEMES], indirect=True, ids=str)
def test_the_door_is_whole_and_accessible(looking: Page) -> None:
    looking.context.clear_cookies()
    looking.goto("/login")
    looking.get_by_label("Password").wait_for()
    settled(looking)
    shoot(looking, "login")
    assert faults(looking) == []


def too_wide(page: Page) -> list[str]:
    over = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    return [f"the page is {over} px wider than the window"] if over > 0 else []
