"""One project's tree of categories, by drag or by the scissors, and what each category's words find at present."""

import base64
from typing import Any, ClassVar

from django.contrib import admin
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Count, IntegerField, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from tree_queries.admin import TreeAdmin, TreeChangeList
from unfold.admin import ModelAdmin, TabularInline
from unfold.widgets import UnfoldAdminTextareaWidget, UnfoldAdminTextInputWidget

from server.accounts.models import User
from server.api.similar import by_texts
from server.core.errors import ApplicationError
from server.images.models import Image
from server.images.storage import THUMB, read, rendition_key
from server.labeling.models import Consensus
from server.pipeline import flows
from server.predictions.models import Prediction
from server.predictions.prompts import prompts_of
from server.taxonomy.models import Category, CategoryDescription
from server.taxonomy.services import revision

NEAREST = 12


class DescriptionInline(TabularInline):  # type: ignore[misc]
    model = CategoryDescription
    extra = 1
    hide_title = True
    formfield_overrides: ClassVar = {models.TextField: {"widget": UnfoldAdminTextInputWidget}}


class Tree(TreeAdmin):  # type: ignore[misc]
    """The tree's own page takes its context by name only; the theme hands it on by place."""

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        page: HttpResponse = super().changelist_view(request, extra_context=extra_context)
        return page


@admin.register(Category)
class CategoryAdmin(ModelAdmin, Tree):  # type: ignore[misc]
    """Categories are deprecated in the application, never deleted: labels name them."""

    position_field = "position"
    list_display = (*TreeAdmin.list_display, "project", "label_count", "predicted_count", "deprecated_at")
    list_display_links = ("indented_title",)
    list_filter = ("project",)
    list_select_related = ("project",)
    search_fields = ("name",)
    fields = ("name", "synonyms", "definition", "external_key", "nearest_images")
    readonly_fields = ("nearest_images",)
    inlines: ClassVar = [DescriptionInline]
    formfield_overrides: ClassVar = {
        models.TextField: {"widget": UnfoldAdminTextareaWidget(attrs={"rows": 3})},
        ArrayField: {"widget": UnfoldAdminTextInputWidget},
    }
    list_per_page = 500

    class Media:
        js = ("winnow_admin/taxonomy.js",)

    def has_delete_permission(self, request: HttpRequest, obj: Category | None = None) -> bool:
        return False

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False  # added in the application, or as a pasted list

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> Any:
        """The tree's order; the theme would put its own flat list here."""
        return TreeChangeList

    def get_queryset(self, request: HttpRequest) -> QuerySet[Category]:
        confirmed = Consensus.objects.filter(category=OuterRef("pk"), state="agreed")
        predicted = Prediction.objects.filter(category=OuterRef("pk"), run=OuterRef("project__active_run"))
        tree: QuerySet[Category] = super().get_queryset(request)
        counted: QuerySet[Category] = tree.annotate(n_confirmed=_counted(confirmed), n_predicted=_counted(predicted))
        return counted

    def tree_admin_context(self, request: HttpRequest) -> dict[str, Any]:
        """Small trees open whole."""
        return {"initiallyCollapseDepth": 1 if Category.objects.count() > self.list_per_page else 9}

    def is_valid_move(self, request: HttpRequest, move: Category, *, parent: Category | None, after: Any) -> bool:
        """Within its project only."""
        same = all(other is None or other.project_id == move.project_id for other in (parent, after))
        return same and bool(super().is_valid_move(request, move, parent=parent, after=after))

    def get_urls(self) -> list[URLPattern]:
        nearest = self.admin_site.admin_view(self.nearest)
        return [path("<int:category_id>/nearest", nearest, name="taxonomy_category_nearest"), *super().get_urls()]

    def move_node_view(self, request: HttpRequest) -> HttpResponse:
        """A drag is a change of the taxonomy like any other: numbered, in one transaction."""
        moved = str(request.POST.get("move", ""))
        category = Category.objects.filter(pk=int(moved)).first() if moved.isdecimal() else None
        if category is None or not self.has_change_permission(request, category):
            return HttpResponse("error", status=400)
        author = request.user if isinstance(request.user, User) else None
        with revision(project=category.project, action="move", author=author) as record:
            record.update(category=category.pk)
            answer: HttpResponse = super().move_node_view(request)
        return answer

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        author = request.user if isinstance(request.user, User) else None
        with revision(project=form.instance.project, action="update", author=author) as record:
            super().save_related(request, form, formsets, change)
            record.update(category=form.instance.pk, fields=form.changed_data)
        flows.after_taxonomy_changed(form.instance.project_id)

    @admin.display(description="Confirmed", ordering="n_confirmed")
    def label_count(self, category: Any) -> int:
        return int(category.n_confirmed)

    @admin.display(description="Predicted", ordering="n_predicted")
    def predicted_count(self, category: Any) -> int:
        return int(category.n_predicted)

    @admin.display(description="What its prompts find now")
    def nearest_images(self, category: Category) -> str:
        """Filled in by the page's script, so that the form never waits for a worker."""
        url = reverse("admin:taxonomy_category_nearest", args=[category.pk])
        return format_html('<div data-nearest="{}">…</div>', url)

    def nearest(self, request: HttpRequest, category_id: int) -> HttpResponse:
        """The images nearest to the category's prompts as saved, or why there are none."""
        category = get_object_or_404(Category.objects.select_related("project"), pk=category_id)
        if not self.has_view_permission(request, category):
            return HttpResponse(status=403)
        context: dict[str, Any] = {"texts": prompts_of(category, project=category.project).texts}
        try:
            context["images"] = _pictures(category, context["texts"])
        except ApplicationError as error:
            context["problem"] = error.message
        return TemplateResponse(request, "admin/taxonomy_nearest.html", context)


def _counted(rows: QuerySet[Any]) -> Coalesce:
    counted = rows.order_by().values("category").annotate(n=Count("*")).values("n")
    return Coalesce(Subquery(counted, output_field=IntegerField()), 0)


def _pictures(category: Category, texts: list[str]) -> list[dict[str, str]]:
    """Thumbnails inside the page: staff need not be members of the project, whose image routes answer members only."""
    found = by_texts(category.project, texts, limit=NEAREST)
    images = Image.objects.in_bulk([neighbor.image_id for neighbor in found])
    pictures = []
    for neighbor in found:
        image = images[neighbor.image_id]
        data = base64.b64encode(read(rendition_key(category.project_id, image.sha256, THUMB))).decode()
        told = {"name": image.original_name, "similarity": f"{neighbor.similarity:.2f}"}
        pictures.append({"data": f"data:image/jpeg;base64,{data}", **told})
    return pictures
