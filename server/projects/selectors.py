"""Who may see and do what. Every query about a project's things starts here."""

from django.db.models import QuerySet

from server.accounts.models import User
from server.core.errors import NotAllowed, NotFound
from server.projects.models import Membership, Project, Role

RANK = {Role.VIEWER: 0, Role.ANNOTATOR: 1, Role.REVIEWER: 2, Role.OWNER: 3}
NOT_HERE = "There is no such thing here, or it is not yours to see."


def visible_to(user: User) -> QuerySet[Project]:
    """Projects that the person is a member of. Being staff opens none."""
    return Project.objects.filter(memberships__user=user, archived_at__isnull=True)


def membership_for(user: User, project_id: int, *, role: Role = Role.VIEWER) -> Membership:
    """The person's membership with its project loaded: one query.

    Raises:
        NotFound: not a member, or no such project: the two cannot be told apart.
        NotAllowed: a member whose role is lower than `role`.
    """
    found = (
        Membership.objects.select_related("project__active_space")
        .filter(user=user, project_id=project_id, project__archived_at__isnull=True)
        .first()
    )
    if found is None:
        raise NotFound(NOT_HERE)
    if RANK[Role(found.role)] < RANK[role]:
        raise NotAllowed(f"Your role here is {found.role}; this needs {role.value}.")
    return found


def project_for(user: User, project_id: int, *, role: Role = Role.VIEWER) -> Project:
    """The project where the person has at least this role; errors as `membership_for`."""
    return membership_for(user, project_id, role=role).project


def members_of(project: Project) -> QuerySet[Membership]:
    """By name, people loaded."""
    return Membership.objects.filter(project=project).select_related("user").order_by("user__username")
