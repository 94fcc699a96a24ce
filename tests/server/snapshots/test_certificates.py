"""Labels that nobody looked at: planned, audited blind, accepted in one act, undone in one act, revoked by itself."""

import json

import numpy as np
import pytest
from django.db import transaction

from server.core.errors import Conflict, InvalidInput
from server.images.models import Image
from server.insights.accuracy import blind_scores
from server.labeling.models import BlindDraw, Consensus, Evidence, QueueItem
from server.pipeline import flows, tasks
from server.pipeline.deletion import image_delete
from server.pipeline.station import run_pending
from server.predictions.services import Scores, run_create, run_publish
from server.snapshots.certificate_endings import certificate_withdraw
from server.snapshots.certificate_services import certificate_create, lot_accept, lot_audit_more, lot_undo
from server.snapshots.models import Certificate, LotItem, SnapshotItem
from server.snapshots.services import snapshot_create
from server.taxonomy.models import Category
from tests.server.builders import World, with_vectors, world

pytestmark = pytest.mark.django_db
assert tasks
KINDS = {"plan_lot", "judge_lot"}


def told(images: int = 400, *, wrong: int = 0) -> World:
    """A project with a live run that is 99 % sure of most images and wrong about the least sure `wrong` of them.

    The truth: image at position i is of category i mod 3.
    """
    made = with_vectors(world(images=images, categories=("owl", "fox", "elk")))
    truth = np.arange(images) % 3
    said = np.where(np.arange(images) >= images - wrong, (truth + 1) % 3, truth)
    sure = np.linspace(0.999, 0.98, images, dtype=np.float32)
    ids = np.array(made.categories, np.int64)
    run = run_create(project=made.project, space=made.space, method="test", category_ids=made.categories, label_count=0)
    with transaction.atomic():
        run_publish(
            run,
            scores=Scores(
                image_ids=np.array(made.images, np.int64),
                categories=ids[said][:, None],
                probabilities=sure[:, None],
                margin=sure,
                entropy=1 - sure,
            ),
        )
    made.project.refresh_from_db()
    return made


def planned(made: World, *, error: float = 0.05, audits: int = 100) -> Certificate:
    found = certificate_create(project=made.project, created_by=made.people["owner"], error=error, audits=audits)
    flows.enqueue("plan_lot", project_id=made.project.pk, params={"certificate": found.pk})
    run_pending(kinds=KINDS)
    found.refresh_from_db()
    return found


def answer(made: World, found: Certificate, *, wrong: bool = False, by: str = "annotator") -> Certificate:
    """Everybody drawn and unanswered is judged: rightly, or as something that it is not."""
    drawn = BlindDraw.objects.filter(lot=found.pk, image__consensus__isnull=True) | BlindDraw.objects.filter(
        lot=found.pk, image__consensus__evidence=Evidence.ACCEPTED
    )
    for image in drawn.values_list("image_id", flat=True):
        place = made.images.index(image)
        made.label(image, made.categories[(place + (2 if wrong else 0)) % 3], by=by)
    flows.judge_when_answered(made.project.pk)
    run_pending(kinds=KINDS)
    found.refresh_from_db()
    return found


def test_the_draw_is_written_down_before_anyone_answers_and_waits_in_the_queue() -> None:
    made = told()
    found = planned(made)
    assert found.state == "auditing"
    drawn = set(BlindDraw.objects.filter(lot=found.pk).values_list("image_id", flat=True))
    assert len(drawn) == 100
    assert drawn == set(LotItem.objects.filter(certificate=found, audited=True).values_list("image_id", flat=True))
    assert QueueItem.objects.filter(image_id__in=drawn, purpose="blind").count() == 100
    assert found.plan["sizes"] and found.plan["audits_needed"]


