"""The project page: true figures, honest accuracy, a fixed number of queries."""

import pytest

from server.insights.accuracy import NEEDED, wilson
from server.jobs.models import Canary
from server.labeling.models import BlindDraw
from tests.server.builders import World, predicted, with_vectors, world
from tests.server.conftest import Actors

EXPECTED = {
    "owner": 200,
    "reviewer": 200,
    "annotator": 200,
    "viewer": 200,
    "outsider": 404,
    "staff": 404,
    "anonymous": 401,
}


def overview(actors: Actors, made: World, actor: str = "viewer") -> dict[str, object]:
    answer = actors.client(actor).get(f"/api/v1/projects/{made.project.pk}/overview")
    assert answer.status_code == 200
    return dict(answer.json())


@pytest.mark.parametrize(("actor", "status"), EXPECTED.items())
def test_members_see_the_overview_and_nobody_else(actors: Actors, actor: str, status: int) -> None:
    made = world()
    assert actors.client(actor).get(f"/api/v1/projects/{made.project.pk}/overview").status_code == status


def test_the_counts_are_those_of_the_rows(actors: Actors) -> None:
    made = with_vectors(world(images=8))
    owl, fox, elk = made.categories
    predicted(made, {image: [owl, fox, elk] for image in made.images})
    made.label(made.images[0], owl)
    made.label(made.images[1], kind="skip")
    made.label(made.images[2], kind="flag")
    made.label(made.images[3], owl)
    made.label(made.images[3], fox, by="reviewer")
    counts = overview(actors, made)["counts"]
    assert counts == {
        "images": 8, "processing": 0, "rejected": 0, "embedded": 8, "predicted": 8, "labeled": 1, "skipped": 1,
        "flagged": 1, "disputed": 1, "need_eyes": 4, "blind_drawn": 0, "blind_answered": 0,
    }  # fmt: skip


def test_accuracy_is_not_known_until_enough_blind_images_are_answered(actors: Actors) -> None:
    made = with_vectors(world(images=30))
    owl, fox, _ = made.categories
    predicted(made, {image: [owl, fox] for image in made.images})
    for image in made.images[:NEEDED]:
        BlindDraw.objects.create(project=made.project, image_id=image, seed=0)
    for image in made.images[: NEEDED - 1]:
        made.label(image, owl)
    before = overview(actors, made)["accuracy"]
    assert (before["value"], before["n"], before["needed"]) == (None, NEEDED - 1, 1)  # type: ignore[index]
    made.label(made.images[NEEDED - 1], fox)
    after = overview(actors, made)["accuracy"]
    low, high = wilson(NEEDED - 1, NEEDED)
    assert after == {"value": 0.95, "low": low, "high": high, "n": 20, "needed": 0, "level": 0.95}


def test_labels_that_were_not_blind_do_not_count_as_accuracy(actors: Actors) -> None:
    made = with_vectors(world(images=25))
    predicted(made, dict.fromkeys(made.images, made.categories))
    for image in made.images:
        made.label(image, made.categories[0])
    assert overview(actors, made)["accuracy"]["n"] == 0  # type: ignore[index]


def test_wilson_by_hand() -> None:
    assert wilson(0, 0) == (0.0, 1.0)
    low, high = wilson(8, 10)
    assert (round(low, 4), round(high, 4)) == (0.4902, 0.9433)
    assert wilson(20, 20)[1] == 1.0


def test_the_mosaic_shows_confirmed_images_first_and_never_a_blind_one(actors: Actors) -> None:
    made = with_vectors(world(images=4))
    owl, fox, elk = made.categories
    predicted(made, {image: [owl, fox, elk] for image in made.images})
    made.label(made.images[2], owl)
    BlindDraw.objects.create(project=made.project, image_id=made.images[0], seed=0)
    cards = {card["id"]: card for card in overview(actors, made)["categories"]}  # type: ignore[attr-defined]
    shown = [int(link.split("/")[-2]) for link in cards[owl]["mosaic"]]
    assert shown[0] == made.images[2]
    assert set(shown) == {made.images[1], made.images[2], made.images[3]}
    assert (cards[owl]["confirmed"], cards[owl]["predicted"], cards[fox]["mosaic"]) == (1, 4, [])


def test_what_to_do_next_follows_the_state_of_the_project(actors: Actors) -> None:
    def first(made: World) -> str:
        return str(overview(actors, made)["next"][0]["text"])  # type: ignore[index]

    for queue in ("default", "ml", "interactive"):
        Canary.objects.create(queue=queue, seen_at="2999-01-01T00:00:00Z")
    assert first(world(images=0)).startswith("Add images")
    assert first(world(images=3, categories=[])).startswith("Type the names")
    made = world(images=3)
    assert first(made).startswith("3 images wait")
    made.label(made.images[0], made.categories[0])
    made.label(made.images[0], made.categories[1], by="owner")
    assert first(made) == "1 image is disputed: decide."


def test_the_overview_costs_the_same_queries_for_a_large_project(
    actors: Actors, django_assert_max_num_queries: object
) -> None:
    made = with_vectors(world(images=60, categories=[f"c{i}" for i in range(30)]))
    predicted(made, dict.fromkeys(made.images, made.categories[:5]))
    client = actors.client("viewer")
    with django_assert_max_num_queries(17):  # type: ignore[operator]
        client.get(f"/api/v1/projects/{made.project.pk}/overview")
