"""Judgements are events: written once, never refused for being late, never lost by a retry."""

import uuid

import numpy as np
import pytest
from django.db import connection

from server.core.errors import Conflict, InvalidInput, NotAllowed, NotFound
from server.labeling.models import Annotation, BlindDraw, Consensus, QueueItem
from server.labeling.services.annotations import annotations_import
from server.labeling.services.consensus import consensus_rebuild
from server.predictions.models import Prototype
from tests.server.builders import World, with_vectors, world

pytestmark = pytest.mark.django_db


def standing(image: int) -> tuple[str, int | None, str, int] | None:
    row = Consensus.objects.filter(pk=image).first()
    return row and (row.state, row.category_id, row.evidence, row.votes)


def all_rows(made: World) -> list[tuple[object, ...]]:
    return list(Consensus.objects.filter(project=made.project).order_by("pk").values_list())


def test_the_same_event_sent_twice_is_one_event() -> None:
    made = world()
    image, owl, event = made.images[0], made.categories[0], uuid.uuid4()
    first = made.label(image, owl, id=event)
    again = made.label(image, owl, id=event)
    assert (first.created, again.created) == (True, False)
    assert first.sequence == again.sequence
    assert again.consensus is not None and again.consensus.category_id == owl
    assert Annotation.objects.count() == 1


def test_an_id_that_somebody_else_used_is_a_conflict_and_writes_nothing() -> None:
    made = world()
    event = made.label(made.images[0], made.categories[0]).id
    with pytest.raises(Conflict):
        made.label(made.images[1], made.categories[0], by="reviewer", id=event)
    assert standing(made.images[1]) is None


def test_a_label_is_taken_with_or_without_a_place_in_the_queue() -> None:
    made = world()
    assert made.label(made.images[0], made.categories[0]).created
    assert standing(made.images[0]) == ("agreed", made.categories[0], "free", 1)
    assert not QueueItem.objects.exists()


def test_undo_is_a_new_event_and_the_judgement_before_it_stands_again() -> None:
    made = world()
    image, (owl, fox, _) = made.images[0], made.categories
    made.label(image, owl)
    second = made.label(image, fox)
    assert standing(image) == ("agreed", fox, "free", 1)
    made.label(image, kind="undo", undoes_id=second.id)
    assert standing(image) == ("agreed", owl, "free", 1)
    made.label(image, kind="undo", undoes_id=made.events()[0].pk)
    assert standing(image) is None
    assert Annotation.objects.count() == 4


def test_only_a_reviewer_takes_back_what_somebody_else_said() -> None:
    made = world()
    said = made.label(made.images[0], made.categories[0], by="reviewer")
    with pytest.raises(NotAllowed):
        made.label(made.images[0], kind="undo", undoes_id=said.id)
    mine = made.label(made.images[1], made.categories[0])
    assert made.label(made.images[1], kind="undo", undoes_id=mine.id, by="reviewer").created


def test_two_against_one_agree_and_one_against_one_is_disputed_until_a_review() -> None:
    made = world()
    image, (owl, fox, _) = made.images[0], made.categories
    made.label(image, owl, by="annotator")
    made.label(image, fox, by="reviewer")
    assert standing(image) == ("disputed", None, "free", 2)
    made.label(image, owl, by="owner")
    assert standing(image) == ("agreed", owl, "free", 2)
    made.label(image, fox, by="reviewer", evidence="review")
    assert standing(image) == ("agreed", fox, "review", 1)


def test_skip_and_flag_have_no_category_and_a_flag_beside_a_label_is_disputed() -> None:
    made = world()
    skipped, flagged, both = made.images[:3]
    made.label(skipped, kind="skip")
    made.label(flagged, kind="flag")
    made.label(both, made.categories[0])
    made.label(both, kind="flag", by="reviewer")
    assert [standing(image)[0] for image in (skipped, flagged, both)] == ["skipped", "flagged", "disputed"]  # type: ignore[index]
    assert Consensus.objects.get(pk=both).category_id is None


