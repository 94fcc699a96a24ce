"""From "at most 5 % wrong" to a data set that says so, and to a promise that breaks before everyone's eyes."""

import json
import uuid
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page, ViewportSize, expect

from tests.e2e.conftest import another_person
from tests.e2e.looking import LAPTOP, PHONE, faults, shoot, too_wide
from tests.e2e.pages import Desk
from tests.e2e.photographs import photographs
from tests.e2e.prepared import Api, make_project
from tests.installation import Installation

NAMES = ["monarch", "koala", "school bus", "lemon"]
TREE = "animals\n  monarch\n  koala\nthings\n  school bus\n  lemon\n"
PER_CATEGORY, LABELS, AUDITS, BY_HAND, DRIFT = 135, 60, 300, 3, 15
MINUTE = 60_000


@dataclass
class Team:
    """An owner with a browser, and two annotators of whom one has a browser too."""

    project: int
    owner: Page
    annotator: Page
    people: list[Api]
    truth: dict[str, str]
    categories: dict[str, int]
    audited: int = 0

    @property
    def here(self) -> str:
        return f"/p/{self.project}/certificates"


@pytest.fixture
def team(browser: Browser, winnow: Installation, signed_in: Any, demo_encoder: None) -> Iterator[Team]:
    """Photographs of four categories, some of them labelled, and nobody is asked blind before a lot is planned."""
    url, size = winnow.facts()["url"], ViewportSize(width=LAPTOP[0], height=LAPTOP[1])
    files = photographs(per_category=PER_CATEGORY, names=NAMES)
    owner = browser.new_context(base_url=url, storage_state=signed_in, viewport=size)
    api = Api(owner, url)
    project = make_project(api, "Certified", files, labels=LABELS, tree=TREE, blind_share=0)
    others = [another_person(browser, winnow, url, name) for name in ("edith", "joan")]
    for name in ("edith", "joan"):
        api("POST", f"/projects/{project}/members", data={"username": name, "role": "annotator"})
    categories = {item["name"]: item["id"] for item in api("GET", f"/projects/{project}/categories")["items"]}
    people = [api, *(Api(context, url) for context in others)]
    truth = {one.name: one.category for one in files}
    yield Team(project, owner.new_page(), others[0].pages[0], people, truth, categories)
    for context in (owner, *others):
        context.close()


def test_a_promise_is_asked_for_audited_accepted_exported_and_revoked(team: Team, tmp_path: Path) -> None:
    card = ask_for_five_percent(team)
    audit_by_hand(team)
    audit(team, until=AUDITS)
    accepted = accept(team, card)
    certified = export_certified(team, tmp_path)
    assert certified["accepted"] == accepted
    drift(team, card)
    everyone_sees_why(team, card)


def ask_for_five_percent(team: Team) -> Locator:
    page = team.owner
    page.goto(team.here)
    page.get_by_label("At most wrong, %").fill("5")
    page.get_by_label("Audits people will answer").fill(str(AUDITS))
    page.get_by_role("button", name="Plan a lot").click()
    card = page.get_by_role("article").first
    expect(card).to_contain_text("Waiting for audits", timeout=MINUTE)
    expect(card.get_by_role("table").first).to_contain_text("prove so many labels")
    expect(card).to_contain_text(f"0 of {AUDITS} audits answered")
    shoot(page, "certificate-asked")
    return card


def audit_by_hand(team: Team) -> None:
    """One annotator works as on any day; some of what comes is an audit, and shows no suggestion."""
    desk = Desk(team.annotator)
    desk.open(team.project)
    while team.audited < BY_HAND:
        if desk.blind:
            assert desk.suggestions == []
            team.audited += 1
        desk.label(team.truth[desk.image_name])
    desk.saved()


def audit(team: Team, *, until: int, wrong: bool = False) -> None:
    """All three take from the queue at once, judge the audits in it, or some of the rest, and put back what is left."""
    for _ in range(30):
        lease = {"count": 50}
        held = [(who, who("POST", f"/projects/{team.project}/queue/lease", data=lease)["items"]) for who in team.people]
        for person, items in held:
            blind = [item for item in items if item["blind"]][: until - team.audited]
            for item in blind or items[:5]:
                answer(person, team, item, wrong=wrong and item["blind"])
            team.audited += len(blind)
            if tokens := [item["token"] for item in items]:
                person("POST", f"/projects/{team.project}/queue/release", data={"tokens": tokens})
        if team.audited == until:
            return
    raise AssertionError(f"after 30 rounds {team.audited} audits are answered: {certificate(team)}")


