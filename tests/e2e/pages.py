"""The pages as a person uses them: what is done and seen, not how the page is made."""

import base64
import re
from collections.abc import Sequence

from playwright.sync_api import Locator, Page, expect

from tests.e2e.photographs import Photograph

DROP = """async (files) => {
  const transfer = new DataTransfer();
  for (const { name, content } of files) {
    const bytes = Uint8Array.from(atob(content), (letter) => letter.charCodeAt(0));
    transfer.items.add(new File([bytes], name, { type: "image/jpeg" }));
  }
  return transfer;
}"""


def log_in(page: Page, username: str, password: str) -> None:
    page.goto("/login")
    page.get_by_label("User name").fill(username)
    page.get_by_label("Password").fill(password)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Projects")).to_be_visible()


def create_project(page: Page, name: str) -> int:
    """From the list of projects; returns the new project's id."""
    if page.get_by_role("button", name="New project").is_visible():
        page.get_by_role("button", name="New project").click()
    page.get_by_label("Name").fill(name)
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"/p/\d+$"))
    return int(page.url.rsplit("/", 1)[1])


def set_blind_share(page: Page, project: int, percent: int) -> None:
    """As an owner does, on the settings page; returns to the project."""
    page.goto(f"/p/{project}/settings")
    page.get_by_label("Blind share, in percent").fill(str(percent))
    page.get_by_role("button", name="Save changes").click()
    expect(page.get_by_text("Settings saved")).to_be_visible()
    page.goto(f"/p/{project}")


def drop_files(page: Page, files: Sequence[Photograph]) -> None:
    """Lets files fall onto the drop zone, as from a folder window."""
    sent = [{"name": one.name, "content": base64.b64encode(one.content).decode()} for one in files]
    transfer = page.evaluate_handle(DROP, sent)
    page.get_by_role("region", name="Add images").dispatch_event("drop", {"dataTransfer": transfer})


class Desk:
    """Single image labelling, by keyboard."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.stage = page.locator("[data-image]")

    def open(self, project: int) -> None:
        self.page.goto(f"/p/{project}/label/one")
        expect(self.stage).to_be_visible()

    @property
    def image(self) -> int:
        return int(self.stage.get_attribute("data-image") or 0)

    @property
    def image_name(self) -> str:
        """What a screen reader reads for the image: its file name."""
        return self.stage.locator("img").get_attribute("alt") or ""

    @property
    def blind(self) -> bool:
        return self.page.get_by_text("blind", exact=True).is_visible()

    @property
    def suggestions(self) -> list[str]:
        return self.page.locator(".suggestion-name").all_inner_texts()

    @property
    def unsaved(self) -> Locator:
        return self.page.get_by_test_id("unsaved")

    def label(self, category: str) -> None:
        """By digit when the model suggests it, else by type-ahead; returns when the next image is on screen."""
        before = self.image
        self.give(category)
        expect(self.stage).not_to_have_attribute("data-image", str(before))

    def give(self, category: str) -> None:
        suggested = [name.strip() for name in self.suggestions]
        if category in suggested:
            self.page.keyboard.press(str(suggested.index(category) + 1))
        else:
            self.page.keyboard.press("/")
            self.page.keyboard.type(category)
            self.page.keyboard.press("Enter")

    def undo(self) -> None:
        before = self.image
        self.page.keyboard.press("u")
        expect(self.stage).not_to_have_attribute("data-image", str(before))

    def saved(self) -> None:
        """Waits until the server has acknowledged everything."""
        expect(self.unsaved).to_have_count(0, timeout=30_000)
