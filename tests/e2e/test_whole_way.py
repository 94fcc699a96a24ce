"""The whole way on real photographs: from dropped files to an archive that holds exactly what people said."""

import io
import zipfile
from pathlib import Path

from playwright.sync_api import Page, expect

from server.insights.accuracy import NEEDED, wilson
from tests.e2e.pages import Desk, create_project, drop_files, set_blind_share
from tests.e2e.photographs import NAMES, Photograph, photographs

LABELS = 40
BLIND_PERCENT = 50
OFFLINE = 3
MINUTES = 60_000


def test_from_dropped_photographs_to_an_exported_dataset(at_home: Page, demo_encoder: None, tmp_path: Path) -> None:
    files = photographs(per_category=50)
    truth = {one.name: one.category for one in files}
    page = at_home
    project = create_project(page, "Photographs")
    set_blind_share(page, project, BLIND_PERCENT)

    add_images_and_names(page, files)
    watch_until_predicted(page, len(files))
    given, blind = label_by_keyboard(page, project, truth)
    see_the_blind_accuracy(page, project, given=given, blind=blind)
    archive = export_image_folder(page, project, tmp_path)

    assert categories_in(archive, files) == given


def add_images_and_names(page: Page, files: list[Photograph]) -> None:
    drop_files(page, files)
    page.get_by_label("Category names, one a line").fill("\n".join(NAMES))
    expect(page.get_by_role("list", name="Preview").get_by_role("listitem")).to_have_text(NAMES)
    page.get_by_role("button", name=f"Add {len(NAMES)} categories").click()
    expect(page.get_by_text(f"{len(NAMES)} categories ready")).to_be_visible()
    expect(page.get_by_text(f"{len(files)} added", exact=False)).to_be_visible(timeout=2 * MINUTES)
    page.get_by_role("button", name="Go to the project").click()


def watch_until_predicted(page: Page, images: int) -> None:
    """Running work is told in the strip; the project page counts up by itself, without a reload."""
    standing = page.get_by_role("region", name="Standing")
    expect(standing).to_contain_text(f"{images} images", timeout=4 * MINUTES)
    expect(standing).to_contain_text(f"{images} predicted", timeout=8 * MINUTES)


def label_by_keyboard(page: Page, project: int, truth: dict[str, str]) -> tuple[dict[str, str], set[str]]:
    """Labels 40, takes two back, labels three without a network, and goes on until enough were blind to measure.

    Returns what stands, and which of it was blind.
    """
    desk = Desk(page)
    desk.open(project)
    order: list[tuple[str, bool]] = []
    for _ in range(LABELS):
        order.append((desk.image_name, desk.blind))
        desk.label(truth[desk.image_name])
    desk.undo()
    assert desk.image_name == order[-1][0]
    desk.undo()
    assert desk.image_name == order[-2][0]
    del order[-2:]
    desk.saved()

    page.context.set_offline(True)
    for _ in range(OFFLINE):
        order.append((desk.image_name, desk.blind))
        desk.label(truth[desk.image_name])
    expect(desk.unsaved).to_contain_text(f"{OFFLINE} unsaved")
    page.context.set_offline(False)
    while sum(blind for _, blind in order) < NEEDED:
        order.append((desk.image_name, desk.blind))
        desk.label(truth[desk.image_name])
    desk.saved()
    return {name: truth[name] for name, _ in order}, {name for name, blind in order if blind}


def see_the_blind_accuracy(page: Page, project: int, *, given: dict[str, str], blind: set[str]) -> None:
    """The percentage on the page is that of the live predictions against what was typed for the blind images."""
    wait_until_nothing_runs(page, project)
    predicted = predictions_of_blind(page, project)
    assert predicted.keys() == blind
    right = sum(predicted[name] == given[name] for name in blind)
    low, high = wilson(right, len(blind))

    page.goto(f"/p/{project}")
    expect(page.get_by_role("region", name="Standing")).to_contain_text(f"{len(given)} confirmed")
    accuracy = page.locator(".accuracy")
    expect(accuracy.locator(".accuracy-value")).to_have_text(
        f"{shown(right / len(blind))}{shown(low)} to {shown(high)}", use_inner_text=False
    )
    expect(accuracy).to_contain_text(f"On {len(blind)} images drawn at random")


def shown(share: float) -> str:
    return f"{share * 100:.1f} %"


def wait_until_nothing_runs(page: Page, project: int) -> None:
    """Labels start predictions by themselves; the figure belongs to the run that is live when they end."""
    for _ in range(240):
        if not page.request.get(f"/api/v1/projects/{project}/jobs?live=true").json()["items"]:
            return
        page.wait_for_timeout(500)
    raise AssertionError("jobs still run after two minutes")


def predictions_of_blind(page: Page, project: int) -> dict[str, str]:
    """File name → category that the live run gives it, for the blind images that were answered."""
    base = f"/api/v1/projects/{project}"
    names = {one["id"]: one["name"] for one in page.request.get(f"{base}/categories").json()["items"]}
    items = page.request.get(f"{base}/images?blind=true&state=labeled&limit=200").json()["items"]
    return {item["name"]: names[item["prediction"]["category"]] for item in items}


def export_image_folder(page: Page, project: int, folder: Path) -> zipfile.ZipFile:
    page.goto(f"/p/{project}/exports")
    page.get_by_role("button", name="Export ImageFolder ZIP").click()
    link = page.get_by_role("link", name="Download").first
    expect(link).to_be_visible(timeout=2 * MINUTES)
    with page.expect_download() as download:
        link.click()
    target = folder / "dataset.zip"
    download.value.save_as(target)
    return zipfile.ZipFile(io.BytesIO(target.read_bytes()))


def categories_in(archive: zipfile.ZipFile, files: list[Photograph]) -> dict[str, str]:
    """File name by category, found by the bytes: whatever the archive calls an image, it is the one we sent."""
    names = {one.content: one.name for one in files}
    found = {}
    for entry in archive.namelist():
        if entry.lower().endswith((".jpg", ".jpeg", ".png", ".webp")):
            found[names[archive.read(entry)]] = entry.split("/")[-2].replace("_", " ")
    return found
