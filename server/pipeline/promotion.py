"""A person's word on which model serves. Predictions follow by themselves; until they are there the old ones show."""

from django.db import transaction

from server.accounts.models import User
from server.core.errors import Conflict
from server.jobs.models import Job
from server.pipeline import flows
from server.projects.models import Project
from server.registry.artefacts import head_is_whole
from server.registry.heads import head_promote, head_refuse, rollback, rollback_target
from server.registry.models import HeadState, HeadVersion, Promotion


@transaction.atomic
def head_make_live(*, head: HeadVersion, by: User | None, reason: str) -> Promotion | None:
    """Promote by hand. None where the head serves already.

    Raises:
        Conflict: It reads another encoder's vectors, or its files on storage are not those that were stored.
    """
    if not head_is_whole(head):
        raise Conflict(f"The files of head {head.pk} are missing or were changed; restore them from a backup first.")
    made = head_promote(head=head, by=by, reason=reason)
    if made is not None:
        flows.after_promoted(head.project_id)
    return made


@transaction.atomic
def go_back(*, project: Project, by: User | None, reason: str) -> Promotion | Job:
    """Undo the newest promotion that stands. A head returns at once; an encoder as it came, by a job that makes its
    space ready first.

    Raises:
        Conflict: There is nothing to go back to.
    """
    act = rollback_target(project=project)
    now = Project.objects.values_list("active_space_id", flat=True).get(pk=project.pk)
    if act is not None and act.previous_space is not None and act.previous_space_id != now:
        back = {"undoes": act.pk, "head": act.previous_head_id, "space": act.previous_space_id}
        return flows.switch_encoder(project.pk, name=act.previous_space.name, created_by=by, back=back)
    made = rollback(project=project, by=by, reason=reason)
    flows.after_promoted(project.pk)
    return made


@transaction.atomic
def self_training_take_back(project: Project) -> Promotion | None:
    """Serve again what served before a head that learned from pseudo-labels. None where another act came since."""
    act = rollback_target(project=project)
    if act is None or act.head_id != project.active_head_id or act.previous_space_id != project.active_space_id:
        return None
    reason = f"Taken back by itself: the blind answers since say that head {act.head_id}, which learned from "
    made = rollback(project=project, by=None, reason=f"{reason}pseudo-labels, is worse than it was judged to be.")
    flows.after_promoted(project.pk)
    return made


def head_decline(*, head: HeadVersion) -> None:
    """A person decides against a candidate.

    Raises:
        Conflict: It serves at this moment.
    """
    if head.state == HeadState.LIVE:
        raise Conflict("This head serves; promote another one or go back first.")
    head_refuse(head)
