"""Freezing labels for a machine: often, all of them, and beside people who wait for their own commits."""

import hashlib
import json
from collections.abc import Sequence

from django.db import transaction

from server.core import sql
from server.projects.models import Project
from server.snapshots import selectors
from server.snapshots.models import Snapshot

_PAIRS = "string_agg(int8send(image_id) || int8send(category_id), ''::bytea ORDER BY image_id)"
_PACK = f"""
INSERT INTO snapshots_packedlabels (snapshot_id, taught, asked)
SELECT %(snapshot)s, COALESCE({_PAIRS} FILTER (WHERE NOT blind), ''::bytea),
       COALESCE({_PAIRS} FILTER (WHERE blind), ''::bytea)
FROM labeling_consensus
WHERE project_id = %(project)s AND state = 'agreed' AND category_id IS NOT NULL
  AND (%(evidence)s::text[] IS NULL OR evidence = ANY (%(evidence)s::text[]))
RETURNING taught, asked
"""
PAIR_BYTES = 16


def snapshot_pack(*, project: Project, name: str, purpose: str, evidence: Sequence[str]) -> tuple[Snapshot, int]:
    """Freeze the agreed labels of this moment for a machine's own `purpose`; also how many lie outside the blind share.

    `evidence` names the grades that count beside blind answers; empty for all. One INSERT … SELECT, so it is consistent
    while people go on labeling. The digest is SHA-256 over the taxonomy and every (image, category): the same labels
    give the same one. People do not see such a snapshot among theirs, nor export it.
    """
    grades = [*evidence, "blind"] if evidence else None
    categories = selectors.categories_frozen(project_id=project.pk)
    taxonomy = json.dumps([project.taxonomy_revision, categories], sort_keys=True).encode()
    with transaction.atomic():
        snapshot = Snapshot.objects.create(
            project=project,
            name=name,
            taxonomy_revision=project.taxonomy_revision,
            categories=categories,
            filters={"evidence": grades, "purpose": purpose},
        )
        params = {"snapshot": snapshot.pk, "project": project.pk, "evidence": grades}
        taught, asked = map(bytes, sql.fetch_rows(_PACK, params)[0])
        count = len(taught) // PAIR_BYTES
        snapshot.item_count = count + len(asked) // PAIR_BYTES
        snapshot.digest = hashlib.sha256(b"\n".join([taxonomy, taught, b"blind", asked])).hexdigest()
        snapshot.save(update_fields=["item_count", "digest"])
    return snapshot, count
