"""What labels cost in people's time, and how many more it takes to reach a goal."""

from importlib import import_module
from typing import Any

import numpy as np
import pytest
from rest_framework.test import APIClient

from server.jobs.models import Job, State
from server.labeling.models import BlindDraw, Page, PageCommit
from server.pipeline.station import run_pending
from tests.server.builders import World, with_vectors, world

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True, scope="module")
def _loaded() -> None:
    """A worker has its libraries loaded; a job"s heart beats into another connection, which sees no test"s rows."""
    for name in ("ml.evaluation.learning_curve", "ml.heads"):
        import_module(name)


def client(made: World, name: str = "reviewer") -> APIClient:
    found = APIClient()
    found.force_login(made.people[name])
    return found


def read(made: World, what: str) -> dict[str, Any]:
    answer: dict[str, Any] = client(made, "viewer").get(f"/api/v1/projects/{made.project.pk}/{what}").json()
    return answer


def grade(made: World, name: str) -> dict[str, Any]:
    return next(one for one in read(made, "cost")["grades"] if one["evidence"] == name)


def test_seconds_a_label_are_told_by_evidence_and_pauses_are_no_work() -> None:
    made = world()
    owl = made.categories[0]
    made.label(made.images[0], owl, duration_ms=4000)
    made.label(made.images[1], owl, duration_ms=3_600_000)
    made.label(made.images[2], owl, duration_ms=2000, evidence_details={"suggested": owl})
    free = grade(made, "free")
    assert (free["labels"], free["seconds"]) == (2, pytest.approx(62))
    assert grade(made, "suggestion")["seconds"] == pytest.approx(2)
    total = read(made, "cost")["total"]
    assert (total["labels"], total["minutes"]) == (3, pytest.approx(126 / 60, abs=0.01))


def test_what_was_skipped_cost_time_as_well() -> None:
    made = world()
    made.label(made.images[0], made.categories[0], duration_ms=3000)
    made.label(made.images[1], kind="skip", duration_ms=3000)
    assert grade(made, "free")["seconds"] == pytest.approx(6)


def test_a_page_is_timed_once_for_all_its_tiles() -> None:
    made = world()
    owl = made.categories[0]
    page = Page.objects.create(
        id="00000000-0000-0000-0000-000000000001",
        project=made.project,
        user=made.people["annotator"],
        category_id=owl,
        expected_precision=0.9,
    )
    PageCommit.objects.create(
        id="00000000-0000-0000-0000-000000000002", project=made.project, page=page, duration_ms=12_000, answer={}
    )
    for image in made.images:
        made.label(image, owl, evidence="page", duration_ms=12_000)
    assert grade(made, "page")["seconds"] == pytest.approx(2)


def test_audits_of_a_lot_are_the_price_of_what_was_accepted() -> None:
    made = world()
    BlindDraw.objects.create(project=made.project, image_id=made.images[0], seed=1, lot=7)
    BlindDraw.objects.create(project=made.project, image_id=made.images[1], seed=1)
    for image in made.images[:2]:
        made.label(image, made.categories[0], duration_ms=6000)
    assert grade(made, "accepted")["minutes"] == pytest.approx(0.1)
    assert grade(made, "blind")["minutes"] == pytest.approx(0.1)


def learning(*, blind: int, labels: int = 60) -> World:
    """Three categories that overlap, so that more labels help; the first `blind` images measure."""
    made = world(images=blind + labels)
    truth = np.arange(len(made.images)) % 3
    rng = np.random.default_rng(0)
    with_vectors(made, 1.6 * np.eye(16)[truth] + rng.normal(scale=0.6, size=(len(truth), 16)))
    for at, image in enumerate(made.images):
        if at < blind:
            BlindDraw.objects.create(project=made.project, image_id=image, seed=1)
        made.label(image, made.categories[truth[at]], duration_ms=3000)
    assert client(made).post(f"/api/v1/projects/{made.project.pk}/learning-curve").status_code == 202
    run_pending(project_id=made.project.pk, kinds={"fit_curve"})
    return made


def test_the_curve_rests_on_blind_answers_and_says_how_much_more() -> None:
    answer = read(learning(blind=60), "learning-curve")
    curve = answer["curve"]
    assert (curve["labels"], curve["n"], len(curve["points"])) == (60, 60, 8)
    assert curve["now"]["low"] <= curve["now"]["value"] <= curve["now"]["high"]
    assert curve["gain"]["low"] >= 0
    within = [target["value"] for target in curve["targets"] if target["value"] is not None]
    assert within == sorted(within)
    assert [one["n"] for one in answer["categories"]] == [20, 20, 20]
    assert all(one["now"] is not None for one in answer["categories"])


def test_few_blind_answers_say_not_yet_known() -> None:
    answer = read(learning(blind=9), "learning-curve")
    assert (answer["curve"]["now"], answer["curve"]["gain"], answer["curve"]["targets"]) == (None, None, [])
    assert answer["curve"]["n"] == 9


def test_without_labels_the_job_says_so_and_nothing_is_claimed() -> None:
    made = with_vectors(world())
    client(made).post(f"/api/v1/projects/{made.project.pk}/learning-curve")
    run_pending(project_id=made.project.pk, kinds={"fit_curve"})
    job = Job.objects.get(project=made.project, kind="fit_curve")
    assert (job.state, "Nothing is confirmed" in job.message) == (State.FAILED, True)
    assert read(made, "learning-curve")["curve"] is None
