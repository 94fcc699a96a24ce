"""Reading certificates: what the audits said, and which certificates have answers that nobody judged yet."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from server.core import sql
from server.snapshots.models import Certificate, CertificateState, Scope

NOTICES = 3
PEOPLE_RIGHT = (
    "labels that people gave are right; imports, copies and other lots are not counted among the labels",
    "before all others are labelled the share is larger: each release states its own",
)
OPEN = (CertificateState.AUDITING, CertificateState.PROVED, CertificateState.UNPROVED, CertificateState.ACCEPTED)

# The audited images of a lot and what people settled on. Skipped and disputed images are not answers: they stay open.
ANSWERS = """
SELECT i.place, i.later, i.category_id AS accepted, c.category_id AS said
FROM snapshots_lotitem i
JOIN labeling_consensus c ON c.image_id = i.image_id AND c.blind AND c.state = 'agreed' AND c.category_id IS NOT NULL
  AND c.evidence NOT IN ('accepted', 'imported', 'propagated')
WHERE i.certificate_id = %(certificate)s AND i.audited
ORDER BY i.place
"""
# By the sum and not by the newest: people answer at the same time, and whose number is lower may arrive later.
TO_JUDGE = """
SELECT k.project_id, k.id FROM snapshots_certificate k
WHERE (%(project)s::bigint IS NULL OR k.project_id = %(project)s) AND k.state = ANY(%(open)s)
  AND COALESCE((k.verdict ->> 'seen')::bigint, 0) <> (
      SELECT COALESCE(sum(c.last_sequence), 0) FROM snapshots_lotitem i
      JOIN labeling_consensus c ON c.image_id = i.image_id AND c.blind
      WHERE i.certificate_id = k.id AND i.audited)
"""
# Of an accepted lot: images left, and labels that nobody has looked at to this day.
LEFT = """
SELECT count(*) AS items,
       count(*) FILTER (WHERE NOT i.audited AND c.evidence = 'accepted') AS unseen,
       count(*) FILTER (WHERE i.audited AND NOT i.later) AS first, count(*) FILTER (WHERE i.later) AS later
FROM snapshots_lotitem i LEFT JOIN labeling_consensus c ON c.image_id = i.image_id
WHERE i.certificate_id = %(certificate)s AND i.place < %(size)s
"""
UNSEEN = ("accepted", "imported", "propagated", "migrated")
"""Evidence of labels that nobody has looked at, each for itself."""
# What people have labelled, and what is left for them or a lot; copies and other lots are counted by nobody as right.
RELEASE = """
SELECT count(*) FROM images_image i LEFT JOIN labeling_consensus c ON c.image_id = i.id
WHERE i.project_id = %(project)s AND i.state = 'ready'
  AND (c.image_id IS NULL OR (c.state = 'agreed' AND c.evidence <> ALL(%(unseen)s::text[])))
