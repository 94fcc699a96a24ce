"""A project's taxonomy."""

from typing import Any

from django.urls import path
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from server.api.base import ErrorBody, ProjectView, caller, read_body
from server.insights.categories import categories_from_words, confirmed_counts, predicted_counts
from server.pipeline import flows
from server.projects.models import Project, Role
from server.taxonomy.bulk import categories_paste
from server.taxonomy.models import DescriptionKind
from server.taxonomy.selectors import tree_of
from server.taxonomy.services import category_create, category_deprecate, category_restore, category_update
from server.taxonomy.tree import Node


class DescriptionOut(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    kind = serializers.ChoiceField(choices=DescriptionKind.choices)
    text = serializers.CharField()


class CategoryCounts(serializers.Serializer[Any]):
    confirmed = serializers.IntegerField()
    predicted = serializers.IntegerField()


class FiguresOut(serializers.Serializer[Any]):
    """Means over the project's own categories, each left out and written from its words."""

    recall = serializers.FloatField(help_text="Of a category's images, how many are found.")
    precision = serializers.FloatField(help_text="Of the images taken, how many are right.")
    f1 = serializers.FloatField()
    low = serializers.FloatField(help_text="95 % interval of the mean f1 over categories.")
    high = serializers.FloatField()
    classes = serializers.IntegerField(help_text="Categories that were left out.")


class FromWordsOut(serializers.Serializer[Any]):
    """The category is predicted from its words, and from its few confirmed images where there are some."""

    method = serializers.ChoiceField(choices=["icis", "text2model", "prompt"])
    measured = FiguresOut(allow_null=True, help_text="Null until the rehearsal in the background is over.")
    examples = serializers.IntegerField()
    words_share = serializers.FloatField(help_text="What words weigh beside the examples; 1 is words alone.")


class CategoryOut(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    name = serializers.CharField()
    parent = serializers.IntegerField(allow_null=True)  # type: ignore[assignment]
    path = serializers.CharField()
    depth = serializers.IntegerField()
    hue = serializers.IntegerField(help_text="0–360, by position in the tree.")
    position = serializers.IntegerField()
    synonyms = serializers.ListField(child=serializers.CharField())
    definition = serializers.CharField()
    overlap = serializers.IntegerField(allow_null=True, help_text="Opinions wanted; null: as the project.")
    descriptions = DescriptionOut(many=True)
    deprecated = serializers.BooleanField()
    counts = CategoryCounts()
    from_words = FromWordsOut(allow_null=True, help_text="Null where a head has learned the category from images.")


class CategoryTree(serializers.Serializer[Any]):
    revision = serializers.IntegerField()
    items = CategoryOut(many=True)


class DescriptionIn(serializers.Serializer[Any]):
    kind = serializers.ChoiceField(choices=DescriptionKind.choices, default=DescriptionKind.SENTENCE)
    text = serializers.CharField(max_length=2000)


class CategoryChanges(serializers.Serializer[Any]):
    name = serializers.CharField(max_length=200, required=False)
    parent = serializers.IntegerField(required=False, allow_null=True)  # type: ignore[assignment]
    position = serializers.IntegerField(required=False, min_value=0, max_value=10_000)
    synonyms = serializers.ListField(
        child=serializers.CharField(max_length=200, allow_blank=True), max_length=200, required=False
    )
    definition = serializers.CharField(max_length=10_000, allow_blank=True, required=False)
    overlap = serializers.IntegerField(
        required=False,
        allow_null=True,
        min_value=1,
        max_value=20,
        help_text="Opinions wanted on an image that is predicted, or was called, this; null: as the project.",
    )
    descriptions = DescriptionIn(many=True, required=False)


class CategoryIn(CategoryChanges):
    name = serializers.CharField(max_length=200)
    position = None  # type: ignore[assignment]  # a new one comes last


class BulkIn(serializers.Serializer[Any]):
    text = serializers.CharField(max_length=1_000_000, trim_whitespace=False)
    dry_run = serializers.BooleanField(default=False)


class BulkProblem(serializers.Serializer[Any]):
    line = serializers.IntegerField()
    message = serializers.CharField()


class BulkOut(serializers.Serializer[Any]):
    created = serializers.ListField(child=serializers.CharField())
    existing = serializers.ListField(child=serializers.CharField())
    problems = BulkProblem(many=True)
    revision = serializers.IntegerField()


def category_out(
    node: Node, confirmed: dict[int, int], predicted: dict[int, int], words: dict[str, Any]
) -> dict[str, Any]:
    category = node.category
    return {
        "id": category.pk,
        "name": category.name,
        "parent": category.parent_id,
        "path": node.path,
        "depth": node.depth,
        "hue": node.hue,
        "position": category.position,
        "synonyms": category.synonyms,
        "definition": category.definition,
        "overlap": category.overlap,
        "descriptions": [{"id": row.pk, "kind": row.kind, "text": row.text} for row in category.descriptions.all()],
        "deprecated": category.deprecated_at is not None,
        "counts": {"confirmed": confirmed.get(category.pk, 0), "predicted": predicted.get(category.pk, 0)},
        "from_words": words.get(str(category.pk)),
    }


def tree_out(project: Project) -> list[dict[str, Any]]:
    confirmed, predicted = confirmed_counts(project), predicted_counts(project)
    words = categories_from_words(project)
    return [category_out(node, confirmed, predicted, words) for node in tree_of(project)]


def one_out(project: Project, category_id: int) -> dict[str, Any]:
    return next(item for item in tree_out(project) if item["id"] == category_id)


class CategoriesView(ProjectView):
    roles = {"GET": Role.VIEWER, "POST": Role.OWNER}

    @extend_schema(responses=CategoryTree)
    def get(self, request: Request, project_id: int) -> Response:
        return Response({"revision": self.project.taxonomy_revision, "items": tree_out(self.project)})

    @extend_schema(request=CategoryIn, responses={201: CategoryOut, 409: ErrorBody})
    def post(self, request: Request, project_id: int) -> Response:
        body = read_body(request, CategoryIn)
        category = category_create(
            project=self.project, author=caller(request), parent_id=body.pop("parent", None), **body
        )
        flows.after_taxonomy_changed(project_id)
        return Response(one_out(self.project, category.pk), status=201)


class CategoriesBulkView(ProjectView):
    roles = {"POST": Role.OWNER}

    @extend_schema(request=BulkIn, responses=BulkOut)
    def post(self, request: Request, project_id: int) -> Response:
        body = read_body(request, BulkIn)
        result = categories_paste(
            project=self.project, text=body["text"], author=caller(request), dry_run=body["dry_run"]
        )
        if result.created and not body["dry_run"]:
            flows.after_taxonomy_changed(project_id)
        return Response(vars(result))


class CategoryView(ProjectView):
    roles = {"PATCH": Role.OWNER, "DELETE": Role.OWNER}

    @extend_schema(request=CategoryChanges, responses={200: CategoryOut, 409: ErrorBody})
    def patch(self, request: Request, project_id: int, category_id: int) -> Response:
        changes = read_body(request, CategoryChanges, partial=True)
        category_update(project=self.project, category_id=category_id, changes=changes, author=caller(request))
        if changes.keys() - {"overlap"}:
            flows.after_taxonomy_changed(project_id, described=category_id)
        return Response(one_out(self.project, category_id))

    @extend_schema(request=None, responses={204: None})
    def delete(self, request: Request, project_id: int, category_id: int) -> Response:
        category_deprecate(project=self.project, category_id=category_id, author=caller(request))
        flows.after_taxonomy_changed(project_id)
        return Response(status=204)


class CategoryRestoreView(ProjectView):
    roles = {"POST": Role.OWNER}

    @extend_schema(request=None, responses={200: CategoryOut, 409: ErrorBody})
    def post(self, request: Request, project_id: int, category_id: int) -> Response:
        category_restore(project=self.project, category_id=category_id, author=caller(request))
        flows.after_taxonomy_changed(project_id)
        return Response(one_out(self.project, category_id))


BASE = "projects/<int:project_id>/categories"
urlpatterns = [
    path(BASE, CategoriesView.as_view()),
    path(f"{BASE}/bulk", CategoriesBulkView.as_view()),
    path(f"{BASE}/<int:category_id>", CategoryView.as_view()),
    path(f"{BASE}/<int:category_id>/restore", CategoryRestoreView.as_view()),
]
