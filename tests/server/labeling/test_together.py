"""Many people at once, on real connections."""

import random
import threading
import uuid
from collections import Counter
from collections.abc import Callable

import pytest
from django.db import connection

from server.labeling.models import Annotation, Consensus, QueueItem
from server.labeling.services.annotations import Judgement, annotation_create
from server.labeling.services.consensus import consensus_rebuild
from server.labeling.services.leases import leases_take
from server.labeling.services.page_leases import pages_take
from server.labeling.services.page_stock import Planned, stock_add
from server.predictions.models import Prototype
from tests.server.builders import World, with_vectors, world

pytestmark = pytest.mark.django_db(transaction=True)
PEOPLE = ("owner", "reviewer", "annotator", "viewer")


def at_once(*acts: Callable[[], None]) -> None:
    """Run each in a thread with a connection of its own; re-raise the first error."""
    errors: list[BaseException] = []
    ready = threading.Barrier(len(acts))

    def run(act: Callable[[], None]) -> None:
        try:
            ready.wait()
            act()
        except BaseException as error:
            errors.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(act,)) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]


def queued(made: World, *, overlap: int) -> World:
    for rank, image in enumerate(made.images):
        QueueItem.objects.create(
            project=made.project, image_id=image, rank=rank, wanted=overlap, remaining=overlap, slots=overlap
        )
    return made


def test_people_who_meet_in_the_same_images_of_many_plans_each_get_theirs() -> None:
    made = world(images=40)
    rng = random.Random(0)
    told = [[category, 0.4] for category in made.categories]
    planned = [
        Planned(made.categories[0], [{"image": image, "folded": [], "suggestions": told} for image in images], 0.9, "")
        for images in (rng.sample(made.images, 3) for _ in range(60))
    ]
    stock_add(project_id=made.project.pk, version=1, planned=planned)
    got: list[int] = []

    def lease(who: str) -> Callable[[], None]:
        def act() -> None:
            while pages := pages_take(project=made.project, user_id=made.people[who].pk, count=3, tiles_max=3):
                got.extend(tile["image"] for page in pages for tile in page.tiles)

        return act

    at_once(*map(lease, PEOPLE))
    assert len(got) == len(set(got))


@pytest.mark.parametrize("overlap", [1, 2])
def test_no_image_goes_to_more_people_than_the_overlap(overlap: int) -> None:
    made = queued(world(images=60, overlap=overlap), overlap=overlap)
    got: list[tuple[int, str]] = []

    def drain(who: str) -> Callable[[], None]:
        def act() -> None:
            user = made.people[who].pk
            while leased := leases_take(project_id=made.project.pk, user_id=user, count=3):
                got.extend((item.image_id, who) for item in leased)

        return act

    at_once(*[drain(who) for who in PEOPLE for _ in range(2)])  # two tabs each
    assert len(set(got)) == len(got)
    assert Counter(image for image, _ in got) == dict.fromkeys(made.images, overlap)
    assert not QueueItem.objects.exclude(slots=0).exists()


def test_one_event_sent_by_eight_retries_at_once_is_one_event() -> None:
    made = with_vectors(world(images=1))
    event = uuid.uuid4()
    created: list[bool] = []

    def send() -> None:
        said = Judgement(id=event, image_id=made.images[0], category_id=made.categories[0])
        person = made.people["annotator"].pk
        created.append(annotation_create(said, project_id=made.project.pk, annotator_id=person).created)

    at_once(*[send] * 8)
    assert sorted(created) == [False] * 7 + [True]
    assert Annotation.objects.count() == 1
    assert Prototype.objects.get().count == 1


def test_people_who_label_the_same_images_leave_the_rows_that_a_rebuild_gives() -> None:
    made = with_vectors(queued(world(images=6, overlap=3), overlap=3))

    def label(who: str) -> Callable[[], None]:
        def act() -> None:
            for turn, image in enumerate(made.images):
                made.label(image, made.categories[(turn + len(who)) % 3], by=who)

        return act

    at_once(*[label(who) for who in PEOPLE])
    assert Annotation.objects.count() == 24
    assert consensus_rebuild(project_id=made.project.pk) == []
    assert not QueueItem.objects.exclude(remaining=0, slots=0).exists()
    taught = Counter(Consensus.objects.filter(state="agreed").values_list("category_id", flat=True))
    assert dict(Prototype.objects.values_list("category_id", "count")) == dict(taught)
