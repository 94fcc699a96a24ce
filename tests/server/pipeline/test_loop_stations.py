"""From images on storage to a ranked queue, through the real stations and a real (tiny, random) encoder."""

import io
from pathlib import Path
from typing import Any

import pytest

from server.acquisition.catalogue import BY_NAME, FIRST_REASON
from server.acquisition.models import AcquisitionRound
from server.compute.acquire import functions_known
from server.embeddings.models import EmbeddingFailure
from server.embeddings.selectors import embeddings_count, nearest_to_image
from server.images.models import Image
from server.images.storage import original_key, put
from server.jobs.models import Job, State
from server.labeling.models import BlindDraw, Purpose, QueueItem
from server.labeling.services.pool import by_need
from server.pipeline import flows, tasks
from server.pipeline.promotion import go_back
from server.pipeline.station import run_pending
from server.pipeline.tasks.upkeep import drop_spaces
from server.predictions.models import Prediction, Prototype
from server.projects.models import Project
from server.registry.models import EncoderVersion, Promotion
from tests.ml.encoders.conftest import write_folder
from tests.server.builders import World
from tests.server.pipeline.photographs import photographed

pytestmark = pytest.mark.django_db
assert tasks


@pytest.fixture(scope="module")
def encoders(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    return [str(write_folder(tmp_path_factory.mktemp("encoder") / name, seed=i)) for i, name in enumerate("ab")]


@pytest.fixture(autouse=True)
def _places(settings: Any, tmp_path: Path) -> None:
    settings.WINNOW_CACHE_DIR = tmp_path / "cache"
    settings.WINNOW_DEVICE = "cpu"
    settings.STORAGES = {
        **settings.STORAGES,
        "default": {
            "BACKEND": "django.core.files.storage.FileSystemStorage",
            "OPTIONS": {"location": str(tmp_path / "media")},
        },
    }


def loop(made: World) -> Project:
    flows.after_images_ready(made.project.pk)
    run_pending(project_id=made.project.pk)
    made.project.refresh_from_db()
    return made.project


def test_images_are_embedded_predicted_and_ranked_without_a_word_from_anyone(encoders: list[str]) -> None:
    made = photographed(encoders[0])
    project = loop(made)
    space = project.active_space
    assert space is not None
    assert embeddings_count(project_id=project.pk, space=space) == 12
    assert {job.kind: job.state for job in Job.objects.all()} == {
        "embed": State.DONE,
        "predict": State.DONE,
        "acquire": State.DONE,
    }
    rows = list(Prediction.objects.filter(run=project.active_run))
    assert len(rows) == 12
    assert all(set(row.top_categories) == set(made.categories) for row in rows)
    assert all(abs(sum(row.top_probabilities) - 1) < 1e-4 for row in rows)
    assert QueueItem.objects.count() == 12
    assert AcquisitionRound.objects.get().function == "weighted_coverage"


def test_every_goal_ranks_the_pool_and_says_why(encoders: list[str]) -> None:
    made = photographed(encoders[0])
    for image, category in zip(made.images[:4], made.categories + made.categories[:1], strict=True):
        made.label(image, category)
    project = loop(made)
    for name, choice in BY_NAME.items():
        flows.enqueue("acquire", project_id=project.pk, params={"function": name, "seed": 1})
        run_pending(project_id=project.pk)
        ranked = AcquisitionRound.objects.latest("pk")
        assert ranked.function == name
        items = QueueItem.objects.filter(project=project, round=ranked)
        assert {item.image_id for item in items} == set(made.images[4:])
        assert {item.reason for item in items} == {choice.reason}


def test_close_calls_come_in_the_order_of_their_margin(encoders: list[str]) -> None:
    made = photographed(encoders[0])
    Project.objects.filter(pk=made.project.pk).update(acquisition_function="margin")
    rows = list(Prediction.objects.filter(run=loop(made).active_run))
    margins = {row.image_id: row.margin for row in rows}
    queue = [item.image_id for item in QueueItem.objects.order_by("rank")]
    assert [margins[image] for image in queue] == sorted(margins.values())


def test_like_finds_like(encoders: list[str]) -> None:
    made = photographed(encoders[0])
    project = loop(made)
    assert project.active_space is not None
    found = nearest_to_image(project_id=project.pk, space=project.active_space, image_id=made.images[0], limit=2)
    assert {neighbor.image_id for neighbor in found} == {made.images[4], made.images[8]}


def test_new_images_go_the_same_way_and_old_ones_are_not_embedded_again(encoders: list[str]) -> None:
    made = photographed(encoders[0])
    Image.objects.filter(pk__in=made.images[6:]).update(state="received")
    loop(made)
    Image.objects.filter(pk__in=made.images[6:]).update(state="ready")
    loop(made)
    embeds = Job.objects.filter(kind="embed").order_by("pk")
    assert [(job.total, job.done) for job in embeds] == [(6, 6), (6, 6)]
    assert Prediction.objects.filter(run__project=made.project, run=made.project.active_run).count() == 12


def test_a_lost_file_and_a_broken_one_are_named_and_stop_nothing(encoders: list[str]) -> None:
    made = photographed(encoders[0])
    lost, broken = Image.objects.filter(project=made.project).order_by("pk")[:2]
    lost.sha256, broken.sha256 = "0" * 64, "1" * 64
    lost.save()
    broken.save()
    put(original_key(made.project.pk, "1" * 64), io.BytesIO(b"\x89PNG\r\n\x1a\n but no more"))
    project = loop(made)
    assert project.active_space is not None
    assert embeddings_count(project_id=project.pk, space=project.active_space) == 10
    assert dict(EmbeddingFailure.objects.values_list("image_id", "reason"))[lost.pk] == "missing"
    job = Job.objects.get(kind="embed")
    assert (job.done, job.failed) == (10, 2)
    assert {line.message.split(":")[0] for line in job.log_lines.filter(level="warning")} == {"00000.png", "00001.png"}


def test_confirmed_labels_change_the_head_and_the_next_predictions(encoders: list[str]) -> None:
    made = photographed(encoders[0])
    loop(made)
    for image in made.images[:8]:
        position = made.images.index(image) % 4
        if position < 3:
            made.label(image, made.categories[position])
    flows.after_taxonomy_changed(made.project.pk)
    run_pending(project_id=made.project.pk)
    made.project.refresh_from_db()
    run = made.project.active_run
    assert run is not None
    assert (run.label_count, run.details["last_sequence"]) == (6, made.events()[-1].sequence)
    told = dict(Prediction.objects.filter(run=run).values_list("image_id", "category_id"))
    assert [told[image] for image in made.images[8:11]] == made.categories


def test_labels_made_before_there_were_vectors_are_in_the_prototypes_afterwards(encoders: list[str]) -> None:
    made = photographed(encoders[0])
    made.label(made.images[0], made.categories[0])
    made.label(made.images[4], made.categories[0])
    assert not Prototype.objects.exists()
    loop(made)
    assert Prototype.objects.get().count == 2


def test_the_blind_share_is_drawn_and_never_teaches(encoders: list[str]) -> None:
    made = photographed(encoders[0], images=40, blind_share=0.3)
    loop(made)
    blind = set(BlindDraw.objects.values_list("image_id", flat=True))
    assert blind
    assert set(QueueItem.objects.filter(purpose=Purpose.BLIND).values_list("image_id", flat=True)) == blind
    image = min(blind)
    made.label(image, made.categories[0])
    flows.after_taxonomy_changed(made.project.pk)
    run_pending(project_id=made.project.pk)
    made.project.refresh_from_db()
    assert made.project.active_run is not None
    assert made.project.active_run.label_count == 0


def test_another_encoder_fills_its_space_beside_the_old_one_and_then_serves(encoders: list[str]) -> None:
    made = photographed(encoders[0])
    old = loop(made).active_space
    flows.switch_encoder(made.project.pk, name=encoders[1], created_by=made.people["owner"])
    run_pending(project_id=made.project.pk)
    made.project.refresh_from_db()
    new = made.project.active_space
    assert old is not None and new is not None
    assert old.fingerprint != new.fingerprint
    assert [embeddings_count(project_id=made.project.pk, space=space) for space in (old, new)] == [12, 12]
    assert made.project.active_run is not None
    assert made.project.active_run.space_id == new.pk
    assert Promotion.objects.filter(previous_space=old, space=new).count() == 1


def test_going_back_to_an_encoder_brings_its_head_and_its_predictions_with_it(encoders: list[str]) -> None:
    made = photographed(encoders[0])
    old = loop(made).active_space
    flows.switch_encoder(made.project.pk, name=encoders[1], created_by=None)
    run_pending(project_id=made.project.pk)
    made.label(made.images[0], made.categories[1])
    job = go_back(project=made.project, by=None, reason="it was better")
    assert isinstance(job, Job) and job.kind == "switch_encoder"
    run_pending(project_id=made.project.pk)
    made.project.refresh_from_db()
    assert made.project.active_space == old
    assert made.project.active_run is not None and made.project.active_run.space == old
    assert Prototype.objects.get(space=old).count == 1
    assert [act.undoes_id is not None for act in Promotion.objects.order_by("pk")] == [False, False, True]


def test_labeled_images_come_first_into_a_new_space_then_queued_ones(encoders: list[str]) -> None:
    made = photographed(encoders[0])
    loop(made)
    made.label(made.images[7], made.categories[0])
    QueueItem.objects.exclude(image_id=made.images[5]).delete()
    order = by_need(made.images, project_id=made.project.pk)
    assert order[:2] == [made.images[7], made.images[5]]
    assert order[2:] == [image for image in made.images if image not in order[:2]]


def test_vectors_of_an_encoder_that_nobody_serves_go_once_nobody_can_want_them_back(
    encoders: list[str], settings: Any
) -> None:
    made = photographed(encoders[0])
    old = loop(made).active_space
    assert old is not None
    flows.switch_encoder(made.project.pk, name=encoders[1], created_by=None)
    run_pending(project_id=made.project.pk)
    drop_spaces()
    assert embeddings_count(project_id=made.project.pk, space=old) == 12
    long_ago = "2020-01-01T00:00Z"
    Promotion.objects.update(created_at=long_ago)
    EncoderVersion.objects.update(created_at=long_ago)
    drop_spaces()
    made.project.refresh_from_db()
    assert embeddings_count(project_id=made.project.pk, space=old) == 0
    assert made.project.active_space is not None
    assert embeddings_count(project_id=made.project.pk, space=made.project.active_space) == 12


def test_an_encoder_that_cannot_be_had_fails_the_job_with_what_to_do(encoders: list[str]) -> None:
    made = photographed("nonsense")
    loop(made)
    job = Job.objects.get(kind="embed")
    assert job.state == State.FAILED
    assert "open_clip:NAME/TAG" in job.error
    assert not EncoderVersion.objects.exists()


def test_without_categories_people_still_get_a_queue(encoders: list[str]) -> None:
    made = photographed(encoders[0])
    made.project.categories.all().delete()
    project = loop(made)
    assert project.active_run is None
    assert AcquisitionRound.objects.get().function == "weighted_coverage"
    assert {item.reason for item in QueueItem.objects.all()} == {FIRST_REASON}
    assert QueueItem.objects.count() == 12


def test_the_catalogue_names_exactly_the_functions_that_exist() -> None:
    known = functions_known()
    assert set(BY_NAME) == set(known)
    assert {name: (one.goal, one.description) for name, one in BY_NAME.items()} == {
        name: (goal, description) for name, (goal, description) in known.items()
    }
