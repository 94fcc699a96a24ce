"""What people and stations ask about categories."""

from django.db.models import QuerySet

from server.core.errors import NotFound
from server.projects.models import Project
from server.taxonomy.models import Category, TaxonomyRevision
from server.taxonomy.tree import Node, walk


def categories_of(project: Project) -> QuerySet[Category]:
    """All of them, deprecated ones too, in no tree order."""
    qs: QuerySet[Category] = Category.objects.filter(project=project)
    return qs


def tree_of(project: Project) -> list[Node]:
    """All categories in tree order with their descriptions: two queries."""
    return walk(categories_of(project).prefetch_related("descriptions"))


def category_of(project: Project, category_id: int) -> Category:
    """One category of this project.

    Raises:
        NotFound: there is none with this id here.
    """
    category = categories_of(project).filter(pk=category_id).first()
    if category is None:
        raise NotFound("There is no such category in this project.")
    return category


def revisions_of(project: Project) -> QuerySet[TaxonomyRevision]:
    """Newest first."""
    return TaxonomyRevision.objects.filter(project=project).select_related("author")
