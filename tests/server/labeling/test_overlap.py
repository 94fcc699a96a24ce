"""A category may want more opinions than its project, or fewer: by what is predicted, and by what was said."""

import uuid

import pytest

from server.acquisition.services import round_create
from server.labeling.models import QueueItem
from server.labeling.page_models import PagePlan
from server.labeling.services.leases import leases_take
from server.labeling.services.page_commits import PageDecision, TileVerdict, page_commit
from server.labeling.services.page_leases import pages_take
from server.labeling.services.queue import Ranked, queue_replace
from server.taxonomy.models import Category
from server.taxonomy.services import category_update
from tests.server.builders import World, predicted, with_vectors, world

pytestmark = pytest.mark.django_db


def wanting(overlap: dict[int, int | None], *, project: int = 1) -> World:
    """Owl, fox and elk with so many opinions; image i is predicted to be the category at place i mod 3."""
    made = with_vectors(world(overlap=project))
    for place, people in overlap.items():
        category_update(project=made.project, category_id=made.categories[place], changes={"overlap": people})
    order = made.categories
    return predicted(made, {image: [order[at % 3], order[(at + 1) % 3]] for at, image in enumerate(made.images)})


def queued(made: World) -> dict[int, int]:
    """Place of the image → opinions that it waits for."""
    chosen = round_create(project=made.project, function="random", budget=6, pool_size=6, seed=1)
    ranked = [Ranked(image, "near") for image in made.images]
    queue_replace(project=made.project, round_id=chosen.pk, ranked=ranked, seed=1)
    return {made.images.index(item.image_id): item.remaining for item in QueueItem.objects.all()}


def test_as_many_are_asked_as_the_predicted_category_wants() -> None:
    assert queued(wanting({0: 3, 1: 1}, project=2)) == {0: 3, 1: 1, 2: 2, 3: 3, 4: 1, 5: 2}


def test_an_answer_that_names_a_category_which_wants_more_asks_for_more() -> None:
    made = wanting({0: 3})
    queued(made)
    made.label(made.images[1], made.categories[0])
    item = QueueItem.objects.get(image_id=made.images[1])
    assert (item.wanted, item.remaining, item.slots) == (3, 2, 2)
    mine = leases_take(project_id=made.project.pk, user_id=made.people["annotator"].pk, count=9)
    theirs = leases_take(project_id=made.project.pk, user_id=made.people["reviewer"].pk, count=9)
    assert made.images[1] not in [one.image_id for one in mine]
    assert made.images[1] in [one.image_id for one in theirs]


def test_an_answer_that_names_a_category_which_wants_fewer_takes_nothing_back() -> None:
    made = wanting({0: 3, 1: 1})
    queued(made)
    made.label(made.images[0], made.categories[1])
    assert QueueItem.objects.get(image_id=made.images[0]).remaining == 2


def test_pages_of_a_category_are_looked_at_by_as_many_as_it_wants() -> None:
    made = wanting({0: 2})
    tile = {"image": made.images[0], "folded": [], "suggestions": [[made.categories[0], 0.5]]}
    PagePlan.objects.create(
        project=made.project,
        category_id=made.categories[0],
        version=1,
        rank=0,
        tiles=[tile],
        traps=[],
        expected_precision=0.9,
        reason="",
    )
    assert confirmed(made, "annotator") == (2, 1)
    assert confirmed(made, "reviewer") is None  # taken by the first; the next composition brings it again
    mine = leases_take(project_id=made.project.pk, user_id=made.people["reviewer"].pk, count=9)
    assert [one.image_id for one in mine] == [made.images[0]]


def confirmed(made: World, name: str) -> tuple[int, int] | None:
    """Confirm the one tile of the next page: opinions that its image wants, and those still to come."""
    user = made.people[name].pk
    pages = pages_take(project=made.project, user_id=user, count=1, tiles_max=48)
    if not pages:
        return None
    decision = PageDecision(id=uuid.uuid4(), page_id=pages[0].id, tiles=[TileVerdict(made.images[0], "confirm")])
    page_commit(decision, project=made.project, user_id=user)
    item = QueueItem.objects.get(image_id=made.images[0])
    return item.wanted, item.remaining


def test_a_category_goes_back_to_what_its_project_wants() -> None:
    made = wanting({0: 3}, project=2)
    category_update(project=made.project, category_id=made.categories[0], changes={"overlap": None})
    assert Category.objects.get(pk=made.categories[0]).overlap is None
    assert set(queued(made).values()) == {2}
