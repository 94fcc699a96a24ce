"""Reading certificates: what the audits said, and which certificates have answers that nobody judged yet."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from server.core import sql
from server.snapshots.models import Certificate, CertificateState, LotItem

OPEN = (CertificateState.AUDITING, CertificateState.PROVED, CertificateState.UNPROVED, CertificateState.ACCEPTED)

# The audited images of a lot and what people settled on. Skipped and disputed images are not answers: they stay open.
ANSWERS = """
SELECT i.image_id, i.place, i.category_id AS accepted, c.category_id AS said
FROM snapshots_lotitem i
JOIN labeling_consensus c ON c.image_id = i.image_id AND c.blind AND c.state = 'agreed' AND c.category_id IS NOT NULL
  AND c.evidence NOT IN ('accepted', 'imported', 'propagated')
WHERE i.certificate_id = %(certificate)s AND i.audited
ORDER BY i.place
"""
TO_JUDGE = """
SELECT k.id FROM snapshots_certificate k
WHERE k.project_id = %(project)s AND k.state = ANY(%(open)s)
  AND COALESCE((k.verdict ->> 'last_sequence')::bigint, 0) < (
      SELECT COALESCE(max(c.last_sequence), 0) FROM snapshots_lotitem i
      JOIN labeling_consensus c ON c.image_id = i.image_id AND c.blind
      WHERE i.certificate_id = k.id AND i.audited)
"""
LAST = """
SELECT COALESCE(max(c.last_sequence), 0) FROM snapshots_lotitem i
JOIN labeling_consensus c ON c.image_id = i.image_id AND c.blind
WHERE i.certificate_id = %(certificate)s AND i.audited
"""


@dataclass(frozen=True)
class LotAnswers:
    """`place` (n,) of audited images that people answered, whether the label was `wrong`, both by place.

    `total` items are left of the `planned` ones: fewer where images were deleted since.
    """

    place: NDArray[np.int64]
    wrong: NDArray[np.bool_]
    category: NDArray[np.int64]
    total: int
    last_sequence: int


def certificate_of(*, project_id: int, certificate_id: int) -> Certificate | None:
    return Certificate.objects.filter(project_id=project_id, pk=certificate_id).first()


def certificates_to_judge(*, project_id: int) -> list[int]:
    """Live certificates with an audit answered, or answered otherwise, since they were judged. One query."""
    rows = sql.fetch_all(TO_JUDGE, {"project": project_id, "open": [state.value for state in OPEN]}, hot=True)
    return [row["id"] for row in rows]


def certificates_standing(*, project_id: int) -> list[dict[str, Any]]:
    """Cards of the certificates under which labels were accepted, oldest first. One query."""
    qs = Certificate.objects.filter(project_id=project_id, state=CertificateState.ACCEPTED).order_by("id")
    return [certificate_card(found) for found in qs]


def lot_answers(*, certificate: Certificate) -> LotAnswers:
    """What people said of the audited images. Three queries."""
    rows = sql.fetch_all(ANSWERS, {"certificate": certificate.pk})
    return LotAnswers(
        place=np.array([row["place"] for row in rows], np.int64),
        wrong=np.array([row["accepted"] != row["said"] for row in rows], bool),
        category=np.array([row["accepted"] for row in rows], np.int64),
        total=LotItem.objects.filter(certificate=certificate).count(),
        last_sequence=int(sql.fetch_value(LAST, {"certificate": certificate.pk})),
    )


def certificate_card(certificate: Certificate) -> dict[str, Any]:
    """What an export carries: the promise, what backs it, what it assumes."""
    verdict = certificate.verdict
    return {
        "id": certificate.pk,
        "promise": f"At most {certificate.error:.2%} of the labels that nobody looked at are wrong, "
        f"{certificate.level:.0%} sure.",
        "state": certificate.state,
        "error": certificate.error,
        "level": certificate.level,
        "bound": verdict.get("bound"),
        "labels": verdict.get("size"),
        "audited": verdict.get("audited"),
        "wrong": verdict.get("errors"),
        "head": certificate.head,
        "method": "nested lots fixed before the answers, exact hypergeometric tail, tested in fixed sequence",
        "assumes": [
            "audited images were drawn uniformly at random from the lot's region and answered blind",
            "audited answers are the truth",
        ],
        "history": certificate.history,
    }
