"""A promise about all labels of a release: people's labels count as right, so more may be accepted, and every release
says what it comes to there."""

import numpy as np
import pytest

from server.core.errors import Conflict
from server.labeling.models import Consensus, Evidence
from server.pipeline import flows
from server.pipeline.station import run_pending
from server.snapshots.certificate_services import certificate_create, lot_accept, lot_audit_more, lot_undo
from server.snapshots.models import Certificate, SnapshotItem
from server.snapshots.services import snapshot_create
from tests.server.builders import World
from tests.server.snapshots.test_certificates import KINDS, answer, told

pytestmark = pytest.mark.django_db


def planned(made: World, *, scope: str, audits: int = 100) -> Certificate:
    owner = made.people["owner"]
    found = certificate_create(project=made.project, created_by=owner, error=0.05, audits=audits, scope=scope)
    flows.enqueue("plan_lot", project_id=made.project.pk, params={"certificate": found.pk})
    run_pending(kinds=KINDS)
    found.refresh_from_db()
    return found


def accepted(made: World) -> Certificate:
    found = answer(made, planned(made, scope="release"))
    lot_accept(certificate=found, accepted_by=made.people["owner"])
    found.refresh_from_db()
    return found


def test_more_is_accepted_where_labels_of_people_count_among_them() -> None:
    """Of 600 images 200 are labelled before, and the model is wrong about 40 of the others."""
    sizes = {}
    for scope in ("lot", "release"):
        made = told(600, wrong=40)
        for place, image in enumerate(made.images[:200]):
            made.label(image, made.categories[place % 3])
        found = answer(made, planned(made, scope=scope, audits=200))
        sizes[scope] = found.verdict["size"]
        assert found.plan.get("among") == (600 if scope == "release" else None)
    assert sizes["release"] > sizes["lot"]


def test_what_is_proved_is_a_share_of_all_labels_and_the_text_says_so() -> None:
    made = told(wrong=10)
    found = accepted(made)
    assert (found.verdict["bound"] * 400).is_integer() and found.verdict["bound"] <= 0.05
    assert "of all 400 are" in next(line["text"] for line in found.history if line["state"] == "proved")


def test_a_release_before_all_is_labelled_says_the_larger_share_and_one_after_it_the_promised() -> None:
    made = told(wrong=30)
    found = accepted(made)
    card = snapshot_create(project=made.project, created_by=None).filters["certificates"][0]
    assert card["promise"].startswith("At most 5.00% of all 400 labels are wrong once people have looked at those")
    labels = Consensus.objects.filter(project=made.project).count()
    most = round(found.verdict["bound"] * 400)
    assert (card["labels_here"], card["wrong_at_most"], card["share_here"]) == (labels, most, most / labels)
    assert (
        card["here"] == f"At most {most} of the {labels} labels here that it speaks of are wrong: {most / labels:.2%}."
    )
    for place, image in enumerate(made.images):
        if not Consensus.objects.filter(image_id=image).exists():
            made.label(image, made.categories[place % 3])
    card = snapshot_create(project=made.project, created_by=None).filters["certificates"][0]
    assert (card["labels_here"], card["share_here"]) == (400, found.verdict["bound"])


def test_certified_labels_are_then_all_that_it_speaks_of_and_copies_are_not() -> None:
    made = told()
    made.label(made.images[0], made.categories[0])
    accepted(made)
    kept = snapshot_create(project=made.project, created_by=None, certified=True)
    kinds = set(SnapshotItem.objects.filter(snapshot=kept).values_list("evidence", flat=True))
    assert kinds == {Evidence.ACCEPTED, Evidence.BLIND, Evidence.FREE}
    Consensus.objects.filter(image_id=made.images[0]).update(evidence=Evidence.IMPORTED)
    again = snapshot_create(project=made.project, created_by=None, certified=True)
    assert again.item_count == kept.item_count - 1
    assert again.filters["certificates"][0]["labels_here"] == again.item_count


def test_there_is_one_such_promise_at_a_time() -> None:
    made = told()
    found = accepted(made)
    with pytest.raises(Conflict, match="there already"):
        planned(made, scope="release")
    lot_undo(certificate=found, undone_by=made.people["owner"])
    assert planned(made, scope="release").state == "auditing"


def test_later_audits_break_it_when_more_are_wrong_than_all_labels_may_have() -> None:
    made = told()
    found = accepted(made)
    lot_audit_more(certificate=found, count=60, people=1)
    found = answer(made, found, wrong=True)
    assert found.state == "revoked" and found.history[-1]["text"].startswith("Later audits broke it")
    assert found.verdict["later"]["low"] > 0.05


def test_the_same_later_errors_may_break_a_promise_about_the_lot_and_leave_one_about_all_labels() -> None:
    """The larger the release, the more wrong labels it may hold."""
    from server.compute.certify import lot_standing

    alone = lot_standing(size=300, drawn=60, errors=9, unanswered=0, level=0.95, among=None)
    among = lot_standing(size=300, drawn=60, errors=9, unanswered=0, level=0.95, among=3000)
    assert alone[0] > 0.05 > among[1]
    assert np.isclose(among[0], alone[0] / 10)
