"""Who may see and do what. Every query about a project's things starts here."""

from functools import cache
from typing import Any

from django.db.models import QuerySet

from server.accounts.models import User
from server.core import sql
from server.core.errors import NotAllowed, NotFound
from server.core.joined import Joined
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
    joined, statement = _membership()
    row = next(iter(sql.fetch_rows(statement, [user.pk, project_id], hot=True)), None)
    if row is None:
        raise NotFound(NOT_HERE)
    read = joined.read(row)
    found: Membership = read["m"]
    found.user, found.project = user, read["p"]
    found.project.active_space = read["s"]
    if RANK[Role(found.role)] < RANK[role]:
        raise NotAllowed(f"Your role here is {found.role}; this needs {role.value}.")
    return found


@cache
def _membership() -> tuple[Joined, str]:
    """What is read of a membership, its project and the project's space, and the statement that reads it."""
    space: Any = Project._meta.get_field("active_space").related_model
    joined = Joined(m=Membership, p=Project, s=space)
    return (
        joined,
        f"""
SELECT {joined.columns} FROM projects_membership m JOIN projects_project p ON p.id = m.project_id
LEFT JOIN {space._meta.db_table} s ON s.id = p.active_space_id
WHERE m.user_id = %s AND m.project_id = %s AND p.archived_at IS NULL
""",
    )


def project_for(user: User, project_id: int, *, role: Role = Role.VIEWER) -> Project:
    """The project where the person has at least this role; errors as `membership_for`."""
    return membership_for(user, project_id, role=role).project


def labelers_of(*, project_id: int) -> list[int]:
    """Ids of the people who may label in a project."""
    may = [role for role, rank in RANK.items() if rank >= RANK[Role.ANNOTATOR]]
    return list(Membership.objects.filter(project_id=project_id, role__in=may).values_list("user_id", flat=True))


def members_of(project: Project) -> QuerySet[Membership]:
    """By name, people loaded."""
    return Membership.objects.filter(project=project).select_related("user").order_by("user__username")