def test_an_imported_label_gives_way_to_a_person() -> None:
    made = world()
    image, (owl, fox, _) = made.images[0], made.categories
    pairs = [(image, owl), (made.images[1], fox)]
    assert annotations_import(project_id=made.project.pk, labels=pairs, imported_by_id=None) == 2
    assert annotations_import(project_id=made.project.pk, labels=pairs, imported_by_id=None) == 0
    assert standing(image) == ("agreed", owl, "imported", 1)
    made.label(image, kind="skip")
    assert standing(image) == ("agreed", owl, "imported", 1)
    made.label(image, fox)
    assert standing(image) == ("agreed", fox, "free", 1)


def test_a_label_of_a_blind_image_is_blind_evidence_and_teaches_nothing() -> None:
    made = with_vectors(world())
    BlindDraw.objects.create(project=made.project, image_id=made.images[0], seed=1)
    made.label(made.images[0], made.categories[0], evidence_details={"suggested": made.categories[0]})
    row = Consensus.objects.get()
    assert (row.evidence, row.blind) == ("blind", True)
    assert not Prototype.objects.exists()


def test_a_prototype_is_the_sum_of_its_confirmed_vectors_at_every_moment() -> None:
    vectors = np.eye(6, 4) + 0.25
    made = with_vectors(world(), vectors)
    unit = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float16).astype(np.float32)
    owl, fox, _ = made.categories
    made.label(made.images[0], owl)
    second = made.label(made.images[1], owl)
    held = Prototype.objects.get(category_id=owl)
    assert held.count == 2
    assert np.allclose(held.total, unit[0] + unit[1], atol=1e-3)
    made.label(made.images[0], fox)
    assert np.allclose(Prototype.objects.get(category_id=owl).total, unit[1], atol=1e-3)
    assert np.allclose(Prototype.objects.get(category_id=fox).total, unit[0], atol=1e-3)
    made.label(made.images[1], kind="undo", undoes_id=second.id)
    assert not Prototype.objects.filter(category_id=owl).exists()


def test_what_cannot_be_meant_is_refused_and_writes_nothing() -> None:
    made, other = world(), world()
    image, owl = made.images[0], made.categories[0]
    for said in ({"kind": "label"}, {"kind": "skip", "category_id": owl}, {"kind": "undo"}, {"kind": "shout"}):
        with pytest.raises(InvalidInput):
            made.label(image, said.pop("category_id", None), **said)  # type: ignore[arg-type]
    with pytest.raises(InvalidInput):
        made.label(image, other.categories[0])
    with pytest.raises(NotFound):
        made.label(other.images[0], owl)
    with pytest.raises(NotFound):
        made.label(image, kind="undo", undoes_id=uuid.uuid4())
    with pytest.raises(NotAllowed):
        made.label(image, owl, evidence="review")
    assert not Annotation.objects.exists()


def test_a_rebuild_gives_identical_rows_and_mends_wrong_ones() -> None:
    made = world()
    owl, fox, elk = made.categories
    for who, image, category in (
        ("annotator", 0, owl),
        ("reviewer", 0, fox),
        ("owner", 0, owl),
        ("annotator", 1, elk),
        ("reviewer", 1, fox),
        ("annotator", 2, fox),
    ):
        made.label(made.images[image], category, by=who)
    made.label(made.images[2], kind="undo", undoes_id=made.events()[-1].pk)
    made.label(made.images[3], kind="flag")
    annotations_import(project_id=made.project.pk, labels=[(made.images[4], elk)], imported_by_id=None)
    rows = all_rows(made)
    assert consensus_rebuild(project_id=made.project.pk) == []
    assert all_rows(made) == rows
    Consensus.objects.filter(pk=made.images[0]).update(category=elk)
    Consensus.objects.filter(pk=made.images[1]).delete()
    assert {change.image_id for change in consensus_rebuild(project_id=made.project.pk)} == set(made.images[:2])
    assert all_rows(made) == rows


def test_a_label_costs_the_same_few_statements(django_assert_max_num_queries: object) -> None:
    made = with_vectors(world())
    QueueItem.objects.create(project=made.project, image_id=made.images[0], rank=0)
    with django_assert_max_num_queries(8):  # type: ignore[operator]  # of which two are the savepoint of the test
        made.label(made.images[0], made.categories[0])
    with connection.cursor() as cursor:
        cursor.execute("SELECT remaining, slots FROM labeling_queueitem")
        assert cursor.fetchone() == (0, 0)