def answer(person: Api, team: Team, item: dict[str, Any], *, wrong: bool) -> None:
    right = team.truth[item["image"]["name"]]
    said = NAMES[(NAMES.index(right) + 1) % len(NAMES)] if wrong else right
    body = {"image": item["image"]["id"], "token": item["token"], "kind": "label", "category": team.categories[said]}
    person("PUT", f"/projects/{team.project}/annotations/{uuid.uuid4()}", data=body)


def certificate(team: Team) -> dict[str, Any]:
    found: dict[str, Any] = team.people[0]("GET", f"/projects/{team.project}/certificates")["items"][0]
    return found


def accept(team: Team, card: Locator) -> int:
    """The number of labels that nobody looked at. Every answer is judged before, without anybody asking for it."""
    expect(card).to_contain_text("Proved, not yet accepted", timeout=MINUTE)
    expect(card).not_to_contain_text("audits answered", timeout=MINUTE)
    assert certificate(team)["verdict"]["open"] == 0
    look(team.owner, "certificate-proved")
    card.get_by_role("button", name="Accept the lot").click()
    expect(card).to_contain_text("Stands", timeout=MINUTE)
    labels = team.people[0]("GET", f"/projects/{team.project}/images?evidence=accepted&limit=200")["items"]
    names = {number: name for name, number in team.categories.items()}
    wrong = sum(names[one["consensus"]["category"]] != team.truth[one["name"]] for one in labels)
    assert labels and wrong <= 2 * 0.05 * len(labels)  # the promise itself may break once in twenty
    return len(labels)


def export_certified(team: Team, folder: Path) -> dict[str, int]:
    page = team.owner
    page.get_by_role("link", name="Export certified labels").click()
    expect(page.get_by_label("Only certified labels")).to_be_checked()
    page.get_by_role("button", name="Export ImageFolder ZIP").click()
    link = page.get_by_role("link", name="Download").first
    expect(link).to_be_visible(timeout=2 * MINUTE)
    expect(page.get_by_text("certified labels ·")).to_be_visible()
    with page.expect_download() as download:
        link.click()
    download.value.save_as(folder / "certified.zip")
    with zipfile.ZipFile(folder / "certified.zip") as archive:
        card = json.loads(archive.read("dataset.json"))["certificates"][0]
        rows = [json.loads(line) for line in archive.read("labels.jsonl").splitlines()]
    assert card["promise"].startswith("At most 5.00%") and card["bound"] <= 0.05
    assert card["head"].startswith("pool-gda")
    accepted = [row for row in rows if row["evidence"] == "accepted"]
    assert all(row["promise"]["promise"] == card["promise"] for row in accepted)
    return {"accepted": len(accepted), "all": len(rows)}


def drift(team: Team, card: Locator) -> None:
    """What the images show has changed since: later audits find the labels wrong."""
    team.owner.goto(team.here)
    card.get_by_role("button", name="Audit 50 more").click()
    expect(card).to_contain_text("more images drawn", timeout=MINUTE)
    audit(team, until=AUDITS + DRIFT, wrong=True)


def everyone_sees_why(team: Team, card: Locator) -> None:
    expect(card).to_contain_text("Revoked", timeout=MINUTE)
    expect(card).to_contain_text("Later audits broke it")
    look(team.owner, "certificate-revoked")
    for page in (team.owner, team.annotator):
        page.goto(f"/p/{team.project}")
        notice = page.get_by_role("region", name="was revoked")
        expect(notice).to_contain_text("Later audits broke it")
        expect(page.get_by_role("link", name="certificate revoked", exact=True)).to_be_visible()
    look(team.annotator, "overview-revoked")
    team.owner.goto(f"/p/{team.project}/exports")
    count = team.people[0]("POST", f"/projects/{team.project}/exports", data=CERTIFIED_CSV)["item_count"]
    assert count == 0


CERTIFIED_CSV = {"format": "csv", "options": {"certified": True}}


def look(page: Page, name: str) -> None:
    """Light, and dark and narrow: whole, and readable by those who cannot see it."""
    problems: dict[str, list[str]] = {}
    for scheme, (width, height) in (("light", LAPTOP), ("dark", PHONE)):
        page.set_viewport_size({"width": width, "height": height})
        page.evaluate(f"document.documentElement.dataset.theme = '{scheme}'")
        page.wait_for_timeout(200)
        shoot(page, name)
        if found := faults(page) + too_wide(page):
            problems[f"{scheme} {width}"] = found
    page.set_viewport_size({"width": LAPTOP[0], "height": LAPTOP[1]})
    assert problems == {}
