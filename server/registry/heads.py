"""What can happen to a head: made, live, retired, refused. Which one serves is one row, `Project.active_head`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.db.models import QuerySet

from server.accounts.models import User
from server.core.errors import Conflict
from server.projects.models import Project
from server.registry.models import EncoderVersion, HeadState, HeadVersion, Promotion


@dataclass(frozen=True)
class HeadFacts:
    """What is known of a head when its bytes are on storage. Index i of its output is `category_ids[i]`."""

    kind: str
    category_ids: Sequence[int]
    storage_key: str
    digest: str
    params: Mapping[str, Any]
    provenance: Mapping[str, Any]


def head_create(
    *, project: Project, space: EncoderVersion, facts: HeadFacts, metrics: Mapping[str, Any], taxonomy_revision: int
) -> HeadVersion:
    """A candidate whose parent is the head that serves now."""
    return HeadVersion.objects.create(
        project=project,
        space=space,
        parent_id=Project.objects.values_list("active_head_id", flat=True).get(pk=project.pk),
        kind=facts.kind,
        category_ids=list(facts.category_ids),
        taxonomy_revision=taxonomy_revision,
        storage_key=facts.storage_key,
        digest=facts.digest,
        params=dict(facts.params),
        metrics=dict(metrics),
        provenance=dict(facts.provenance),
    )


def head_refuse(head: HeadVersion) -> None:
    """Shown to be worse than what serves. A person may still promote it."""
    HeadVersion.objects.filter(pk=head.pk).update(state=HeadState.REFUSED)
    head.state = HeadState.REFUSED


@transaction.atomic
def head_promote(*, head: HeadVersion, by: User | None, reason: str) -> Promotion | None:
    """Make a head the one that serves: one row changes and the act is recorded. None where it serves already.

    Raises:
        Conflict: The head reads vectors of a space that does not serve.
    """
    project = Project.objects.select_for_update().get(pk=head.project_id)
    if project.active_head_id == head.pk:
        return None
    if project.active_space_id != head.space_id:
        raise Conflict(
            f"Head {head.pk} reads vectors of another encoder than the one that serves. Switch the encoder first."
        )
    return serve(project, space_id=head.space_id, head_id=head.pk, by=by, reason=reason)


def rollback_target(*, project: Project) -> Promotion | None:
    """The newest promotion that was not taken back: the one that `rollback` would undo. None where there is none."""
    acts = Promotion.objects.filter(project=project, undoes__isnull=True, undone_by__isnull=True)
    return acts.select_related("previous_space", "previous_head").exclude(previous_space=None).order_by("-pk").first()


@transaction.atomic
def rollback(*, project: Project, by: User | None, reason: str) -> Promotion:
    """Serve again what served before the newest promotion that still stands; of a head or an encoder alike.

    Raises:
        Conflict: Nothing was promoted since the project's first encoder.
    """
    held = Project.objects.select_for_update().get(pk=project.pk)
    act = rollback_target(project=held)
    if act is None or act.previous_space_id is None:
        raise Conflict("There is nothing to go back to: nothing was promoted since the project's first encoder.")
    return serve(held, space_id=act.previous_space_id, head_id=act.previous_head_id, by=by, reason=reason, undoes=act)


def serve(
    project: Project,
    *,
    space_id: int,
    head_id: int | None,
    by: User | None,
    reason: str,
    undoes: Promotion | None = None,
) -> Promotion:
    """The one act behind every switch. The caller holds the project's row."""
    HeadVersion.objects.filter(pk=project.active_head_id or 0).update(state=HeadState.RETIRED)
    HeadVersion.objects.filter(pk=head_id or 0).update(state=HeadState.LIVE)
    made = Promotion.objects.create(
        project=project,
        space_id=space_id,
        head_id=head_id,
        previous_space_id=project.active_space_id,
        previous_head_id=project.active_head_id,
        undoes=undoes,
        reason=reason[:500],
        promoted_by=by,
    )
    Project.objects.filter(pk=project.pk).update(active_space_id=space_id, active_head_id=head_id)
    return made


def heads_of(*, project_id: int) -> QuerySet[HeadVersion]:
    """Heads of a project, newest first."""
    return HeadVersion.objects.filter(project_id=project_id).select_related("space")


def head_of(*, project_id: int, head_id: int) -> HeadVersion | None:
    return heads_of(project_id=project_id).filter(pk=head_id).first()


def promotions_of(*, project_id: int) -> QuerySet[Promotion]:
    """What was made live when and by whom, newest first."""
    acts = Promotion.objects.filter(project_id=project_id)
    return acts.select_related("space", "previous_space", "promoted_by")