def test_a_proved_lot_is_accepted_in_one_act_and_taken_back_in_one_act() -> None:
    made = told()
    found = answer(made, planned(made))
    assert found.state == "proved"
    assert (found.verdict["errors"], found.verdict["bound"] <= 0.05) == (0, True)
    labels = lot_accept(certificate=found, accepted_by=made.people["owner"])
    assert labels == found.verdict["size"] - found.verdict["audited"] > 150
    accepted = Consensus.objects.filter(project=made.project, evidence=Evidence.ACCEPTED)
    assert accepted.count() == labels
    event = next(event for event in made.events() if event.evidence == Evidence.ACCEPTED)
    assert event.evidence_details["certificate"] == found.pk
    assert event.evidence_details["probability"] >= found.verdict["threshold"] - 1e-9
    assert lot_accept(certificate=found, accepted_by=made.people["owner"]) == 0
    assert lot_undo(certificate=found, undone_by=made.people["owner"]) == labels
    assert not accepted.exists()
    assert Consensus.objects.filter(project=made.project).count() == 100


def test_a_persons_own_label_outlives_the_lot() -> None:
    made = told()
    found = answer(made, planned(made))
    lot_accept(certificate=found, accepted_by=made.people["owner"])
    image = Consensus.objects.filter(project=made.project, evidence=Evidence.ACCEPTED).first().image_id
    made.label(image, made.categories[2])
    lot_undo(certificate=found, undone_by=made.people["owner"])
    assert Consensus.objects.get(image_id=image).evidence == Evidence.FREE


def test_audits_that_are_all_wrong_prove_nothing() -> None:
    made = told()
    found = answer(made, planned(made), wrong=True)
    assert found.state == "unproved"
    assert "no lot can be promised" in found.history[-1]["text"]
    with pytest.raises(Conflict):
        lot_accept(certificate=found, accepted_by=made.people["owner"])


def test_without_answers_nothing_is_judged() -> None:
    made = told()
    found = planned(made)
    flows.judge(made.project.pk, found.pk)
    run_pending(kinds=KINDS)
    found.refresh_from_db()
    assert (found.state, found.verdict["size"]) == ("auditing", 0)


def test_drift_in_an_accepted_lot_revokes_it_and_says_why() -> None:
    made = told()
    found = answer(made, planned(made))
    lot_accept(certificate=found, accepted_by=made.people["owner"])
    assert lot_audit_more(certificate=found, count=40, people=1) == 40
    found = answer(made, found, wrong=True)
    assert found.state == "revoked"
    assert found.history[-1]["text"].startswith("Later audits broke it")
    snapshot = snapshot_create(project=made.project, created_by=None, certified=True)
    assert snapshot.item_count == 0


def test_more_audits_that_agree_keep_it() -> None:
    made = told()
    found = answer(made, planned(made))
    lot_accept(certificate=found, accepted_by=made.people["owner"])
    before = found.verdict["bound"]
    lot_audit_more(certificate=found, count=40, people=1)
    found = answer(made, found)
    later = found.verdict["later"]
    assert (found.state, found.verdict["bound"]) == ("accepted", before)
    assert (later["drawn"], later["wrong"], later["low"]) == (40, 0, 0.0)
    lot_audit_more(certificate=found, count=40, people=1)
    found = answer(made, found)
    assert found.verdict["later"]["high"] < later["high"]


def test_one_wrong_label_among_many_looks_does_not_revoke_what_was_promised() -> None:
    made = told()
    found = answer(made, planned(made))
    lot_accept(certificate=found, accepted_by=made.people["owner"])
    for look in range(6):
        lot_audit_more(certificate=found, count=20, people=1)
        if look == 2:
            one = LotItem.objects.filter(certificate=found, later=True, image__consensus__evidence=Evidence.ACCEPTED)
            image = one.first().image_id
            made.label(image, made.categories[(made.images.index(image) + 1) % 3])
        found = answer(made, found)
    assert (found.state, found.verdict["later"]["wrong"], found.verdict["later"]["drawn"]) == ("accepted", 1, 120)


def test_a_reviewer_who_corrects_the_audits_that_proved_a_lot_revokes_it() -> None:
    made = told()
    found = answer(made, planned(made))
    lot_accept(certificate=found, accepted_by=made.people["owner"])
    first = LotItem.objects.filter(certificate=found, audited=True).values_list("image_id", flat=True)[:30]
    for image in first:
        made.label(image, made.categories[(made.images.index(image) + 1) % 3], by="reviewer", evidence="review")
    flows.judge_when_answered(made.project.pk)
    run_pending(kinds=KINDS)
    found.refresh_from_db()
    assert found.state == "revoked"
    assert "answered otherwise since" in found.history[-1]["text"]