"""
SEEN = """
SELECT COALESCE(sum(c.last_sequence), 0)::bigint FROM snapshots_lotitem i
JOIN labeling_consensus c ON c.image_id = i.image_id AND c.blind
WHERE i.certificate_id = %(certificate)s AND i.audited
"""


@dataclass(frozen=True)
class LotAnswers:
    """`place` (n,) of audited images that people answered, whether the label was `wrong`, its `category`, and whether
    it was drawn `later`, after the lot was accepted; all by place. `seen` is another number after any other answer."""

    place: NDArray[np.int64]
    wrong: NDArray[np.bool_]
    category: NDArray[np.int64]
    later: NDArray[np.bool_]
    seen: int


def certificate_of(*, project_id: int, certificate_id: int) -> Certificate | None:
    return Certificate.objects.filter(project_id=project_id, pk=certificate_id).first()


def certificates_to_judge(*, project_id: int | None = None) -> list[tuple[int, int]]:
    """(project, certificate) of the live ones with an audit answered, or answered otherwise, since they were judged: of
    one project, or of all. One query."""
    rows = sql.fetch_all(TO_JUDGE, {"project": project_id, "open": [state.value for state in OPEN]}, hot=True)
    return [(row["project_id"], row["id"]) for row in rows]


def certificates_open(*, project_id: int) -> list[int]:
    """Certificates whose lot is fixed and whose state may still change."""
    qs = Certificate.objects.filter(project_id=project_id, state__in=OPEN).order_by("id")
    return list(qs.values_list("id", flat=True))


def certificates_standing(*, project_id: int) -> list[dict[str, Any]]:
    """Cards of the certificates under which labels were accepted, oldest first. One query."""
    qs = Certificate.objects.filter(project_id=project_id, state=CertificateState.ACCEPTED).order_by("id")
    return [certificate_card(found) for found in qs]


def lot_answers(*, certificate: Certificate) -> LotAnswers:
    """What people said of the audited images. Two queries."""
    seen = int(sql.fetch_value(SEEN, {"certificate": certificate.pk}))  # first, so that what comes meanwhile is new
    rows = sql.fetch_all(ANSWERS, {"certificate": certificate.pk})
    return LotAnswers(
        place=np.array([row["place"] for row in rows], np.int64),
        wrong=np.array([row["accepted"] != row["said"] for row in rows], bool),
        category=np.array([row["accepted"] for row in rows], np.int64),
        later=np.array([row["later"] for row in rows], bool),
        seen=seen,
    )


def labels_of_release(*, project_id: int) -> int:
    """Labels there will be when all is labelled that can be: those that people gave, and those of images that nobody
    has judged. One query."""
    return int(sql.fetch_value(RELEASE, {"project": project_id, "unseen": list(UNSEEN)}))


def lot_left(*, certificate: Certificate) -> dict[str, int]:
    """Of an accepted lot: `items` left, `unseen` labels that nobody looked at, audits drawn at `first` and `later`."""
    params = {"certificate": certificate.pk, "size": certificate.verdict["accepted_size"]}
    return dict(sql.fetch_all(LEFT, params)[0])


def certificates_revoked(*, project_id: int) -> list[dict[str, Any]]:
    """Broken promises whose labels still stand, newest first: what everyone who works here should know. One query."""
    qs = Certificate.objects.filter(project_id=project_id, state=CertificateState.REVOKED).order_by("-id")
    return [
        {"id": found.pk, "error": found.error, "at": found.history[-1]["at"], "text": found.history[-1]["text"]}
        for found in qs[:NOTICES]
    ]


def certificate_card(certificate: Certificate) -> dict[str, Any]:
    """What an export carries: the promise, what backs it, what it assumes."""
    verdict = certificate.verdict
    return {
        "id": certificate.pk,
        "promise": promise_of(certificate),
        "state": certificate.state,
        "scope": certificate.scope,
        "among": certificate.among,
        "error": certificate.error,
        "level": certificate.level,
        "bound": verdict.get("bound"),
        "labels": verdict.get("size"),
        "audited": verdict.get("audited"),
        "wrong": verdict.get("errors"),
        "accepted_at": verdict.get("accepted_at"),
        "later": verdict.get("later"),
        "categories": verdict.get("categories", []),
        "head": certificate.head,
        "method": "Nested lots, fixed before anyone answers and tested in a fixed order, with an exact bound",
        "assumes": [
            "audited images were drawn uniformly at random from the lot's region and answered blind",
            "audited answers are the truth; audits without an answer count as wrong",
            "each lot of a project is judged by itself",
            *(PEOPLE_RIGHT if certificate.scope == Scope.RELEASE else ()),
        ],
        "history": certificate.history,
    }


def promise_of(certificate: Certificate) -> str:
    """Its one sentence, as exports and reports carry it."""
    if certificate.scope == Scope.LOT:
        about = "of the labels that nobody looked at are wrong"
    elif certificate.among is None:
        about = "of all labels of the release are wrong"
    else:
        about = f"of all {certificate.among:,} labels are wrong once people have looked at those that are not accepted"
    return f"At most {certificate.error:.2%} {about}, {certificate.level:.0%} sure."
