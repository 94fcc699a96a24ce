"""A release as a page and as a document: what it holds, how right it is, what backs it, what is not known."""

import io
import re
from typing import Any

import pytest
from rest_framework.test import APIClient

from server.snapshots.models import Certificate, CertificateState, Snapshot
from server.snapshots.packing import snapshot_pack
from server.snapshots.services import snapshot_create
from tests.server.builders import World, predicted, world

pytestmark = pytest.mark.django_db


def client(made: World, name: str = "owner") -> APIClient:
    found = APIClient()
    found.force_login(made.people[name])
    return found


def released(*, images: int = 40, wrong: int = 4, checked: int = 30) -> tuple[World, Snapshot]:
    """The annotator labels all as owl, by suggestion; two others look at `checked` of them and say fox of `wrong`."""
    made = world(images=images, overlap=3)
    owl, fox, _ = made.categories
    for at, image in enumerate(made.images):
        if at < checked:
            for name in ("viewer", "outsider"):
                made.label(image, fox if at < wrong else owl, by=name)
        made.label(image, owl, by="annotator", evidence_details={"suggested": owl})
    return made, snapshot_create(project=made.project, created_by=None, name="First of May")


def read(made: World, snapshot: Snapshot, **params: Any) -> dict[str, Any]:
    address = f"/api/v1/projects/{made.project.pk}/snapshots/{snapshot.pk}/report"
    answer: dict[str, Any] = client(made).get(address, params).json()
    return answer


def document(made: World, snapshot: Snapshot) -> bytes:
    address = f"/api/v1/projects/{made.project.pk}/snapshots/{snapshot.pk}/report.pdf"
    answer = client(made).get(address)
    assert (answer.status_code, answer["Content-Type"]) == (200, "application/pdf")
    assert answer["Content-Disposition"].startswith("attachment; filename=")
    return bytes(answer.content)


def test_labels_are_checked_by_those_who_did_not_decide_them() -> None:
    made, snapshot = released()
    told = read(made, snapshot)
    total = told["total"]
    assert (told["snapshot"]["digest"], total["items"]) == (snapshot.digest, 40)
    assert total["accuracy"]["n"] == 30
    assert told["categories"][0]["name"] == "owl"


def test_right_and_wrong_are_counted_by_category_evidence_and_person() -> None:
    made = world(images=30)
    owl, fox, _ = made.categories
    for at, image in enumerate(made.images):
        made.label(image, fox if at < 6 else owl, by="viewer")
        made.label(image, owl, by="annotator", evidence_details={"suggested": owl})
        if at < 6:
            made.label(image, owl, by="outsider")
    told = read(made, snapshot_create(project=made.project, created_by=None))
    shares = {line["name"]: (line["accuracy"]["n"], line["items"]) for line in told["evidence"]}
    assert sum(n for n, _ in shares.values()) == told["total"]["accuracy"]["n"]
    assert [line["name"] for line in told["annotators"]] == ["Person 1", "Person 2"][: len(told["annotators"])]
    named = read(made, snapshot_create(project=made.project, created_by=None), names=True)
    assert {line["name"] for line in named["annotators"]} <= {"annotator", "viewer", "outsider"}


def test_little_that_was_checked_claims_nothing() -> None:
    made, snapshot = released(checked=5, wrong=0)
    accuracy = read(made, snapshot)["total"]["accuracy"]
    assert (accuracy["value"], accuracy["n"], accuracy["needed"]) == (None, 5, 15)


def test_a_review_is_the_reference_and_is_not_checked_itself() -> None:
    made = world(images=20)
    for image in made.images:
        made.label(image, made.categories[0], by="annotator")
        made.label(image, made.categories[1], by="reviewer", evidence="review")
    told = read(made, snapshot_create(project=made.project, created_by=None))
    assert told["evidence"][0]["name"] == "review"
    assert told["total"]["accuracy"]["n"] == 0


def test_certificates_are_those_frozen_with_the_labels_and_what_became_of_them() -> None:
    made = world()
    made.label(made.images[0], made.categories[0])
    certificate = Certificate.objects.create(
        project=made.project,
        error=0.05,
        audits=300,
        state=CertificateState.ACCEPTED,
        head="gda, run 3",
        verdict={"bound": 0.034, "size": 900, "accepted_size": 900, "audited": 280, "errors": 4},
    )
    snapshot = snapshot_create(project=made.project, created_by=None)
    Certificate.objects.filter(pk=certificate.pk).update(state=CertificateState.REVOKED)
    (card,) = read(made, snapshot)["certificates"]
    assert (card["id"], card["now"], card["bound"]) == (certificate.pk, "revoked", 0.034)
    assert "revoked" in text_of(document(made, snapshot))


def test_the_model_in_use_is_named_with_what_the_blind_share_says_of_it() -> None:
    made, snapshot = released()
    predicted(made, dict.fromkeys(made.images, made.categories))
    head = read(made, snapshot)["head"]
    assert head["name"].startswith("test, run")
    assert (head["accuracy"]["value"], head["accuracy"]["n"]) == (None, 0)


def test_the_document_says_what_the_page_says() -> None:
    made, snapshot = released()
    found = document(made, snapshot)
    assert found.startswith(b"%PDF-")
    text = text_of(found)
    for expected in ("First of May", snapshot.digest, "owl", "suggestion taken", "What this assumes", "Person 1"):
        assert expected in text, expected


def test_an_empty_release_is_a_report_too() -> None:
    made = world()
    snapshot = snapshot_create(project=made.project, created_by=None)
    assert read(made, snapshot)["total"]["items"] == 0
    assert "0 of 0 labels were checked" in text_of(document(made, snapshot))


def test_a_snapshot_that_a_machine_made_for_itself_is_no_release() -> None:
    made = world()
    snapshot, _ = snapshot_pack(project=made.project, name="A run", purpose="training", evidence=())
    here = f"/api/v1/projects/{made.project.pk}"
    address = f"{here}/snapshots/{snapshot.pk}"
    assert client(made).get(address).status_code == client(made).get(f"{address}/report").status_code == 404
    assert client(made, "annotator").get(f"{address}/report").status_code == 403
    asked = client(made).post(f"{here}/exports", {"format": "csv", "snapshot": snapshot.pk}, format="json")
    assert asked.status_code == 404


def text_of(document: bytes) -> str:
    """The words of a PDF whose fonts are subsets: what each string of codes stands for is in its font's ToUnicode."""
    from pypdf import PdfReader

    pages = PdfReader(io.BytesIO(document)).pages
    return re.sub(r"\s+", " ", " ".join(page.extract_text() for page in pages))
