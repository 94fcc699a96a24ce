"""Looking at a page: whole, drawn, photographed, and read by axe for those who cannot see it."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.sync_api import Page

from tests.installation import ROOT

SHOTS = ROOT / "screenshots"
AXE = ROOT / "frontend" / "node_modules" / "axe-core" / "axe.min.js"
LAPTOP, DESK, TABLET, PHONE = (1280, 720), (1920, 1080), (1024, 768), (390, 844)
PER_CATEGORY = 20
SCHEMES = ("light", "dark")
OUTSIDE = """() => [...document.querySelectorAll("body *")]
  .filter((one) => one.getBoundingClientRect().right > document.documentElement.clientWidth)
  .slice(-3).map((one) => one.outerHTML.slice(0, 160))"""
DRAWN = """() => [...document.images].every((image) => {
  const box = image.getBoundingClientRect();
  return image.complete || box.bottom < 0 || box.top > innerHeight || box.width === 0;
})"""
COUNTING = """(() => {
  const ask = window.fetch;
  window.underWay = 0;
  window.fetch = async (...what) => {
    window.underWay++;
    try { return await ask(...what); } finally { window.underWay--; }
  };
})()"""
RESTING = """() => new Promise((rest) => {
  let changed = performance.now();
  new MutationObserver(() => { changed = performance.now(); })
    .observe(document, { subtree: true, childList: true, attributes: true, characterData: true });
  const look = setInterval(() => {
    if ((window.underWay ?? 0) > 0 || performance.now() - changed < 200) return;
    clearInterval(look);
    rest();
  }, 20);
})"""
"""Nothing is asked for and nothing has changed for a fifth of a second."""


@dataclass(frozen=True)
class Prepared:
    full: int
    empty: int
    image: int
    state: Any


def settled(page: Page) -> None:
    """What was asked for is there, and all images that are in view have been drawn."""
    page.wait_for_load_state("load")
    page.evaluate(RESTING)
    page.wait_for_function(DRAWN)


def shoot(page: Page, name: str) -> Path:
    size = page.viewport_size or {"width": 0}
    scheme = page.evaluate("document.documentElement.dataset.theme")
    target = SHOTS / f"{name}-{scheme}-{size['width']}.png"
    page.screenshot(path=target)
    return target


def faults(page: Page) -> list[str]:
    """What axe-core finds, by all of its rules; on a larger screen there is nothing else to find."""
    if (page.viewport_size or {"width": 0})["width"] > LAPTOP[0]:
        return []
    page.evaluate(AXE.read_text())
    found = page.evaluate("axe.run()")
    return [
        f"{one['id']} ({one['impact']}): {json.dumps([node['html'][:160] for node in one['nodes'][:3]])}"
        for one in found["violations"]
    ]


def too_wide(page: Page) -> list[str]:
    over = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    return [f"the page is {over} px wider than the window: {page.evaluate(OUTSIDE)}"] if over > 0 else []


def too_high(page: Page) -> list[str]:
    over = page.evaluate("document.documentElement.scrollHeight - document.documentElement.clientHeight")
    return [f"the page is {over} px higher than the window"] if over > 0 else []
