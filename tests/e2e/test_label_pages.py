"""Three hundred photographs in pages, by keyboard alone, whatever happens meanwhile."""

import sys
from statistics import median
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e.paging import PageDesk
from tests.e2e.photographs import photographs
from tests.e2e.prepared import Api, make_project
from tests.installation import Installation

LABELS = 300
PER_CATEGORY = 40


@pytest.fixture(scope="module")
def project(browser: Browser, winnow: Installation, signed_in: Any, demo_encoder: None) -> int:
    """Four hundred photographs as the model sees them before anyone has labelled one."""
    context = browser.new_context(storage_state=signed_in)
    api = Api(context, winnow.facts()["url"])
    project = make_project(api, "In pages", photographs(per_category=PER_CATEGORY), labels=0)
    context.close()
    return project


def test_three_hundred_photographs_are_labelled_in_pages_by_keyboard(
    at_home: Page, winnow: Installation, project: int
) -> None:
    truth = {one.name: one.category for one in photographs(per_category=PER_CATEGORY)}
    desk = PageDesk(at_home, truth)
    desk.open(project)
    while len(desk.done.given) < LABELS // 3:
        desk.step()
    take_a_page_back(desk)
    work_without_a_network(desk)
    desk = close_the_tab_and_return(desk, project)
    while len(desk.done.given) < LABELS:
        desk.step()
    desk.one.saved()
    report(desk)
    known = labels_known(Api(desk.page.context, winnow.facts()["url"]), project)
    assert {name: known.get(name) for name in desk.done.given} == desk.done.given
    assert all(truth[name] == category for name, category in known.items())


def labels_known(api: Api, project: int) -> dict[str, str]:
    """What the server holds for true, by file name."""
    names = {item["id"]: item["name"] for item in api("GET", f"/projects/{project}/categories")["items"]}
    known: dict[str, str] = {}
    cursor = ""
    while True:
        page = api("GET", f"/projects/{project}/images?state=labeled&limit=200{cursor}")
        known |= {one["name"]: names[one["consensus"]["category"]] for one in page["items"]}
        if page["next"] is None:
            return known
        cursor = f"&cursor={page['next']}"


def take_a_page_back(desk: PageDesk) -> None:
    """One key brings the page back as it was, with what was struck; one key sends it again."""
    desk.to_a_page()
    entry, says = desk.entry, desk.judge_page()
    struck = desk.struck
    desk.commit()
    desk.one.saved()
    desk.page.keyboard.press("u")
    expect(desk.screen).to_have_attribute("data-entry", entry)
    assert desk.struck == struck
    desk.commit()
    desk.done.given |= says


def work_without_a_network(desk: PageDesk) -> None:
    """A page and what lies ready after it, kept in the browser until the network is back."""
    desk.to_a_page()
    desk.page.context.set_offline(True)
    desk.step()
    desk.step()
    expect(desk.one.unsaved).to_contain_text("unsaved")
    desk.page.context.set_offline(False)
    desk.one.saved()


def close_the_tab_and_return(desk: PageDesk, project: int) -> PageDesk:
    """What a closed tab held is back in the queue at once; in the next tab the work goes on."""
    desk.to_a_page()
    desk.page.keyboard.press("x")
    desk.one.saved()
    desk.done.paints = desk.painted()
    tab = desk.page.context.new_page()
    desk.page.close(run_before_unload=True)
    again = PageDesk(tab, desk.truth)
    again.done = desk.done
    again.open(project)
    again.to_a_page()
    return again


def report(desk: PageDesk) -> None:
    """What it took, and how long each next page took from the key to the paint."""
    done, lines = desk.done, []
    for decoded in (True, False):
        for after_page in (True, False):
            took = sorted(ms for ms, *how in desk.painted() if how == [decoded, after_page])
            after, images = "a page" if after_page else "a single image", "" if decoded else "not "
            figures = f"median {median(took):.0f} ms, all {[round(ms) for ms in took]}" if took else "none"
            lines.append(f"  after {after}, images {images}decoded: {figures}")
    sys.stdout.write(
        f"\n{done.pages} pages, {done.struck} struck, {done.renamed} renamed, {done.blind} blind; "
        "key to paint of a page:\n" + "\n".join(lines) + "\n"
    )
