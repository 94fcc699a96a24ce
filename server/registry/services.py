"""Encoders become spaces here. One fingerprint is one space, whichever name asked for it."""

from dataclasses import asdict, dataclass
from typing import Any

from django.db import transaction

from server.accounts.models import User
from server.projects.models import Project
from server.registry.heads import serve
from server.registry.models import EncoderVersion, HeadVersion, Promotion


@dataclass(frozen=True)
class EncoderFacts:
    """What a loaded encoder says of itself. Its fields are those of `EncoderVersion`."""

    name: str
    fingerprint: str
    dim: int
    has_text: bool
    logit_scale: float | None
    spec: dict[str, Any]


def encoder_register(facts: EncoderFacts) -> EncoderVersion:
    """The space of this encoder, made on first sight. Safe to repeat."""
    values = asdict(facts)
    version, _ = EncoderVersion.objects.get_or_create(fingerprint=values.pop("fingerprint"), defaults=values)
    return version


@transaction.atomic
def space_activate(
    *,
    project: Project,
    space: EncoderVersion,
    by: User | None,
    reason: str,
    head: HeadVersion | None = None,
    undoes: Promotion | None = None,
) -> None:
    """Make a filled space the one that serves: one row changes, and the act is recorded. Predictions follow.

    The old space keeps its vectors, so that going back is the same act.
    """
    held = Project.objects.select_for_update().get(pk=project.pk)
    if held.active_space_id == space.pk:
        return
    serve(held, space_id=space.pk, head_id=head.pk if head else None, by=by, reason=reason, undoes=undoes)
