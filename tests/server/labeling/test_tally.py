"""Counts that nobody counts: they are what the rows say, whoever writes, and however many at once."""

import threading
from collections import Counter

import pytest
from django.db import connection

from server.core.tally import CHANGES
from server.images.models import Image, ImageState, ImageTally
from server.images.tally import images_counted, images_tally_fold
from server.labeling.models import Consensus, ConsensusTally
from server.labeling.selectors import images_remaining
from server.labeling.services.annotations import annotations_import
from server.labeling.tally import consensus_counted, consensus_tally_fold
from server.pipeline.deletion import image_delete
from server.predictions.selectors import predictions_counted
from tests.server.builders import predicted, with_vectors, world
from tests.server.labeling.test_together import at_once

pytestmark = pytest.mark.django_db(transaction=True)
Told = Counter[tuple[int | None, str, str, bool]]


def counted(project_id: int) -> Told:
    """What the tally says; a sum below nothing fails here."""
    rows = consensus_counted(project_id=project_id)
    assert all(row.count > 0 for row in rows)
    return Counter({(row.category_id, row.state, row.evidence, row.blind): row.count for row in rows})


def standing_rows(project_id: int) -> Told:
    """What counting the rows says."""
    rows = Consensus.objects.filter(project_id=project_id)
    return Counter(rows.values_list("category_id", "state", "evidence", "blind"))


def test_a_label_another_one_its_undo_and_a_deleted_image_are_counted() -> None:
    made = with_vectors(world(images=4))
    owl, fox, _ = made.categories
    predicted(made, dict.fromkeys(made.images, made.categories))
    annotations_import(project_id=made.project.pk, labels=[(made.images[3], fox)], imported_by_id=None)
    first = made.label(made.images[0], owl)
    made.label(made.images[1], kind="skip")
    made.label(made.images[2], owl)
    assert counted(made.project.pk) == standing_rows(made.project.pk)
    made.label(made.images[0], kind="undo", undoes_id=first.id)
    made.label(made.images[2], fox)
    image_delete(project_id=made.project.pk, image_id=made.images[1])
    assert counted(made.project.pk) == {(fox, "agreed", "imported", False): 1, (fox, "agreed", "free", False): 1}
    assert images_counted(project_id=made.project.pk) == {"received": 0, "ready": 3, "rejected": 0}
    made.project.refresh_from_db()
    assert predictions_counted(made.project.active_run_id) == {owl: 3}


def test_images_are_counted_in_the_state_that_they_come_to() -> None:
    made = world(images=3)
    Image.objects.filter(pk=made.images[0]).update(state=ImageState.RECEIVED)
    Image.objects.filter(pk=made.images[1]).update(state=ImageState.REJECTED)
    Image.objects.filter(pk=made.images[2]).update(original_name="unchanged in what counts")
    assert images_counted(project_id=made.project.pk) == {"received": 1, "ready": 1, "rejected": 1}


def test_eight_people_who_label_while_counts_are_folded_are_counted_exactly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("server.core.tally.CHANGES", 0)
    made = world(images=80)
    over = threading.Event()

    def label(nth: int) -> None:
        for image in made.images[nth::4]:
            made.label(image, made.categories[nth % 3], by=("owner", "reviewer", "annotator", "viewer")[nth % 4])
            made.label(image, made.categories[(nth + 1) % 3], by="owner")

    def fold() -> None:
        while not over.wait(0.01):
            consensus_tally_fold()
        connection.close()

    folding = threading.Thread(target=fold)
    folding.start()
    at_once(*[lambda nth=nth: label(nth) for nth in range(4)] * 2)  # type: ignore[misc]
    over.set()
    folding.join()
    assert counted(made.project.pk) == standing_rows(made.project.pk)
    assert sum(counted(made.project.pk).values()) == 80


def test_folding_keeps_every_count_in_one_row() -> None:
    made = world(images=1)
    owl, fox, _ = made.categories
    for turn in range(CHANGES // 2 + 10):
        made.label(made.images[0], owl if turn % 2 else fox)
    Image.objects.filter(pk=made.images[0]).update(state=ImageState.RECEIVED)
    assert ConsensusTally.objects.filter(project_id=made.project.pk).count() > CHANGES
    before = counted(made.project.pk)
    assert consensus_tally_fold() == 1
    assert counted(made.project.pk) == before == standing_rows(made.project.pk)
    assert images_tally_fold() == 0 and ImageTally.objects.exists()  # too few to be worth it


def test_what_is_left_to_label_is_ready_images_without_a_judgement() -> None:
    made = world(images=5)
    made.label(made.images[0], made.categories[0])
    made.label(made.images[1], kind="skip")
    assert images_remaining(project_id=made.project.pk) == 3
