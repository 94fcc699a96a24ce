"""Class folders and label columns become categories and imported annotations, where a person asked for it."""

from server.images.models import Image
from server.labeling.services.annotations import annotations_import
from server.projects.models import Project
from server.taxonomy.services import categories_ensure


def labels_import(*, project: Project, image_ids: list[int]) -> int:
    """Import the labels that these images came with. Safe to repeat; gives way to what people say.

    Runs in the caller's transaction. Returns the number of new annotations.
    """
    rows = list(
        Image.objects.filter(pk__in=image_ids, batch__options__folders_as_categories=True)
        .exclude(imported_label="")
        .values_list("pk", "imported_label", "batch__created_by_id")
        .order_by("pk")
    )
    if not rows:
        return 0
    categories = categories_ensure(project=project, names=[label for _, label, _ in rows])
    labels = [(pk, categories[label]) for pk, label, _ in rows]
    return annotations_import(project_id=project.pk, labels=labels, imported_by_id=rows[0][2])
