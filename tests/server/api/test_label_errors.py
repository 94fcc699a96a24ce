"""Doubted labels are found by heads that did not see them, and decided by annotations like any other."""

import uuid
from importlib import import_module
from typing import Any

import numpy as np
import pytest
from rest_framework.test import APIClient

from server.images.models import Image
from server.jobs.models import Job, State
from server.labeling.models import BlindDraw, Consensus
from server.pipeline.station import run_pending
from tests.server.builders import World, with_vectors, world

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True, scope="module")
def _loaded() -> None:
    """A worker has its libraries loaded; a job"s heart beats into another connection, which sees no test"s rows."""
    for name in ("ml.evaluation.label_errors", "ml.heads.out_of_sample"):
        import_module(name)


PER_CATEGORY = 20


def client(made: World, name: str = "reviewer") -> APIClient:
    found = APIClient()
    found.force_login(made.people[name])
    return found


def address(made: World) -> str:
    return f"/api/v1/projects/{made.project.pk}/label-errors"


def looked_through(made: World) -> World:
    assert client(made).post(address(made)).status_code == 202
    run_pending(project_id=made.project.pk, kinds={"find_label_errors"})
    return made


def found(made: World, doubt: str = "error") -> dict[str, Any]:
    answer: dict[str, Any] = client(made).get(address(made), {"doubt": doubt}).json()
    return answer


def wood(*, wrong: tuple[int, ...] = (3, 25, 50)) -> World:
    """Sixty images of three categories that lie far apart; the labels at `wrong` are those of the next category."""
    made = world(images=3 * PER_CATEGORY)
    truth = np.repeat(np.arange(3), PER_CATEGORY)
    vectors = 3 * np.eye(8)[truth] + np.random.default_rng(0).normal(scale=0.4, size=(len(truth), 8))
    with_vectors(made, vectors)
    for at, image in enumerate(made.images):
        made.label(image, made.categories[(truth[at] + (at in wrong)) % 3])
    return made


def decide(made: World, image: int, **said: Any) -> None:
    body = {"image": image, "review": True, **said}
    answer = client(made).put(f"/api/v1/projects/{made.project.pk}/annotations/{uuid.uuid4()}", body, format="json")
    assert answer.status_code == 201, answer.content


def test_planted_errors_are_found_with_what_the_model_saw() -> None:
    made = looked_through(wood())
    owl, fox, _ = made.categories
    answer = found(made)
    assert {item["image"]["id"] for item in answer["items"]} == {made.images[at] for at in (3, 25, 50)}
    first = next(item for item in answer["items"] if item["image"]["id"] == made.images[3])
    assert (first["given"], first["instead"]) == (fox, owl)
    assert first["suggestions"][0]["category"] == owl
    assert first["annotator"]["username"] == "annotator"
    assert len(first["like"]) == 5
    assert (answer["labels"], answer["judged"], answer["counts"]["error"], answer["since"]) == (60, 60, 3, 0)


def test_keeping_relabeling_and_flagging_answer_and_undo_asks_again() -> None:
    made = looked_through(wood())
    owl = made.categories[0]
    decide(made, made.images[3], kind="label", category=owl)
    decide(made, made.images[25], kind="label", category=made.categories[2])  # kept as it was
    event = uuid.uuid4()
    body = {"image": made.images[50], "kind": "flag", "review": True}
    client(made).put(f"/api/v1/projects/{made.project.pk}/annotations/{event}", body, format="json")
    assert found(made)["counts"]["error"] == 0
    assert Consensus.objects.get(image_id=made.images[3]).category_id == owl
    assert Consensus.objects.get(image_id=made.images[50]).state == "flagged"
    decide(made, made.images[50], kind="undo", undoes=str(event))
    assert [item["image"]["id"] for item in found(made)["items"]] == [made.images[50]]


def test_what_a_reviewer_decided_is_not_doubted_again() -> None:
    made = wood()
    decide(made, made.images[3], kind="label", category=made.categories[1])
    assert {item["image"]["id"] for item in found(looked_through(made))["items"]} == {
        made.images[25],
        made.images[50],
    }


def test_blind_images_are_neither_learned_from_nor_doubted() -> None:
    made = world(images=3 * PER_CATEGORY)
    with_vectors(made, np.eye(8)[np.repeat(np.arange(3), PER_CATEGORY)] + 0.01)
    BlindDraw.objects.create(project=made.project, image_id=made.images[0], seed=1)
    for at, image in enumerate(made.images):
        made.label(image, made.categories[1 if at == 0 else at // PER_CATEGORY])
    answer = found(looked_through(made))
    assert (answer["labels"], answer["items"]) == (59, [])


def test_near_duplicates_with_different_labels_are_shown_with_their_twins() -> None:
    made = wood(wrong=())
    trio = made.images[:3]
    Image.objects.filter(pk__in=trio).update(duplicate_group=trio[0])
    made.label(trio[2], made.categories[1], by="annotator")
    answer = found(looked_through(made), "duplicate")
    (item,) = answer["items"]
    assert (item["image"]["id"], item["given"], item["instead"]) == (trio[2], made.categories[1], made.categories[0])
    assert sorted(like["id"] for like in item["like"]) == trio[:2]


def test_what_resembles_nothing_is_shown_apart() -> None:
    made = world(images=3 * PER_CATEGORY)
    truth = np.repeat(np.arange(3), PER_CATEGORY)
    vectors = 3 * np.eye(8)[truth] + np.random.default_rng(0).normal(scale=0.4, size=(len(truth), 8))
    vectors[7] = -5 * np.ones(8)
    with_vectors(made, vectors)
    for at, image in enumerate(made.images):
        made.label(image, made.categories[truth[at]])
    answer = found(looked_through(made), "outlier")
    assert [item["image"]["id"] for item in answer["items"]] == [made.images[7]]
    assert answer["items"][0]["instead"] is None


def test_pages_go_on_where_the_last_one_ended() -> None:
    made = looked_through(wood())
    first = client(made).get(address(made), {"limit": 2}).json()
    rest = client(made).get(address(made), {"limit": 2, "cursor": first["next"]}).json()
    assert (len(first["items"]), len(rest["items"]), rest["next"]) == (2, 1, None)


def test_without_labels_the_job_says_so() -> None:
    made = looked_through(world())
    job = Job.objects.get(project=made.project, kind="find_label_errors")
    assert (job.state, "Nothing is confirmed" in job.message) == (State.FAILED, True)


def test_one_category_leaves_nothing_to_doubt() -> None:
    made = with_vectors(world())
    for image in made.images:
        made.label(image, made.categories[0])
    answer = found(looked_through(made))
    assert (answer["at"] is not None, answer["items"], answer["judged"]) == (True, [], 0)
