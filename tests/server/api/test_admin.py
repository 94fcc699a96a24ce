"""The dashboard: every page opens, and staff cannot give themselves powers."""

from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.test import Client

from server.accounts.models import User
from server.projects.models import Project
from server.taxonomy.models import Category, TaxonomyRevision
from tests.server.conftest import Actors


@pytest.fixture
def root(db: None) -> Client:
    client = Client()
    client.force_login(User.objects.create_superuser("root", password="x"))
    return client


@pytest.fixture
def owl(project: Project) -> Category:
    return Category.objects.create(project=project, name="Owl")


@pytest.mark.parametrize(
    "page",
    ["", "accounts/user/", "projects/project/", "taxonomy/category/", "jobs/job/", "images/importbatch/"],
)
def test_every_page_opens(root: Client, owl: Category, page: str) -> None:
    assert root.get(f"/admin/{page}").status_code == 200


def test_forms_open(root: Client, owl: Category, actors: Actors) -> None:
    for page in (
        f"accounts/user/{actors.owner.pk}/change/",
        f"projects/project/{owl.project_id}/change/",
        f"projects/project/{owl.project_id}/bulk",
        f"taxonomy/category/{owl.pk}/change/",
    ):
        assert root.get(f"/admin/{page}").status_code == 200, page


def test_a_pasted_list_becomes_categories(root: Client, project: Project) -> None:
    answer = root.post(f"/admin/projects/project/{project.pk}/bulk", {"text": "Owls\n  Barn owl"})
    assert answer.status_code == 200
    assert list(Category.objects.order_by("pk").values_list("name", flat=True)) == ["Owls", "Barn owl"]


def test_a_drag_moves_a_category_and_is_numbered(root: Client, project: Project, owl: Category) -> None:
    barn = Category.objects.create(project=project, name="Barn owl", position=1)
    move = {"move": barn.pk, "position": "first-child", "relative_to": owl.pk}
    assert root.post("/admin/taxonomy/category/move-node/", move).status_code == 200
    barn.refresh_from_db()
    assert barn.parent_id == owl.pk
    assert TaxonomyRevision.objects.get().action == "move"


def test_a_category_is_not_dragged_into_another_project(root: Client, owl: Category, foreign_project: Project) -> None:
    moth = Category.objects.create(project=foreign_project, name="Moth")
    root.post(
        "/admin/taxonomy/category/move-node/", {"move": moth.pk, "position": "first-child", "relative_to": owl.pk}
    )
    moth.refresh_from_db()
    assert moth.parent_id is None


def staff_that_edits_people(actors: Actors) -> Client:
    actors.staff.user_permissions.set(Permission.objects.filter(content_type__app_label="accounts"))
    client = Client()
    client.force_login(actors.staff)
    return client


def test_staff_cannot_make_themselves_superuser(actors: Actors) -> None:
    client = staff_that_edits_people(actors)
    me = actors.staff
    form = {"username": me.username, "first_name": "Eve", "is_active": "on", "is_staff": "on", "is_superuser": "on"}
    client.post(f"/admin/accounts/user/{me.pk}/change/", {**form, "user_permissions": ["1", "2"]})
    me.refresh_from_db()
    assert me.first_name == "Eve", "the form itself was accepted"
    assert not me.is_superuser
    assert not me.user_permissions.exclude(content_type__app_label="accounts").exists()


def test_staff_cannot_touch_a_superuser(actors: Actors) -> None:
    boss = User.objects.create_superuser("boss", password="x")
    client = staff_that_edits_people(actors)
    client.post(f"/admin/accounts/user/{boss.pk}/change/", {"username": "nobody"})
    client.post(f"/admin/accounts/user/{boss.pk}/password/", {"password1": "abcDEF123!", "password2": "abcDEF123!"})
    client.post(f"/admin/accounts/user/{boss.pk}/delete/", {"post": "yes"})
    boss.refresh_from_db()
    assert (boss.username, boss.check_password("x")) == ("boss", True)


def test_people_without_staff_rights_see_no_dashboard(actors: Actors) -> None:
    client = Client()
    client.force_login(actors.owner)
    assert client.get("/admin/").status_code == 302
    assert client.get("/admin/accounts/user/").status_code == 302


def test_the_tree_stands_in_its_own_order_with_its_counts(root: Client, project: Project, owl: Category) -> None:
    names = ["Fox", "Red fox", "Barn owl"]
    fox = Category.objects.create(project=project, name="Fox", position=1)
    Category.objects.create(project=project, name="Red fox", parent=fox)
    Category.objects.create(project=project, name="Barn owl", parent=owl)
    page = root.get("/admin/taxonomy/category/").content.decode()
    assert [page.index(f">{name}<") for name in ("Owl", "Barn owl", *names[:2])] == sorted(
        page.index(f">{name}<") for name in ("Owl", *names)
    )
    assert "object (" not in page


def test_the_tree_costs_the_same_queries_however_large(
    root: Client, project: Project, django_assert_max_num_queries: Any
) -> None:
    Category.objects.bulk_create(
        Category(project=project, name=f"Species {number}", position=number) for number in range(60)
    )
    with django_assert_max_num_queries(14):
        assert root.get("/admin/taxonomy/category/").status_code == 200


def test_the_first_page_lists_projects_with_what_is_in_them(root: Client, owl: Category, project: Project) -> None:
    page = root.get("/admin/").content.decode()
    assert project.name in page
    assert f"/admin/projects/project/{project.pk}/bulk" in page


def test_what_a_categorys_prompts_find_says_why_when_nothing_can_be_found(root: Client, owl: Category) -> None:
    answer = root.get(f"/admin/taxonomy/category/{owl.pk}/nearest")
    assert answer.status_code == 200
    assert "no vectors yet" in answer.content.decode()


def test_what_a_categorys_prompts_find_is_for_those_who_may_see_categories(actors: Actors, owl: Category) -> None:
    client = Client()
    client.force_login(actors.staff)
    assert client.get(f"/admin/taxonomy/category/{owl.pk}/nearest").status_code == 403