def test_a_lot_that_lost_images_is_revoked() -> None:
    made = told()
    found = answer(made, planned(made))
    lot_accept(certificate=found, accepted_by=made.people["owner"])
    gone = LotItem.objects.filter(certificate=found, audited=False).order_by("place").first().image_id
    Image.objects.filter(pk=gone).delete()
    flows.judge(made.project.pk, found.pk)
    run_pending(kinds=KINDS)
    found.refresh_from_db()
    assert found.state == "revoked" and "1 of its images are gone" in found.history[-1]["text"]


def deleted(made: World, images: list[int]) -> None:
    for image in images:
        image_delete(project_id=made.project.pk, image_id=image)
        made.images[made.images.index(image)] = -1
    flows.after_image_deleted(made.project.pk)
    run_pending(kinds=KINDS)


def audits_of(found: Certificate) -> list[int]:
    items = LotItem.objects.filter(certificate=found, audited=True).order_by("place")
    return list(items.values_list("image_id", flat=True))


def test_deleted_audits_count_as_wrong_so_nobody_can_better_a_promise_by_deleting() -> None:
    made = told()
    found = planned(made)
    deleted(made, audits_of(found)[:60])
    found = answer(made, found)
    assert (found.state, found.verdict["answered"], found.verdict["missing"]) == ("unproved", 40, 60)
    assert "60 audited images are gone, and count as wrong" in found.history[-1]["text"]


def test_one_deleted_audit_costs_size_and_not_the_certificate() -> None:
    made = told(600)
    whole = answer(made, planned(made, audits=150))
    made = told(600)
    found = planned(made, audits=150)
    deleted(made, audits_of(found)[:1])
    found = answer(made, found)
    assert found.state == "proved"
    assert found.verdict["bound"] > whole.verdict["bound"]


def test_an_audit_deleted_from_an_accepted_lot_revokes_it() -> None:
    made = told()
    found = answer(made, planned(made))
    lot_accept(certificate=found, accepted_by=made.people["owner"])
    deleted(made, audits_of(found)[:1])
    found.refresh_from_db()
    assert found.state == "revoked" and "1 of its images are gone" in found.history[-1]["text"]


def test_a_new_run_in_the_middle_changes_nothing_about_the_frozen_labels() -> None:
    made = told()
    found = planned(made)
    before = dict(LotItem.objects.filter(certificate=found).values_list("image_id", "category_id"))
    run = run_create(
        project=made.project, space=made.space, method="other", category_ids=made.categories, label_count=9
    )
    made.project.active_run_id = run.pk
    made.project.save()
    found = answer(made, found)
    lot_accept(certificate=found, accepted_by=made.people["owner"])
    labels = Consensus.objects.filter(project=made.project, evidence=Evidence.ACCEPTED)
    assert all(before[row.image_id] == row.category_id for row in labels)
    assert "test" in found.head


def test_one_category_is_enough() -> None:
    made = told(300)
    LotItem.objects.all().delete()
    found = answer(made, planned(made, audits=120))
    assert found.state == "proved"
    assert {verdict["reason"] for verdict in found.verdict["categories"]} <= {"certified", "too few audits"}


def test_small_categories_are_certified_with_their_siblings_and_the_rest_plainly_is_not() -> None:
    made = told()
    parent = Category.objects.create(project=made.project, name="forest", position=9)
    Category.objects.filter(pk__in=made.categories[:2]).update(parent=parent)
    found = answer(made, planned(made, audits=170))
    together, alone = sorted(found.verdict["categories"], key=lambda verdict: -len(verdict["categories"]))
    assert (together["node"], together["categories"]) == (parent.pk, made.categories[:2])
    assert together["certified"] and together["bound"] <= 0.05
    assert (alone["categories"], alone["certified"], alone["reason"]) == ([made.categories[2]], False, "too few audits")


