"""Labelling by pages as a person does it who knows what is on every image, by keyboard alone."""

import os
from dataclasses import dataclass, field

from playwright.sync_api import Locator, Page, expect

from tests.e2e.pages import Desk

LETTERS = "ABCDEHIJKLMNOPQRTVWY"
"""What the first tiles carry: the letters that have no other meaning."""
LOOK_MS = float(os.environ.get("WINNOW_LOOK_MS", "0"))
"""How long the person looks before the key that finishes a page or an image. A measurement asks for a person's time."""


@dataclass
class Done:
    """What the person did: the category each image was left with, and how it came about."""

    given: dict[str, str] = field(default_factory=dict)
    blind: int = 0
    pages: int = 0
    struck: int = 0
    renamed: int = 0
    paints: list[tuple[float, bool, bool]] = field(default_factory=list)
    """Milliseconds from the last key to the paint of each page, whether its images lay decoded, and whether another
    page stood there before, of tabs that are closed."""


class PageDesk:
    """The labelling screen while it deals pages with single images between them."""

    def __init__(self, page: Page, truth: dict[str, str]) -> None:
        self.page = page
        self.truth = truth
        self.one = Desk(page)
        self.screen = page.locator("[data-entry]")
        self.tiles = page.get_by_role("option")
        self.done = Done()

    def open(self, project: int) -> None:
        self.page.goto(f"/p/{project}/label")
        expect(self.screen).to_be_visible(timeout=30_000)

    @property
    def entry(self) -> str:
        return self.screen.get_attribute("data-entry") or ""

    @property
    def on_page(self) -> bool:
        return self.entry.startswith("page ")

    @property
    def category(self) -> str:
        return self.page.locator(".page-name > span").nth(1).inner_text()

    @property
    def names(self) -> list[str]:
        """File names in the order of the tiles, as a screen reader reads them."""
        labels: list[str] = self.tiles.evaluate_all("all => all.map((tile) => tile.ariaLabel)")
        return [label.split(",")[0] for label in labels]

    @property
    def struck(self) -> list[str]:
        """Names of the tiles of which something else was said than what the page says."""
        labels: list[str] = self.page.locator("[role=option][aria-selected=true]").evaluate_all(
            "all => all.map((tile) => tile.ariaLabel)"
        )
        return labels

    def struck_before(self) -> set[str]:
        """File names of tiles that came struck: a tab that was closed had said so, and the image is asked again."""
        return {label.split(",")[0] for label in self.struck}

    def tile(self, name: str) -> Locator:
        return self.page.get_by_role("option", name=name)

    def move_to(self, at: int) -> None:
        self.page.keyboard.press("Home")
        for _ in range(at):
            self.page.keyboard.press("ArrowRight")
        expect(self.page.get_by_role("listbox")).to_have_attribute("aria-activedescendant", f"tile-{at}")

    def judge_page(self) -> dict[str, str]:
        """Strikes what is wrong, every other time with its right category; returns what the page then says."""
        category, names, before = self.category, self.names, self.struck_before()
        says = {}
        for at, name in enumerate(names):
            right = self.truth[name]
            if right == category:
                says[name] = right
                if name in before:
                    self.move_to(at)
                    self.page.keyboard.press("x")
                    expect(self.tile(name)).to_have_attribute("aria-selected", "false")
                continue
            if name in before:
                continue
            if (self.done.struck + self.done.renamed) % 2 == 0:
                self.strike(at)
                self.done.struck += 1
            else:
                self.move_to(at)
                self.rename(right)
                says[name] = right
                self.done.renamed += 1
            expect(self.tile(name)).to_have_attribute("aria-selected", "true")
        return says

    def strike(self, at: int) -> None:
        """By its letter, where it has one."""
        if at < len(LETTERS):
            self.page.keyboard.press(LETTERS[at].lower())
        else:
            self.move_to(at)
            self.page.keyboard.press("x")

    def rename(self, category: str) -> None:
        """The tile under the caret, by its own suggestions where they have it, else by typing the name."""
        own = [text.strip() for text in self.page.locator(".focus-choice .focus-name").all_inner_texts()]
        if category in own:
            self.page.keyboard.press(str(own.index(category) + 1))
        else:
            self.page.keyboard.press("/")
            self.page.keyboard.type(category)
            self.page.keyboard.press("Enter")

    def commit(self) -> None:
        before = self.entry
        self.page.wait_for_timeout(LOOK_MS)
        self.page.keyboard.press("Enter")
        expect(self.screen).not_to_have_attribute("data-entry", before, timeout=30_000)

    def step(self) -> bool:
        """Answers what is on screen, page or single image. Returns whether it was a page."""
        if not self.on_page:
            self.answer_one()
            return False
        says = self.judge_page()
        self.commit()
        self.done.given |= says
        self.done.pages += 1
        return True

    def answer_one(self) -> None:
        name = self.one.image_name
        self.done.blind += self.one.blind
        before = self.entry
        self.page.wait_for_timeout(LOOK_MS)
        self.one.give(self.truth[name])
        expect(self.screen).not_to_have_attribute("data-entry", before, timeout=30_000)
        self.done.given[name] = self.truth[name]

    def painted(self) -> list[tuple[float, bool, bool]]:
        """The same, with those of this tab."""
        script = """performance.getEntriesByName("winnow.next")
            .map(({duration, detail}) => [duration, detail.decoded, detail.entry.startsWith("page ")])"""
        here = self.page.evaluate(script)
        pages = [(ms, decoded, nth > 0 and here[nth - 1][2]) for nth, (ms, decoded, page) in enumerate(here) if page]
        return [*self.done.paints, *pages]

    def to_a_page(self, least: int = 1) -> None:
        """Answers what comes before the next page that has at least so many tiles."""
        while not self.on_page or self.tiles.count() < least:
            self.step()
