"""Labelling by pages and deciding what is disputed, as it looks and as it is used: keys, mouse and touch."""

import re

import pytest
from playwright.sync_api import Page, Route, expect

from tests.e2e.looking import (
    DESK,
    LAPTOP,
    PER_CATEGORY,
    PHONE,
    SCHEMES,
    TABLET,
    Prepared,
    faults,
    settled,
    shoot,
    too_high,
    too_wide,
)
from tests.e2e.paging import PageDesk
from tests.e2e.photographs import photographs
from tests.e2e.prepared import Api


def at_a_page(looking: Page, prepared: Prepared) -> PageDesk:
    desk = PageDesk(looking, {one.name: one.category for one in photographs(per_category=PER_CATEGORY)})
    desk.open(prepared.full)
    desk.to_a_page(least=5)
    settled(looking)
    return desk


@pytest.mark.parametrize(
    "looking", [("light", LAPTOP, False), ("dark", LAPTOP, False), ("dark", DESK, False)], indirect=True, ids=str
)
def test_a_page_of_tiles_is_whole_and_accessible_at_every_step(looking: Page, prepared: Prepared) -> None:
    desk = at_a_page(looking, prepared)
    problems: dict[str, list[str]] = {}

    def look(name: str) -> None:
        settled(looking)
        shoot(looking, name)
        if found := faults(looking) + too_wide(looking) + too_high(looking):
            problems[name] = found

    look("label")
    desk.judge_page()
    look("label-struck")
    looking.keyboard.press("/")
    look("label-type")
    looking.keyboard.press("Escape")
    looking.keyboard.down("z")
    expect(looking.locator(".page-zoom")).to_be_visible()
    look("label-zoom")
    looking.keyboard.up("z")
    expect(looking.locator(".page-zoom")).to_have_count(0)
    desk.commit()
    expect(looking.get_by_text(re.compile("hidden wrong tile"))).to_be_visible(timeout=20_000)
    look("label-after")
    assert problems == {}


@pytest.mark.parametrize("looking", [("dark", LAPTOP, False)], indirect=True, ids=str)
def test_a_known_wrong_tile_that_slipped_by_is_shown_afterwards(looking: Page, prepared: Prepared) -> None:
    desk = at_a_page(looking, prepared)
    desk.commit()
    expect(looking.locator(".missed").first).to_be_visible(timeout=20_000)
    shoot(looking, "label-missed")
    looking.keyboard.press("u")
    expect(looking.locator(".missed")).to_have_count(0)
    assert faults(looking) == []


@pytest.mark.parametrize("looking", [("light", LAPTOP, False)], indirect=True, ids=str)
def test_what_corrections_changed_is_one_click_away(looking: Page, prepared: Prepared) -> None:
    """The news is the server's; how much changed is said for it, because a small project may not change at all."""
    versions = iter(range(1, 1000))

    def told(route: Route) -> None:
        taught = {"at": None, "corrections": 3, "changed": 214, "running": False, "duration_ms": 300}
        route.fulfill(json={"version": next(versions), **taught})

    looking.route("**/teaching", told)
    desk = at_a_page(looking, prepared)
    looking.keyboard.press("x")
    desk.commit()
    news = looking.get_by_role("link", name=re.compile("Your 3 corrections? changed 214 suggestions"))
    expect(news).to_be_visible(timeout=60_000)
    news.click()
    expect(looking).to_have_url(re.compile(r"/images\?changed=\d+$"))
    expect(looking.get_by_text("What the model sees differently since a correction.")).to_be_visible()


@pytest.mark.parametrize("looking", [("light", LAPTOP, False)], indirect=True, ids=str)
def test_the_mouse_strikes_draws_and_names(looking: Page, prepared: Prepared) -> None:
    desk = at_a_page(looking, prepared)
    first, second, third = (desk.tiles.nth(at) for at in range(3))
    second.click()
    assert len(desk.struck) == 1
    second.click()
    assert desk.struck == []
    first.hover()
    looking.mouse.down()
    third.hover()
    looking.mouse.up()
    assert len(desk.struck) == 3
    other = "teapot" if desk.category == "lemon" else "lemon"
    second.click(button="right")
    looking.keyboard.type(other)
    looking.keyboard.press("Enter")
    expect(second).to_have_attribute("aria-label", re.compile(f", {other}$"))


@pytest.mark.parametrize("looking", [(scheme, TABLET, True) for scheme in SCHEMES], indirect=True, ids=str)
def test_labelling_works_by_touch_on_a_tablet(looking: Page, prepared: Prepared) -> None:
    desk = at_a_page(looking, prepared)
    shoot(looking, "label-touch")
    tile = desk.tiles.nth(1)
    tile.tap()
    expect(tile).to_have_attribute("aria-selected", "true")
    looking.locator(".focus-choice").first.tap()
    shoot(looking, "label-touch-renamed")
    expect(looking.get_by_test_id("announced")).to_contain_text(" is ")
    tile.tap()
    expect(tile).to_have_attribute("aria-selected", "false")
    small = looking.locator(".page-foot button:visible").evaluate_all(
        "all => all.map((one) => one.getBoundingClientRect()).filter((box) => box.height < 44 || box.width < 44).length"
    )
    assert small == 0
    entry = desk.entry
    looking.locator(".page-commit").tap()
    expect(desk.screen).not_to_have_attribute("data-entry", entry)
    looking.get_by_role("button", name="Undo").tap()
    expect(desk.screen).to_have_attribute("data-entry", entry)
    assert faults(looking) + too_wide(looking) + too_high(looking) == []


@pytest.mark.parametrize("looking", [(scheme, PHONE, True) for scheme in SCHEMES], indirect=True, ids=str)
def test_the_new_pages_are_whole_on_a_narrow_screen(looking: Page, prepared: Prepared) -> None:
    at_a_page(looking, prepared)
    shoot(looking, "label")
    assert faults(looking) + too_wide(looking) == []
    looking.goto(f"/p/{prepared.full}/review")
    looking.locator("[data-image]").wait_for()
    settled(looking)
    shoot(looking, "review")
    assert faults(looking) + too_wide(looking) == []


@pytest.mark.parametrize("looking", [("light", LAPTOP, False)], indirect=True, ids=str)
def test_a_disagreement_is_decided_by_one_key(looking: Page, prepared: Prepared) -> None:
    looking.goto(f"/p/{prepared.full}/review")
    stage = looking.locator("[data-image]")
    stage.wait_for()
    while not looking.get_by_text("People see different things here").is_visible():
        looking.keyboard.press("s")
    image = stage.get_attribute("data-image") or ""
    expect(looking.locator(".case-card")).to_have_count(2)
    looking.keyboard.press("1")
    expect(stage).not_to_have_attribute("data-image", image)
    looking.keyboard.press("u")
    expect(stage).to_have_attribute("data-image", image)
    expect(looking.locator(".case-card")).to_have_count(2)
    looking.get_by_label("Why (optional)").fill("the tail is too long")
    shoot(looking, "review-why")
    stage.click()
    looking.keyboard.press("2")
    expect(looking.get_by_test_id("unsaved")).to_have_count(0, timeout=30_000)
    api = Api(looking.context, looking.url.split("/p/")[0])
    known = api("GET", f"/projects/{prepared.full}/images/{image}")
    assert (known["consensus"]["state"], known["consensus"]["evidence"]) == ("agreed", "review")
    assert "the tail is too long" in str(known)