def test_a_withdrawn_certificate_asks_nobody_any_further() -> None:
    made = told()
    found = planned(made)
    for image in audits_of(found)[:10]:
        made.label(image, made.categories[made.images.index(image) % 3])
    certificate_withdraw(certificate=found, withdrawn_by=made.people["owner"])
    assert BlindDraw.objects.filter(lot=found.pk).count() == 10
    assert not QueueItem.objects.filter(project=made.project, purpose="blind", remaining__gt=0).exists()
    found = answer(made, found)
    assert found.state == "withdrawn"
    with pytest.raises(Conflict):
        lot_accept(certificate=found, accepted_by=made.people["owner"])
    assert planned(made).plan["pool"] == 390


def test_an_accepted_lot_is_taken_back_and_not_withdrawn() -> None:
    made = told()
    found = answer(made, planned(made))
    lot_accept(certificate=found, accepted_by=made.people["owner"])
    with pytest.raises(Conflict, match="take the lot back"):
        certificate_withdraw(certificate=found, withdrawn_by=made.people["owner"])


def test_with_nothing_left_to_accept_the_certificate_says_so() -> None:
    made = told(30)
    for place, image in enumerate(made.images):
        made.label(image, made.categories[place % 3])
    found = planned(made)
    assert (found.state, found.history[-1]["text"][:28]) == ("unproved", "Every image is judged alread")


def test_auditors_who_disagree_leave_the_audit_open() -> None:
    made = told()
    made.project.overlap = 2
    made.project.save()
    found = planned(made)
    first = BlindDraw.objects.filter(lot=found.pk).values_list("image_id", flat=True)[0]
    made.label(first, made.categories[0], by="annotator")
    made.label(first, made.categories[1], by="reviewer")
    found = answer(made, found)
    assert (found.verdict["answered"], found.verdict["open"]) == (99, 1)
    assert found.verdict["errors"] <= 1  # the open one, where it lies in the lot: nobody knows, so it counts as wrong
    made.label(first, made.categories[made.images.index(first) % 3], by="owner", evidence="review")
    found = answer(made, found)
    assert (found.state, found.verdict["open"], found.verdict["errors"]) == ("proved", 0, 0)


def test_two_auditors_who_disagree_everywhere_prove_nothing_until_somebody_settles_it() -> None:
    made = told()
    made.project.overlap = 2
    made.project.save()
    found = planned(made)
    for image in audits_of(found):
        place = made.images.index(image)
        made.label(image, made.categories[place % 3], by="annotator")
        made.label(image, made.categories[(place + 1) % 3], by="reviewer")
    found = answer(made, found)
    assert (found.state, found.verdict["answered"], found.verdict["size"]) == ("auditing", 0, 0)


def test_audits_of_a_lot_do_not_bend_the_projects_own_accuracy() -> None:
    made = told()
    answer(made, planned(made))
    assert blind_scores(project_id=made.project.pk, run_id=made.project.active_run_id) == {}


def test_the_certificate_is_frozen_with_the_labels_it_covers() -> None:
    made = told()
    found = answer(made, planned(made))
    labels = lot_accept(certificate=found, accepted_by=made.people["owner"])
    snapshot = snapshot_create(project=made.project, created_by=None, certified=True)
    card = snapshot.filters["certificates"][0]
    assert (card["id"], card["wrong"]) == (found.pk, 0)
    assert json.dumps(card)
    kinds = SnapshotItem.objects.filter(snapshot=snapshot).values_list("evidence", flat=True)
    assert sum(kind == Evidence.ACCEPTED for kind in kinds) == labels


def test_promises_that_make_no_sense_are_refused() -> None:
    made = told(30)
    with pytest.raises(InvalidInput):
        certificate_create(project=made.project, created_by=None, error=0.0, audits=10)
    with pytest.raises(InvalidInput):
        certificate_create(project=made.project, created_by=None, error=0.05, audits=0)
    with pytest.raises(Conflict):
        certificate_create(project=world().project, created_by=None, error=0.05, audits=10)
