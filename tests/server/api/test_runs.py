"""Training over REST: the dry run, the run, its report, and a person's last word."""

from typing import Any

import pytest
from rest_framework.test import APIClient

from server.pipeline import tasks
from server.pipeline.station import run_pending
from server.projects.models import Project
from server.training.models import TrainingRun
from tests.server.builders import World
from tests.server.pipeline.wood import teach

pytestmark = pytest.mark.django_db
assert tasks


def client(made: World, who: str) -> APIClient:
    api = APIClient()
    api.force_login(made.people[who])
    return api


def base(made: World) -> str:
    return f"/api/v1/projects/{made.project.pk}"


def test_a_dry_run_says_what_it_would_do_and_does_nothing(wood: World) -> None:
    teach(wood, 40, 70)
    said = client(wood, "reviewer").post(f"{base(wood)}/runs", {"dry_run": True}, format="json").json()
    assert said["reason"] == "Would fit a head on 30 labels of 3 categories and measure it on 40 blind answers."
    assert (said["can_run"], said["can_help"], said["fewest"], said["most"]) == (True, True, 10, 10)
    assert said["seconds"] > 0 and said["memory_mb"] > 0
    assert TrainingRun.objects.count() == 0


def test_a_run_that_cannot_work_is_refused_with_the_reason(wood: World) -> None:
    answer = client(wood, "reviewer").post(f"{base(wood)}/runs", {}, format="json")
    assert answer.status_code == 400
    assert "Nothing is confirmed yet" in answer.json()["message"]


def test_the_report_opens_the_images_behind_each_cell(wood: World) -> None:
    teach(wood, 40, 100)
    api = client(wood, "owner")
    made = api.post(f"{base(wood)}/runs", {}, format="json")
    assert made.status_code == 202
    run_pending(project_id=wood.project.pk)
    found = api.get(f"{base(wood)}/runs/{made.json()['id']}").json()
    assert found["outcome"] == "promoted"
    assert {point["name"] for point in found["points"]} == {"accuracy", "live_accuracy"}
    truth, predicted, count = found["report"]["candidate"]["confusion"][0]
    items = api.get(f"{base(wood)}/runs/{found['id']}/items?truth={truth}&candidate={predicted}").json()["items"]
    assert len(items) == count
    changed = api.get(f"{base(wood)}/runs/{found['id']}/items?changed=true").json()["items"]
    assert len(changed) == found["report"]["changed"]


def test_a_second_run_on_the_same_labels_is_said_to_be_useless(wood: World) -> None:
    teach(wood, 40, 100)
    api = client(wood, "owner")
    api.post(f"{base(wood)}/runs", {}, format="json")
    run_pending(project_id=wood.project.pk)
    said = api.get(f"{base(wood)}/training").json()["readiness"]
    assert not said["can_help"] and "No label is new since run" in said["reason"]


def test_an_owner_goes_back_and_promotes_again(wood: World) -> None:
    teach(wood, 40, 100)
    api = client(wood, "owner")
    api.post(f"{base(wood)}/runs", {}, format="json")
    run_pending(project_id=wood.project.pk)
    heads = api.get(f"{base(wood)}/heads").json()
    assert heads["live"] == heads["serving"] == heads["items"][0]["id"]
    assert heads["back_to"] == "a fit on all labels"
    assert api.post(f"{base(wood)}/rollback", {}, format="json").status_code == 200
    run_pending(project_id=wood.project.pk)
    assert api.get(f"{base(wood)}/heads").json()["serving"] is None
    head = heads["items"][0]["id"]
    assert api.post(f"{base(wood)}/heads/{head}/promote", {}, format="json").json()["state"] == "live"
    run_pending(project_id=wood.project.pk)
    assert api.get(f"{base(wood)}/heads").json()["serving"] == head
    assert api.post(f"{base(wood)}/heads/{head}/refuse").status_code == 409


@pytest.mark.parametrize("wrong", [{"every": -1}, {"method": "magic"}, {"unheard": 1}, {"promote": 3}])
def test_options_outside_their_range_change_nothing(wood: World, wrong: dict[str, Any]) -> None:
    before = Project.objects.get(pk=wood.project.pk).options
    assert client(wood, "owner").patch(f"{base(wood)}/training", wrong, format="json").status_code == 400
    assert Project.objects.get(pk=wood.project.pk).options == before


def test_options_are_kept_beside_the_projects_other_options(wood: World) -> None:
    Project.objects.filter(pk=wood.project.pk).update(options={"encoder": "demo"})
    said = client(wood, "owner").patch(f"{base(wood)}/training", {"every": 250}, format="json").json()
    assert said["every"] == 250
    assert Project.objects.get(pk=wood.project.pk).options["encoder"] == "demo"


def test_strangers_find_no_run(wood: World) -> None:
    run = TrainingRun.objects.create(project=wood.project, trigger="manual")
    assert client(wood, "outsider").get(f"{base(wood)}/runs/{run.pk}").status_code == 404
