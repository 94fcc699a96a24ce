"""Neighbors, encoders and runs over REST, for every actor; nothing about blind images leaks."""

import threading

import pytest

from server.jobs.models import Canary, Job, State
from server.labeling.models import BlindDraw
from server.pipeline import flows
from tests.server.builders import predicted, with_vectors, world
from tests.server.conftest import Actors

READ = {"owner": 200, "reviewer": 200, "annotator": 200, "viewer": 200, "outsider": 404, "staff": 404, "anonymous": 401}
STEER = {
    "owner": 202,
    "reviewer": 202,
    "annotator": 403,
    "viewer": 403,
    "outsider": 404,
    "staff": 404,
    "anonymous": 401,
}


@pytest.mark.parametrize(("actor", "status"), READ.items())
def test_every_member_may_look_for_similar_images(actors: Actors, actor: str, status: int) -> None:
    made = with_vectors(world(images=4))
    client = actors.client(actor)
    base = f"/api/v1/projects/{made.project.pk}"
    assert client.get(f"{base}/similar?image={made.images[0]}").status_code == status
    assert client.get(f"{base}/acquisition/functions").status_code == status
    assert client.get("/api/v1/encoders").status_code == (401 if actor == "anonymous" else 200)


@pytest.mark.parametrize(("actor", "status"), STEER.items())
def test_reviewers_ask_for_runs_and_only_owners_change_the_encoder(actors: Actors, actor: str, status: int) -> None:
    made = world()
    client, base = actors.client(actor), f"/api/v1/projects/{made.project.pk}"
    assert client.post(f"{base}/predictions").status_code == status
    assert client.post(f"{base}/acquisition", {"function": "entropy"}, format="json").status_code == status
    expected = 403 if actor == "reviewer" else status
    assert client.post(f"{base}/encoder", {"name": "demo"}, format="json").status_code == expected


def test_similar_images_come_nearest_first_with_what_is_known_of_them(actors: Actors) -> None:
    made = with_vectors(world(images=5))
    predicted(made, dict.fromkeys(made.images, made.categories))
    made.label(made.images[1], made.categories[2])
    BlindDraw.objects.create(project=made.project, image_id=made.images[2], seed=0)
    answer = actors.client("viewer").get(f"/api/v1/projects/{made.project.pk}/similar?image={made.images[0]}").json()
    items = {item["id"]: item for item in answer["items"]}
    similarities = [item["similarity"] for item in answer["items"]]
    assert similarities == sorted(similarities, reverse=True)
    assert set(items) == set(made.images[1:])
    assert items[made.images[1]]["consensus"]["category"] == made.categories[2]
    assert items[made.images[2]]["prediction"] is None
    assert items[made.images[3]]["prediction"]["category"] == made.categories[0]


def test_an_image_of_another_project_is_not_found(actors: Actors) -> None:
    made, other = with_vectors(world(images=2)), with_vectors(world(images=2))
    base = f"/api/v1/projects/{made.project.pk}/similar"
    client = actors.client("viewer")
    assert client.get(f"{base}?image={other.images[0]}").status_code == 404
    for wrong in ("", "?image=1&text=owl", "?image=0", "?limit=0&text=owl", "?text=", "?vector=[1]"):
        assert client.get(base + wrong).status_code == 400, wrong


def test_without_a_worker_a_text_is_answered_with_503_at_once(actors: Actors) -> None:
    made = with_vectors(world(images=2))
    assert made.space is not None
    base = f"/api/v1/projects/{made.project.pk}"
    client = actors.client("viewer")
    assert client.get(f"{base}/similar?text=owl").json()["code"] == "no_text"
    made.space.has_text = True
    made.space.save()
    answer = client.get(f"{base}/similar?text=owl")
    assert (answer.status_code, answer.json()["code"]) == (503, "no_worker")
    assert client.get(f"{base}/categories/{made.categories[0]}/preview").status_code == 503
    assert not Job.objects.exists()


def test_a_path_is_not_a_name_of_an_encoder(actors: Actors) -> None:
    made = world()
    client = actors.client("owner")
    for name in ("/etc/passwd", "../x.json", "open_clip:nope/nope", "", "x" * 400):
        answer = client.post(f"/api/v1/projects/{made.project.pk}/encoder", {"name": name}, format="json")
        assert answer.status_code == 400, name
    assert not Job.objects.exists()


def test_asking_twice_for_predictions_is_one_job(actors: Actors) -> None:
    made = world()
    client = actors.client("reviewer")
    first, again = (client.post(f"/api/v1/projects/{made.project.pk}/predictions").json()["id"] for _ in range(2))
    assert first == again
    assert client.post(f"/api/v1/projects/{made.project.pk}/acquisition", {"function": "magic"}).status_code >= 400


@pytest.mark.django_db(transaction=True)
def test_a_worker_answers_a_text_and_the_answer_is_kept(actors: Actors, monkeypatch: pytest.MonkeyPatch) -> None:
    import base64
    import struct

    made = with_vectors(world(images=3))
    assert made.space is not None
    made.space.has_text = True
    made.space.save()
    Canary.objects.create(queue="interactive", seen_at="2999-01-01T00:00:00Z")
    vector = base64.b64encode(struct.pack("<4f", 1, 0, 0, 0)).decode()
    asked = flows.encode_text

    def answered(project_id: int, *, texts: list[str]) -> Job:
        job = asked(project_id, texts=texts)
        result = {"space": made.space.pk, "vector": vector}  # type: ignore[union-attr]
        finish = Job.objects.filter(pk=job.pk).update
        threading.Timer(0.1, lambda: finish(state=State.DONE, result=result)).start()
        return job

    monkeypatch.setattr(flows, "encode_text", answered)
    client = actors.client("viewer")
    url = f"/api/v1/projects/{made.project.pk}/similar?text=owl"
    assert len(client.get(url).json()["items"]) == 3
    monkeypatch.setattr(flows, "encode_text", None)
    assert len(client.get(url).json()["items"]) == 3
    assert not Job.objects.exists()
