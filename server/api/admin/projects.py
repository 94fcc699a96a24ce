"""Projects with their people, and the door to paste a taxonomy."""

from typing import Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.db.models import Count, IntegerField, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from unfold.admin import ModelAdmin, TabularInline
from unfold.widgets import UnfoldAdminTextareaWidget

from server.accounts.models import User
from server.core.errors import ApplicationError
from server.images.models import Image
from server.labeling.models import Consensus
from server.pipeline import flows
from server.projects.models import Membership, Project
from server.taxonomy.bulk import categories_paste


class MembershipInline(TabularInline):  # type: ignore[misc]
    model = Membership
    extra = 0
    autocomplete_fields = ("user",)


class BulkForm(forms.Form):
    """A list of names, as the project page takes it."""

    text = forms.CharField(
        label="One name a line; indent for children; “name | synonym, synonym | definition”",
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 18}),
        max_length=1_000_000,
        strip=False,
    )
    dry_run = forms.BooleanField(label="Only show what would be made", required=False)


def projects_with_counts() -> QuerySet[Project]:
    """Projects that are not deleted, each with `n_images`, `n_categories` and `n_labeled`. One query."""
    images = Image.objects.filter(project=OuterRef("pk"), state="ready")
    labeled = Consensus.objects.filter(project=OuterRef("pk"), state="agreed")
    return Project.objects.filter(archived_at__isnull=True).annotate(
        n_categories=Count("categories", filter=Q(categories__deprecated_at__isnull=True)),
        n_images=_counted(images),
        n_labeled=_counted(labeled),
    )


def _counted(rows: QuerySet[Any]) -> Coalesce:
    counted = rows.order_by().values("project").annotate(n=Count("pk")).values("n")
    return Coalesce(Subquery(counted, output_field=IntegerField()), 0)


def first_page(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """What the dashboard opens with, for whoever may see projects."""
    allowed = request.user.has_perm("projects.view_project")
    return {**context, "projects": projects_with_counts() if allowed else []}


@admin.register(Project)
class ProjectAdmin(ModelAdmin):  # type: ignore[misc]
    """What a project is set to, and who is in it."""

    list_display = ("name", "image_count", "category_count", "labeled_count", "taxonomy_link", "created_at")
    search_fields = ("name",)
    fields = ("name", "description", "concept", "templates", "acquisition_function", "blind_share", "overlap")
    inlines: ClassVar = [MembershipInline]

    def has_delete_permission(self, request: HttpRequest, obj: Project | None = None) -> bool:
        return False  # a project is deleted by its owner, by name, and purged by a job

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False  # made in the application, where its creator becomes its owner

    def get_queryset(self, request: HttpRequest) -> QuerySet[Project]:
        return projects_with_counts()

    @admin.display(description="Images", ordering="n_images")
    def image_count(self, project: Any) -> int:
        return int(project.n_images)

    @admin.display(description="Categories", ordering="n_categories")
    def category_count(self, project: Any) -> int:
        return int(project.n_categories)

    @admin.display(description="Labeled", ordering="n_labeled")
    def labeled_count(self, project: Any) -> int:
        return int(project.n_labeled)

    @admin.display(description="Taxonomy")
    def taxonomy_link(self, project: Project) -> str:
        tree = reverse("admin:taxonomy_category_changelist") + f"?project__id__exact={project.pk}"
        bulk = reverse("admin:projects_project_bulk", args=[project.pk])
        return format_html('<a href="{}">Tree</a> · <a href="{}">Paste a list</a>', tree, bulk)

    def get_urls(self) -> list[URLPattern]:
        bulk = path("<int:project_id>/bulk", self.admin_site.admin_view(self.bulk), name="projects_project_bulk")
        return [bulk, *super().get_urls()]

    def bulk(self, request: HttpRequest, project_id: int) -> HttpResponse:
        """Paste a list, look at what it would make, make it."""
        project = get_object_or_404(Project, pk=project_id)
        if not self.has_change_permission(request, project):
            return redirect("admin:index")
        form = BulkForm(request.POST or None)
        result = None
        if request.method == "POST" and form.is_valid():
            author = request.user if isinstance(request.user, User) else None
            try:
                result = categories_paste(project=project, author=author, **form.cleaned_data)
            except ApplicationError as error:
                messages.error(request, error.message)
            else:
                if result.created and not form.cleaned_data["dry_run"]:
                    flows.after_taxonomy_changed(project.pk)
                    messages.success(request, f"{len(result.created)} categories made.")
        title = f"Paste a list into {project.name}"
        context = {**self.admin_site.each_context(request), "title": title, "form": form, "result": result}
        return TemplateResponse(request, "admin/taxonomy_bulk.html", context)
