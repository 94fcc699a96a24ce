"""Freezing labels into snapshots, and the life of an export."""

import hashlib
import json
from typing import Any

from django.db import connection, transaction

from server.accounts.models import User
from server.core import sql
from server.core.errors import InvalidInput, LimitReached
from server.jobs.models import LIVE_STATES
from server.projects.models import Project
from server.snapshots import selectors
from server.snapshots.certificate_selectors import UNSEEN, certificates_standing
from server.snapshots.models import Export, Snapshot

DEFAULT_SPLITS = {"train": 0.8, "val": 0.1, "test": 0.1}
LIVE_EXPORTS = 4
FORMATS = ("jsonl", "csv", "imagefolder", "parquet", "labelstudio")

# Near-duplicates fall into one split: the share is a hash of the group's first image. Blind images are drawn at random
# and answered without a suggestion, so they are the honest test set and go there whatever the shares say.
_FREEZE = """
INSERT INTO snapshots_snapshotitem (snapshot_id, image_id, category_id, split, evidence, blind, votes, annotation_id)
SELECT %(snapshot)s, c.image_id, c.category_id,
       CASE WHEN c.blind THEN 'test'
            WHEN share.value < %(train)s THEN 'train'
            WHEN share.value < %(train)s + %(val)s THEN 'val'
            ELSE 'test' END,
       c.evidence, c.blind, c.votes, a.id
FROM labeling_consensus c
JOIN images_image i ON i.id = c.image_id
LEFT JOIN images_image leader ON leader.id = i.duplicate_group
LEFT JOIN labeling_annotation a ON a.sequence = c.last_sequence
CROSS JOIN LATERAL (
    SELECT ('x' || substr(md5(%(seed)s || coalesce(leader.sha256, i.sha256)), 1, 8))::bit(32)::bigint
           / 4294967296.0 AS value
) share
WHERE c.project_id = %(project)s AND c.state = 'agreed' AND c.category_id IS NOT NULL
  AND (%(evidence)s::text[] IS NULL OR c.evidence = ANY (%(evidence)s::text[]))
  AND (%(include_blind)s OR NOT c.blind)
  AND (NOT %(certified)s OR EXISTS (
      SELECT 1 FROM snapshots_lotitem l
      JOIN snapshots_certificate k ON k.id = l.certificate_id AND k.state = 'accepted'
      WHERE l.image_id = c.image_id AND l.place < (k.verdict ->> 'accepted_size')::int
        AND (l.audited OR c.evidence = 'accepted'))
    OR c.evidence <> ALL (%(unseen)s::text[]) AND EXISTS (
      SELECT 1 FROM snapshots_certificate k
      WHERE k.project_id = c.project_id AND k.state = 'accepted' AND k.scope = 'release'))
"""
# Labels of a snapshot that a promise about all labels speaks of: its lot's, and those that people gave.
_PROMISED = """
SELECT count(*) FROM snapshots_snapshotitem s LEFT JOIN labeling_annotation a ON a.id = s.annotation_id
WHERE s.snapshot_id = %(snapshot)s AND (
    s.evidence <> ALL (%(unseen)s::text[]) OR a.evidence_details ->> 'certificate' = %(certificate)s::text)
"""


def snapshot_create(
    *,
    project: Project,
    created_by: User | None,
    name: str = "",
    splits: dict[str, float] | None = None,
    evidence: list[str] | None = None,
    include_blind: bool = True,
    certified: bool = False,
    seed: int = 0,
) -> Snapshot:
    """Freeze the agreed labels of this moment. The same labels, taxonomy, splits and seed give the same digest.

    With `certified` only what standing certificates speak of: their lots, and where one is about all labels, those that
    people gave. The certificates of the moment are frozen with the labels.

    One INSERT … SELECT, so it is consistent while people go on labeling; safe to repeat (it makes another row).

    Raises:
        InvalidInput: Splits that are not shares of 1.
    """
    shares = _checked_splits(splits or DEFAULT_SPLITS)
    with transaction.atomic():
        snapshot = Snapshot.objects.create(
            project=project,
            name=name,
            taxonomy_revision=project.taxonomy_revision,
            categories=selectors.categories_frozen(project_id=project.pk),
            filters={
                "evidence": evidence,
                "include_blind": include_blind,
                "splits": shares,
                **_certificates(project, certified=certified),
            },
            seed=seed,
            created_by=created_by,
        )
        with connection.cursor() as cursor:
            cursor.execute(
                _FREEZE,
                {
                    "snapshot": snapshot.pk,
                    "project": project.pk,
                    "train": shares["train"],
                    "val": shares["val"],
                    "seed": str(seed),
                    "evidence": evidence,
                    "include_blind": include_blind,
                    "certified": certified,
                    "unseen": list(UNSEEN),
                },
            )
            snapshot.item_count = cursor.rowcount
        _promises_weigh(snapshot)
        snapshot.digest = _digest(snapshot)
        snapshot.save(update_fields=["item_count", "digest", "filters"])
    return snapshot


