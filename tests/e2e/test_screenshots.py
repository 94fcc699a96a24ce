"""Every page, light and dark, at the sizes people have; looked at by people, and read by axe for those who cannot."""

import pytest
from playwright.sync_api import Page

from tests.e2e.looking import DESK, LAPTOP, SCHEMES, Prepared, faults, settled, shoot, too_wide

PAGES = {
    "projects": "/",
    "overview": "/p/{full}",
    "overview-empty": "/p/{empty}",
    "label-one": "/p/{full}/label/one",
    "label-empty": "/p/{empty}/label",
    "review": "/p/{full}/review",
    "review-empty": "/p/{empty}/review",
    "images": "/p/{full}/images",
    "images-gold": "/p/{full}/images?gold=true",
    "image": "/p/{full}/images?view={image}",
    "categories": "/p/{full}/categories",
    "describe": "/p/{full}/categories/new",
    "certificates": "/p/{full}/certificates",
    "models": "/p/{full}/models",
    "exports": "/p/{full}/exports",
    "team": "/p/{full}/team",
    "settings": "/p/{full}/settings",
}


@pytest.mark.parametrize(
    "looking",
    [("light", LAPTOP, False), ("dark", LAPTOP, False), ("light", DESK, False)],
    indirect=True,
    ids=str,
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
