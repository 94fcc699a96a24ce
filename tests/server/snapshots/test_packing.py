"""What a run freezes is two values, however many labels: the same labels give the same digest, and no row an image."""

import importlib

import pytest
from django.db import connection

from server.labeling.models import Consensus
from server.pipeline.deletion import image_delete
from server.snapshots.models import PackedLabels, Snapshot, SnapshotItem
from server.snapshots.packing import snapshot_pack
from server.snapshots.services import snapshot_create
from server.training.selectors import snapshot_labels
from tests.server.builders import World, labeled, world

pytestmark = pytest.mark.django_db


def packed(made: World, evidence: tuple[str, ...] = ()) -> tuple[Snapshot, int]:
    return snapshot_pack(project=made.project, name="A run", purpose="training", evidence=evidence)


def pairs(snapshot: Snapshot, *, blind: bool) -> dict[int, int]:
    labels = snapshot_labels(snapshot_id=snapshot.pk, blind=blind)
    return dict(zip(labels.image_ids.tolist(), labels.category_ids.tolist(), strict=True))


def test_labels_that_teach_and_labels_that_measure_are_kept_apart_as_they_stood() -> None:
    made = labeled(12)
    Consensus.objects.filter(image_id__in=made.images[9:]).update(blind=True)
    snapshot, count = packed(made)
    made.label(made.images[0], made.categories[2])
    assert (count, snapshot.item_count) == (9, 12)
    assert pairs(snapshot, blind=False) == {image: made.categories[i % 3] for i, image in enumerate(made.images[:9])}
    assert pairs(snapshot, blind=True) == {
        image: made.categories[i % 3] for i, image in enumerate(made.images) if i > 8
    }


def test_a_run_of_any_size_freezes_one_row() -> None:
    made = labeled(12)
    packed(made)
    assert SnapshotItem.objects.count() == 0 and PackedLabels.objects.count() == 1


def test_the_same_labels_give_the_same_digest_and_another_label_or_another_share_another() -> None:
    made = labeled(12)
    first, again = packed(made)[0], packed(made)[0]
    made.label(made.images[0], made.categories[2])
    later = packed(made)[0]
    Consensus.objects.filter(image_id=made.images[11]).update(blind=True)
    moved = packed(made)[0]
    assert first.digest == again.digest
    assert len({first.digest, later.digest, moved.digest}) == 3


def test_only_the_asked_for_evidence_teaches_and_blind_answers_always_measure() -> None:
    made = labeled(12)
    Consensus.objects.filter(image_id__in=made.images[:4]).update(evidence="review")
    Consensus.objects.filter(image_id__in=made.images[9:]).update(evidence="blind", blind=True)
    snapshot, count = packed(made, ("review",))
    assert count == 4 and set(pairs(snapshot, blind=False)) == set(made.images[:4])
    assert set(pairs(snapshot, blind=True)) == set(made.images[9:])


def test_a_project_without_labels_freezes_nothing() -> None:
    snapshot, count = packed(world(images=2))
    assert (count, snapshot.item_count) == (0, 0) and pairs(snapshot, blind=False) == {}


def test_an_image_that_a_run_froze_may_be_deleted() -> None:
    made = labeled(12)
    snapshot, _ = packed(made)
    image_delete(project_id=made.project.pk, image_id=made.images[0])
    assert Snapshot.objects.filter(pk=snapshot.pk).exists()


def test_what_runs_froze_before_is_packed_by_the_migration_and_releases_stay() -> None:
    made = labeled(12)
    Consensus.objects.filter(image_id__in=made.images[9:]).update(blind=True)
    release = snapshot_create(project=made.project, created_by=None)
    of_run = snapshot_create(project=made.project, created_by=None)
    Snapshot.objects.filter(pk=of_run.pk).update(filters={"purpose": "training"})
    migration = importlib.import_module("server.snapshots.migrations.0006_packed_labels")
    with connection.cursor() as cursor:
        cursor.execute(migration.PACK)
        cursor.execute(migration.CLEAR)
    assert len(pairs(of_run, blind=False)) == 9 and len(pairs(of_run, blind=True)) == 3
    assert not SnapshotItem.objects.filter(snapshot=of_run).exists()
    assert SnapshotItem.objects.filter(snapshot=release).count() == 12
    assert not PackedLabels.objects.filter(snapshot=release).exists()