def _promises_weigh(snapshot: Snapshot) -> None:
    """A promise about all labels counts wrong ones; what share of this very release so many are is said with it."""
    for card in snapshot.filters.get("certificates", []):
        if card["among"] is None or card["bound"] is None:
            continue
        params = {"snapshot": snapshot.pk, "unseen": list(UNSEEN), "certificate": card["id"]}
        labels, wrong = int(sql.fetch_value(_PROMISED, params)), round(card["bound"] * card["among"])
        share = min(1.0, wrong / labels) if labels else 0.0
        card["wrong_at_most"], card["labels_here"], card["share_here"] = wrong, labels, share
        card["here"] = f"At most {wrong:,} of the {labels:,} labels here that it speaks of are wrong: {share:.2%}."


def _certificates(project: Project, *, certified: bool) -> dict[str, Any]:
    standing = certificates_standing(project_id=project.pk)
    return ({"certified": True} if certified else {}) | ({"certificates": standing} if standing else {})


def _checked_splits(splits: dict[str, float]) -> dict[str, float]:
    shares = {part: float(splits.get(part, 0.0)) for part in ("train", "val", "test")}
    if set(splits) - set(shares) or min(shares.values()) < 0 or abs(sum(shares.values()) - 1) > 1e-6:
        raise InvalidInput(
            f"Splits are shares of train, val and test that add up to 1; got {splits}.", fields={"splits": splits}
        )
    return shares


def _digest(snapshot: Snapshot) -> str:
    """SHA-256 over the taxonomy and every (image hash, category, split, evidence), in order of image hash."""
    digest = hashlib.sha256()
    digest.update(json.dumps([snapshot.taxonomy_revision, snapshot.categories], sort_keys=True).encode())
    for line in selectors.snapshot_fingerprint_rows(snapshot_id=snapshot.pk):
        digest.update(line.encode() + b"\n")
    return digest.hexdigest()


def export_create(
    *,
    project: Project,
    created_by: User | None,
    format: str,
    snapshot: Snapshot | None = None,
    options: dict[str, Any] | None = None,
) -> Export:
    """An export of a snapshot, or of the labels of this moment (which makes one). The file is written by a job."""
    if format not in FORMATS:
        raise InvalidInput(f"Formats are {', '.join(FORMATS)}; got {format!r}.", fields={"format": format})
    options = options or {}
    with transaction.atomic():
        snapshot = snapshot or snapshot_create(
            project=project,
            created_by=created_by,
            evidence=options.get("evidence"),
            include_blind=options.get("include_blind", True),
            certified=options.get("certified", False),
        )
        return Export.objects.create(
            project=project, snapshot=snapshot, format=format, options=options, created_by=created_by
        )


def export_finish(*, export: Export, storage_key: str, file_name: str, byte_size: int, digest: str) -> None:
    """Record the finished file. The bytes are on storage before this row says so."""
    Export.objects.filter(pk=export.pk).update(
        storage_key=storage_key, file_name=file_name, byte_size=byte_size, digest=digest
    )


def exports_within_limit(*, project_id: int) -> None:
    """Raises LimitReached where LIVE_EXPORTS exports of the project are being written already."""
    live = Export.objects.filter(project_id=project_id, job__state__in=LIVE_STATES, storage_key="").count()
    if live >= LIVE_EXPORTS:
        raise LimitReached(f"{live} exports of this project are being written; wait for one or cancel it.")
