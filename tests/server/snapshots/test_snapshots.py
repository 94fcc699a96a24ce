"""A snapshot is what the labels were at one moment, and says so by its digest."""

import pytest

from server.core.errors import InvalidInput
from server.images.models import Image
from server.labeling.models import Consensus
from server.snapshots.models import SnapshotItem
from server.snapshots.services import export_create, snapshot_create
from tests.server.builders import labeled, world

pytestmark = pytest.mark.django_db


def splits(snapshot_id: int) -> dict[int, str]:
    return dict(SnapshotItem.objects.filter(snapshot_id=snapshot_id).values_list("image_id", "split"))


def test_the_same_labels_give_the_same_digest_and_another_label_another() -> None:
    made = labeled()
    first = snapshot_create(project=made.project, created_by=None)
    again = snapshot_create(project=made.project, created_by=None)
    made.label(made.images[0], made.categories[2])
    later = snapshot_create(project=made.project, created_by=None)
    assert first.digest == again.digest != later.digest
    assert first.item_count == 30


def test_a_later_label_does_not_change_a_snapshot() -> None:
    made = labeled()
    snapshot = snapshot_create(project=made.project, created_by=None)
    made.label(made.images[0], made.categories[2])
    kept = SnapshotItem.objects.get(snapshot=snapshot, image_id=made.images[0])
    assert kept.category_id == made.categories[0]
    assert Consensus.objects.get(image_id=made.images[0]).category_id == made.categories[2]


def test_undone_and_skipped_images_are_not_in_a_snapshot() -> None:
    made = world(images=3)
    event = made.label(made.images[0], made.categories[0])
    made.label(made.images[1], made.categories[1])
    made.label(made.images[2], kind="skip")
    made.label(made.images[0], kind="undo", undoes_id=event.id)
    snapshot = snapshot_create(project=made.project, created_by=None)
    assert set(splits(snapshot.pk)) == {made.images[1]}


def test_near_duplicates_share_a_split_and_blind_images_are_the_test_set() -> None:
    made = labeled(60)
    leader = made.images[0]
    Image.objects.filter(pk__in=made.images[:20]).update(duplicate_group=leader)
    Consensus.objects.filter(image_id__in=made.images[50:]).update(blind=True)
    found = splits(snapshot_create(project=made.project, created_by=None).pk)
    assert len({found[image] for image in made.images[:20]}) == 1
    assert {found[image] for image in made.images[50:]} == {"test"}


def test_shares_are_followed_and_another_seed_deals_again() -> None:
    made = labeled(300)
    shares = {"train": 0.5, "val": 0.25, "test": 0.25}
    first = splits(snapshot_create(project=made.project, created_by=None, splits=shares).pk)
    other = splits(snapshot_create(project=made.project, created_by=None, splits=shares, seed=1).pk)
    train = sum(split == "train" for split in first.values())
    assert 110 <= train <= 190  # 150 expected; five standard deviations are 43
    assert first != other


def test_splits_must_add_up_to_one() -> None:
    made = labeled(3)
    with pytest.raises(InvalidInput, match="add up to 1"):
        snapshot_create(project=made.project, created_by=None, splits={"train": 0.9, "val": 0.3})


def test_an_unknown_format_names_the_known_ones() -> None:
    made = labeled(3)
    with pytest.raises(InvalidInput, match="imagefolder"):
        export_create(project=made.project, created_by=None, format="tfrecord")
