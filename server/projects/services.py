"""Projects and their people."""

from collections.abc import Mapping
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models.functions import Now

from server.accounts.models import User
from server.core.errors import Conflict, InvalidInput, NotFound
from server.core.text import clean_line, clean_name, clean_text
from server.projects.models import Membership, Project, Role

LIMIT_TEMPLATES = 100


@transaction.atomic
def project_create(
    *, owner: User, name: str, description: str = "", concept: str = "", encoder: str | None = None
) -> Project:
    """A new project whose creator owns it. `encoder` is the name of the encoder that its first images get."""
    project = Project.objects.create(
        name=clean_name(name, what="A project's name", max_length=120),
        description=clean_text(description, max_length=10_000),
        concept=clean_line(concept, max_length=80),
        created_by=owner,
        options={"encoder": encoder} if encoder else {},
    )
    Membership.objects.create(project=project, user=owner, role=Role.OWNER)
    return project


def project_update(*, project: Project, changes: Mapping[str, Any]) -> Project:
    """Change what people may set; anything else in `changes` is a programming error."""
    clean = {key: CLEANERS[key](value) for key, value in changes.items()}
    if "options" in clean:
        clean["options"] = {**project.options, **clean["options"]}
    if clean:
        Project.objects.filter(pk=project.pk).update(**clean)
        project.refresh_from_db(fields=list(clean))
    return project


def project_archive(*, project: Project, confirm_name: str) -> None:
    """Take a project out of everyone's sight at once. Its rows and bytes are deleted by a job.

    Raises:
        InvalidInput: `confirm_name` is not the project's name, character for character.
    """
    if confirm_name != project.name:
        raise InvalidInput(
            "To delete a project, send its exact name as confirm_name; that is not it.",
            fields={"confirm_name": ["Not the name of this project."]},
        )
    Project.objects.filter(pk=project.pk).update(archived_at=Now())


def member_add(*, project: Project, username: str, role: Role) -> Membership:
    """Give a person a role.

    Raises:
        NotFound: nobody has this user name.
        Conflict: the person is a member already.
    """
    user = User.objects.filter(username=username, is_active=True).first()
    if user is None:
        raise NotFound("Nobody has this user name. An administrator creates accounts under /admin.")
    try:
        with transaction.atomic():
            return Membership.objects.create(project=project, user=user, role=role)
    except IntegrityError as error:
        raise Conflict(f"{username} is a member already; change the role instead.") from error


@transaction.atomic
def member_update(*, project: Project, user_id: int, role: Role) -> Membership:
    """Change a role. The last owner stays owner."""
    membership = _locked(project, user_id)
    if membership.role == Role.OWNER and role != Role.OWNER:
        _require_another_owner(project)
    membership.role = role
    membership.save(update_fields=["role"])
    return membership


@transaction.atomic
def member_remove(*, project: Project, user_id: int) -> None:
    """Take a person out. What they labelled stays."""
    membership = _locked(project, user_id)
    if membership.role == Role.OWNER:
        _require_another_owner(project)
    membership.delete()


def _locked(project: Project, user_id: int) -> Membership:
    """The membership, with all owners' rows held so that two owners cannot demote each other at once."""
    held = Membership.objects.select_for_update(of=("self",)).select_related("user").filter(project=project)
    for membership in held.order_by("pk"):
        if membership.user_id == user_id:
            return membership
    raise NotFound("This person is not a member.")


def _require_another_owner(project: Project) -> None:
    if Membership.objects.filter(project=project, role=Role.OWNER).count() < 2:
        raise Conflict("This is the last owner; make somebody else an owner first.")


def _templates(value: list[str]) -> list[str]:
    lines = [clean_line(line, max_length=300) for line in value]
    if len(lines) > LIMIT_TEMPLATES or any(line.count("{}") != 1 for line in lines):
        raise InvalidInput(
            f"Each of at most {LIMIT_TEMPLATES} templates needs {{}} exactly once, as in “a photo of a {{}}”.",
            fields={"templates": ["Each line needs {} exactly once."]},
        )
    return lines


CLEANERS: dict[str, Any] = {
    "name": lambda value: clean_name(value, what="A project's name", max_length=120),
    "description": lambda value: clean_text(value, max_length=10_000),
    "concept": lambda value: clean_line(value, max_length=80),
    "templates": _templates,
    "acquisition_function": str,
    "blind_share": float,
    "overlap": int,
    "options": dict,
}
