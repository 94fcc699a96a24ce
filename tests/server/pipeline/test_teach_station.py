"""A correction teaches: new scores, new pages, and the truth about what changed."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from server.jobs.models import Job
from server.labeling.models import Gold, PagePlan, Teaching
from server.labeling.services.page_leases import pages_take
from server.pipeline import flows, tasks
from server.pipeline.station import run_pending
from server.pipeline.tasks import teach as station
from tests.server.builders import World, with_vectors, world
from tests.server.labeling.test_pages import commit, shown, take

pytestmark = pytest.mark.django_db
assert tasks


@pytest.fixture(autouse=True)
def _places(settings: Any, tmp_path: Path) -> None:
    settings.WINNOW_CACHE_DIR = tmp_path / "cache"
    settings.WINNOW_DEVICE = "cpu"
    station._open.clear()


def heaps(*, each: int = 20, seed: int = 0) -> World:
    """Three heaps of vectors in 16 dimensions; image i lies in heap i mod 3, two confirmed of each."""
    rng = np.random.default_rng(seed)
    made = world(images=3 * each)
    centers = np.eye(3, 16) * 3
    made = with_vectors(made, centers[np.arange(3 * each) % 3] + rng.normal(0, 0.35, (3 * each, 16)))
    made.project.options = {"attention_share": 0.0}
    made.project.save()
    for image, category in zip(made.images[:6], made.categories * 2, strict=True):
        made.label(image, category, by="owner")
    return made


def taught(made: World) -> Teaching:
    flows.teach(made.project.pk)
    run_pending(project_id=made.project.pk, kinds={"teach"})
    job = Job.objects.filter(project=made.project, kind="teach").latest("id")
    assert job.state == "done", job.error
    made.project.refresh_from_db()
    return Teaching.objects.filter(project=made.project).latest("version")


def heap_of(made: World, image: int) -> int:
    return made.categories[made.images.index(image) % 3]


def test_pages_are_composed_of_what_nobody_has_judged_and_are_mostly_right() -> None:
    made = heaps()
    first = taught(made)
    assert (first.version, first.changed, first.pages > 0) == (1, 0, True)
    pages = take(made, count=4)
    images = shown(pages)
    assert len(images) == len(set(images)) and not set(images) & set(made.images[:6])
    right = [heap_of(made, tile["image"]) == page.category_id for page in pages for tile in page.tiles]
    assert sum(right) / len(right) > 0.9
    assert all(tile["suggestions"][0][0] == page.category_id for page in pages for tile in page.tiles)


def test_a_committed_page_teaches_and_what_it_changed_is_told() -> None:
    made = heaps(each=40)
    wrong = made.categories[1]
    for image in made.images[6:12:3]:  # somebody takes the first heap's images for the second category
        made.label(image, wrong, by="owner")
    before = taught(made)
    for image in made.images[6:12:3]:
        made.label(image, made.categories[0], by="owner", evidence="review")
    after = taught(made)
    assert (before.version, after.version, after.corrections) == (1, 2, 2)
    assert after.changed == len(after.changed_images) > 0
    assert not set(after.changed_images) & set(made.images[:12:3])
    assert set(PagePlan.objects.filter(project=made.project).values_list("version", flat=True)) == {2}


def test_a_struck_image_returns_under_its_next_best_category_and_never_under_the_first() -> None:
    made = heaps()
    taught(made)
    (page,) = take(made)
    struck = page.tiles[0]["image"]
    commit(made, page, {tile["image"]: "strike" if tile["image"] == struck else "confirm" for tile in page.tiles})
    taught(made)
    plans = PagePlan.objects.filter(project=made.project)
    homes = {plan.category_id for plan in plans for tile in plan.tiles if tile["image"] == struck}
    assert page.category_id not in homes


def test_known_wrong_tiles_are_confirmed_images_of_other_categories_gold_first() -> None:
    made = heaps()
    Gold.objects.create(project=made.project, image_id=made.images[0])
    made.project.options = {"attention_share": 0.2}
    made.project.save()
    taught(made)
    for plan in PagePlan.objects.filter(project=made.project):
        known = dict(plan.traps)
        assert known and plan.category_id not in known.values()
        assert all(heap_of(made, image) == category for image, category in plan.traps)
        if plan.category_id != made.categories[0]:
            assert plan.traps[0][0] == made.images[0]


def test_many_corrections_at_once_are_one_job_that_runs_again_when_it_is_asked_meanwhile() -> None:
    made = heaps()
    jobs = {flows.teach(made.project.pk).pk for _ in range(5)}
    assert len(jobs) == 1
    run_pending(project_id=made.project.pk, kinds={"teach"})
    assert Teaching.objects.count() == 1


def test_the_pool_in_memory_follows_what_people_say_as_a_fresh_one_would_see_it() -> None:
    made = heaps()
    taught(made)
    room = station._open[made.project.pk]
    for page in pages_take(project=made.project, user_id=made.people["annotator"].pk, count=2, tiles_max=9):
        commit(made, page, {tile["image"]: "confirm" for tile in page.tiles})
    said = made.label(made.images[0], made.categories[2], by="owner")
    made.label(made.images[0], kind="undo", undoes_id=said.id, by="owner")
    room.state.refresh()
    fresh = station.PoolState(made.project, np.asarray(room.pool.ids))
    assert np.array_equal(room.state.judged, fresh.judged)
    assert np.array_equal(room.state.category, fresh.category)
    assert np.array_equal(room.state.sequence, fresh.sequence)
    assert room.state.newest == fresh.newest


def test_there_is_nothing_to_teach_before_anything_can_be_told_apart() -> None:
    made = with_vectors(world(images=3))
    flows.teach(made.project.pk)
    run_pending(project_id=made.project.pk, kinds={"teach"})
    assert Job.objects.get(kind="teach").state == "done"
    assert not Teaching.objects.exists()
