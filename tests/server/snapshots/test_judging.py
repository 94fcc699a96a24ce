"""When a lot is judged: by the clock too, and with audits that stay in the queue until somebody answers."""

import pytest
from django.db.models.functions import Now

from server.acquisition.services import round_create
from server.jobs.models import Job
from server.labeling.models import Consensus, Evidence, QueueItem
from server.labeling.services.queue import Ranked, queue_replace
from server.pipeline.station import run_pending
from server.pipeline.tasks.upkeep import judge_wherever_answered
from server.snapshots.certificate_services import lot_accept, lot_audit_more, verdict_record
from server.snapshots.models import LotItem
from tests.server.snapshots.test_certificates import KINDS, answer, audits_of, planned, told

pytestmark = pytest.mark.django_db


def test_the_last_answers_are_judged_though_nobody_labels_any_more() -> None:
    made = told()
    found = planned(made)
    for image in audits_of(found):
        made.label(image, made.categories[made.images.index(image) % 3])
    judge_wherever_answered()
    run_pending(kinds=KINDS)
    found.refresh_from_db()
    assert (found.state, found.verdict["open"]) == ("proved", 0)
    judge_wherever_answered()
    assert run_pending(kinds=KINDS) == 0


def test_an_answer_with_a_lower_number_that_arrives_late_is_judged_too() -> None:
    made = told()
    found = planned(made)
    early, late = audits_of(found)[:2]
    for image in (early, late):
        made.label(image, made.categories[made.images.index(image) % 3])
    held = Consensus.objects.get(image_id=early)
    Consensus.objects.filter(image_id=early).delete()
    judge_wherever_answered()
    run_pending(kinds=KINDS)
    held.save(force_insert=True)  # its transaction ends now
    judge_wherever_answered()
    run_pending(kinds=KINDS)
    found.refresh_from_db()
    assert found.verdict["answered"] == 2


def test_a_verdict_that_cannot_be_reached_is_not_asked_for_again_at_once() -> None:
    made = told()
    found = planned(made)
    made.label(audits_of(found)[0], made.categories[0])
    Job.objects.create(
        project=made.project, kind="judge_lot", coalesce_key=f"judge_lot:{found.pk}", state="errored", finished_at=Now()
    )
    judge_wherever_answered()
    assert run_pending(kinds=KINDS) == 0


def test_a_lot_that_is_accepted_while_it_is_judged_stays_accepted() -> None:
    made = told()
    found = answer(made, planned(made))
    verdict = dict(found.verdict)
    lot_accept(certificate=found, accepted_by=made.people["owner"])
    verdict_record(certificate=found, verdict=verdict)
    found.refresh_from_db()
    assert (found.state, found.verdict["accepted_size"]) == ("accepted", verdict["size"])


def test_later_audits_stay_in_the_queue_when_it_is_ranked_again() -> None:
    made = told()
    found = answer(made, planned(made))
    lot_accept(certificate=found, accepted_by=made.people["owner"])
    lot_audit_more(certificate=found, count=40, people=1)
    later = set(LotItem.objects.filter(certificate=found, later=True).values_list("image_id", flat=True))
    waiting = set(QueueItem.objects.filter(project=made.project, remaining__gt=0).values_list("image_id", flat=True))
    rest = [Ranked(image, "near") for image in made.images if image not in later]
    chosen = round_create(project=made.project, function="random", budget=len(rest), pool_size=400, seed=1)
    queue_replace(project=made.project, round_id=chosen.pk, ranked=rest, seed=1)
    again = QueueItem.objects.filter(project=made.project, purpose="blind", remaining__gt=0)
    assert later <= waiting
    assert set(again.values_list("image_id", flat=True)) == later
    assert not QueueItem.objects.filter(image__consensus__evidence=Evidence.ACCEPTED).exclude(image__in=later).exists()
