"""Which encoder a project asks for, and which there are."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.db.models.functions import Now

from server.projects.models import Project
from server.registry.models import EncoderVersion, HeadVersion, Promotion
from server.taxonomy.models import Category

DEMO = "demo"
OFFERED = (
    (DEMO, 0, True, "Winnow's own small encoder: good enough to try everything, not for real work."),
    ("open_clip:ViT-B-32/laion2b_s34b_b79k", 512, True, "A good start for photographs. 600 MB, CPU or GPU."),
    ("open_clip:ViT-B-16-SigLIP2/webli", 768, True, "Better with texts in many languages. 1.5 GB, GPU advised."),
    (
        "open_clip:ViT-L-14/datacomp_xl_s13b_b90k",
        768,
        True,
        "More accurate, four times slower. 1.7 GB, GPU advised.",
    ),
    ("timm:vit_small_patch14_dinov2.lvd142m", 384, False, "Sees shape and texture well and reads no text. 90 MB."),
)


@dataclass(frozen=True)
class Offer:
    """An encoder that can be chosen. `available`: its weights were loaded here before, or come with Winnow."""

    name: str
    dim: int
    has_text: bool
    is_demo: bool
    available: bool
    note: str


def encoder_name(project: Project) -> str:
    """The encoder that the project serves with or, before its first images, will get."""
    if project.active_space is not None:
        return project.active_space.name
    return str(project.options.get("encoder") or settings.WINNOW_DEFAULT_ENCODER)


def encoders_offered() -> list[Offer]:
    """Those that are known to work, and every other one that was added here."""
    spaces = {space.name: space for space in EncoderVersion.objects.order_by("id")}
    known = {name for name, *_ in OFFERED}
    offers = [
        Offer(
            name, spaces[name].dim if name in spaces else dim, text, name == DEMO, name in spaces or name == DEMO, note
        )
        for name, dim, text, note in OFFERED
    ]
    added = [
        Offer(space.name, space.dim, space.has_text, False, True, "Added on this server.")
        for space in spaces.values()
        if space.name not in known
    ]
    return offers + added


def serving_head(project: Project, categories: Sequence[Category]) -> HeadVersion | None:
    """The promoted head where it tells apart every category of today; a newer category than the head knows is worth
    more than the head, so until the next training run a fit on all labels serves instead."""
    if project.active_head_id is None:
        return None
    head = HeadVersion.objects.select_related("space").get(pk=project.active_head_id)
    known = set(head.category_ids)
    whole = head.space_id == project.active_space_id and all(category.pk in known for category in categories)
    return head if whole else None


def spaces_forgotten(*, days: int) -> list[EncoderVersion]:
    """Spaces that no project serves, and that nobody could go back to within so many days."""
    served = Project.objects.exclude(active_space=None).values_list("active_space_id", flat=True)
    recent = Promotion.objects.filter(created_at__gt=Now() - timedelta(days=days))
    held = set(served) | set(recent.values_list("space_id", flat=True))
    held |= set(recent.exclude(previous_space=None).values_list("previous_space_id", flat=True))
    old = EncoderVersion.objects.filter(created_at__lt=Now() - timedelta(days=days))
    return [space for space in old.order_by("pk") if space.pk not in held]
