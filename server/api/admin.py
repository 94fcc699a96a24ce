"""The dashboard for operators: people, projects, taxonomies, work in progress. Staff only; rights as Django's."""

from typing import Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from tree_queries.admin import TreeAdmin
from unfold.admin import ModelAdmin, TabularInline
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm
from unfold.widgets import UnfoldAdminTextareaWidget

from server.accounts.models import User
from server.core.errors import ApplicationError
from server.images.models import ImportBatch
from server.jobs.models import Job
from server.pipeline import flows
from server.projects.models import Membership, Project
from server.taxonomy.bulk import categories_paste
from server.taxonomy.models import Category, CategoryDescription
from server.taxonomy.services import revision

POWERS = ("is_superuser", "is_staff", "groups", "user_permissions")

admin.site.unregister(Group)


@admin.register(User)
class UserAdmin(DjangoUserAdmin, ModelAdmin):  # type: ignore[misc, type-arg]
    """Accounts. Only a superuser gives powers or touches another superuser."""

    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm
    list_display = ("username", "first_name", "email", "is_active", "is_staff", "last_login")

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> tuple[str, ...]:
        fixed = ("last_login", "date_joined")
        return fixed if request.user.is_superuser else (*fixed, *POWERS)

    def has_change_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        allowed: bool = super().has_change_permission(request, obj)
        return allowed and (request.user.is_superuser or obj is None or not obj.is_superuser)

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        allowed: bool = super().has_delete_permission(request, obj)
        return allowed and (request.user.is_superuser or obj is None or not obj.is_superuser)


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


@admin.register(Project)
class ProjectAdmin(ModelAdmin):  # type: ignore[misc]
    """Projects with their people, and a door to paste a taxonomy."""

    list_display = ("name", "image_count", "category_count", "labeled_count", "taxonomy_link", "created_at")
    search_fields = ("name",)
    fields = ("name", "description", "concept", "templates", "acquisition_function", "blind_share", "overlap")
    inlines: ClassVar = [MembershipInline]

    def has_delete_permission(self, request: HttpRequest, obj: Project | None = None) -> bool:
        return False  # a project is deleted by its owner, by name, and purged by a job

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False  # made in the application, where its creator becomes its owner

    def get_queryset(self, request: HttpRequest) -> QuerySet[Project]:
        return Project.objects.filter(archived_at__isnull=True).annotate(
            n_categories=Count("categories", filter=Q(categories__deprecated_at__isnull=True), distinct=True)
        )

    @admin.display(description="Images")
    def image_count(self, project: Project) -> int:
        return project.images.filter(state="ready").count()

    @admin.display(description="Categories", ordering="n_categories")
    def category_count(self, project: Any) -> int:
        return int(project.n_categories)

    @admin.display(description="Labeled")
    def labeled_count(self, project: Project) -> int:
        return project.consensuses.filter(state="agreed").count()

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
        context = {**self.admin_site.each_context(request), "title": project.name, "form": form, "result": result}
        return TemplateResponse(request, "admin/taxonomy_bulk.html", context)


class DescriptionInline(TabularInline):  # type: ignore[misc]
    model = CategoryDescription
    extra = 1


class DraggedTree(TreeAdmin):  # type: ignore[misc]
    """The tree's own page takes its context by name only; the theme hands it on by place."""

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        page: HttpResponse = super().changelist_view(request, extra_context=extra_context)
        return page


@admin.register(Category)
class CategoryAdmin(ModelAdmin, DraggedTree):  # type: ignore[misc]
    """One project's tree, by drag. Categories are deprecated in the application, never deleted: labels name them."""

    position_field = "position"
    list_display = (*TreeAdmin.list_display, "project", "label_count", "deprecated_at")
    list_display_links = ("indented_title",)
    list_filter = ("project",)
    search_fields = ("name",)
    fields = ("name", "synonyms", "definition", "external_key")
    inlines: ClassVar = [DescriptionInline]
    list_per_page = 500

    def has_delete_permission(self, request: HttpRequest, obj: Category | None = None) -> bool:
        return False

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def is_valid_move(self, request: HttpRequest, move: Category, *, parent: Category | None, after: Any) -> bool:
        """Within its project only."""
        same = all(other is None or other.project_id == move.project_id for other in (parent, after))
        return same and bool(super().is_valid_move(request, move, parent=parent, after=after))

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

    @admin.display(description="Confirmed")
    def label_count(self, category: Category) -> int:
        return int(category.consensuses.filter(state="agreed").count())


class ReadOnlyAdmin(ModelAdmin):  # type: ignore[misc]
    """To look at. What can be done is done in the application."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Job)
class JobAdmin(ReadOnlyAdmin):
    list_display = ("id", "kind", "project", "state", "done", "total", "failed", "message", "worker", "created_at")
    list_filter = ("state", "kind", "queue")
    list_select_related = ("project",)


@admin.register(ImportBatch)
class ImportBatchAdmin(ReadOnlyAdmin):
    list_display = ("id", "project", "source", "name", "received", "added", "duplicates", "rejected", "created_at")
    list_select_related = ("project",)
