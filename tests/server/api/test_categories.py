"""The taxonomy: pasted, edited, moved, deprecated; every change has a number."""

from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from server.projects.models import Project
from server.taxonomy.models import Category, TaxonomyRevision

LIST = """
Owls
    Barn owl | Tyto alba, church owl | pale face
    Grass owl
Foxes
\tRed fox
"""


def address(project: Project, rest: str = "") -> str:
    return f"/api/v1/projects/{project.pk}/categories{rest}"


def paste(client: APIClient, project: Project, text: str = LIST, **more: object) -> dict[str, object]:
    answer = client.post(address(project, "/bulk"), {"text": text, **more}, format="json")
    assert answer.status_code == 200, answer.content
    return dict(answer.json())


def test_a_pasted_list_becomes_a_tree(owner: APIClient, project: Project) -> None:
    result = paste(owner, project)
    assert result["created"] == ["Owls", "Foxes", "Owls › Barn owl", "Owls › Grass owl", "Foxes › Red fox"]
    tree = owner.get(address(project)).json()
    assert [item["path"] for item in tree["items"]] == [
        "Owls",
        "Owls › Barn owl",
        "Owls › Grass owl",
        "Foxes",
        "Foxes › Red fox",
    ]
    assert [item["depth"] for item in tree["items"]] == [0, 1, 1, 0, 1]
    assert [item["hue"] for item in tree["items"]] == [0, 0, 120, 240, 240]
    assert tree["items"][1]["synonyms"] == ["Tyto alba", "church owl"]
    assert tree["items"][1]["definition"] == "pale face"
    assert tree["revision"] == result["revision"] == 1


def test_pasting_again_makes_nothing_and_no_revision(owner: APIClient, project: Project) -> None:
    paste(owner, project)
    again = paste(owner, project, LIST.upper())
    assert again["created"] == []
    assert len(again["existing"]) == 5  # type: ignore[arg-type]
    assert again["revision"] == 1


def test_a_dry_run_shows_and_makes_nothing(owner: APIClient, project: Project) -> None:
    assert len(paste(owner, project, dry_run=True)["created"]) == 5  # type: ignore[arg-type]
    assert not Category.objects.exists()
    assert owner.get(address(project)).json()["revision"] == 0


def test_a_line_that_cannot_be_read_is_named_and_stops_no_other(owner: APIClient, project: Project) -> None:
    result = paste(owner, project, f"Owls\n{'x' * 201}\n|only a synonym\nFoxes")
    assert result["created"] == ["Owls", "Foxes"]
    assert [problem["line"] for problem in result["problems"]] == [2, 3]  # type: ignore[attr-defined]


def test_a_tree_costs_the_same_queries_with_5_and_with_500_categories(owner: APIClient, project: Project) -> None:
    paste(owner, project)
    with CaptureQueriesContext(connection) as few:
        owner.get(address(project))
    paste(owner, project, "\n".join(f"c{n} | s{n} | d" for n in range(500)))
    with CaptureQueriesContext(connection) as many:
        owner.get(address(project))
    assert len(many) == len(few)


def test_a_category_is_made_renamed_and_described(owner: APIClient, project: Project) -> None:
    made = owner.post(
        address(project),
        {"name": "Owl", "descriptions": [{"kind": "sentence", "text": "Hunts at night."}]},
        format="json",
    )
    assert made.status_code == 201
    one = address(project, f"/{made.json()['id']}")
    answer = owner.patch(one, {"name": "Owls", "synonyms": ["Strix", "strix", ""]}, format="json")
    assert (answer.json()["name"], answer.json()["synonyms"]) == ("Owls", ["Strix"])
    assert answer.json()["descriptions"][0]["text"] == "Hunts at night."
    assert [row.number for row in TaxonomyRevision.objects.all()] == [2, 1]


def test_a_name_is_unique_among_live_siblings(owner: APIClient, project: Project) -> None:
    paste(owner, project)
    assert owner.post(address(project), {"name": "owls"}, format="json").status_code == 409
    assert TaxonomyRevision.objects.count() == 1, "a refused change has no number"
    assert owner.get(address(project)).json()["revision"] == 1


def test_moving_keeps_siblings_in_order(owner: APIClient, project: Project) -> None:
    paste(owner, project, "a\nb\nc\nd")
    ids = dict(Category.objects.values_list("name", "pk"))
    owner.patch(address(project, f"/{ids['d']}"), {"position": 1}, format="json")
    assert [item["name"] for item in owner.get(address(project)).json()["items"]] == ["a", "d", "b", "c"]
    owner.patch(address(project, f"/{ids['d']}"), {"parent": ids["b"]}, format="json")
    assert [item["path"] for item in owner.get(address(project)).json()["items"]] == ["a", "b", "b › d", "c"]


def test_a_category_cannot_move_below_itself(owner: APIClient, project: Project) -> None:
    paste(owner, project)
    ids = dict(Category.objects.values_list("name", "pk"))
    answer = owner.patch(address(project, f"/{ids['Owls']}"), {"parent": ids["Barn owl"]}, format="json")
    assert answer.status_code == 400


def test_the_parent_must_be_of_the_same_project(owner: APIClient, project: Project, foreign_project: Project) -> None:
    theirs = Category.objects.create(project=foreign_project, name="Moth")
    assert owner.post(address(project), {"name": "Owl", "parent": theirs.pk}, format="json").status_code == 404
    assert owner.patch(address(project, f"/{theirs.pk}"), {"name": "x"}, format="json").status_code == 404
    assert owner.delete(address(project, f"/{theirs.pk}")).status_code == 404


def test_deprecating_takes_what_is_below_along_and_restoring_goes_from_the_top(
    owner: APIClient, project: Project
) -> None:
    paste(owner, project)
    ids = dict(Category.objects.values_list("name", "pk"))
    assert owner.delete(address(project, f"/{ids['Owls']}")).status_code == 204
    state = {item["name"]: item["deprecated"] for item in owner.get(address(project)).json()["items"]}
    assert state == {"Owls": True, "Barn owl": True, "Grass owl": True, "Foxes": False, "Red fox": False}
    assert owner.post(address(project, f"/{ids['Barn owl']}/restore")).status_code == 409
    assert owner.post(address(project, f"/{ids['Owls']}/restore")).json()["deprecated"] is False
    assert owner.post(address(project, f"/{ids['Barn owl']}/restore")).status_code == 200


def test_a_category_may_want_another_number_of_opinions_than_its_project(owner: APIClient, project: Project) -> None:
    paste(owner, project)
    one = address(project, f"/{Category.objects.get(name='Owls').pk}")
    assert owner.patch(one, {"overlap": 3}, format="json").json()["overlap"] == 3
    assert owner.patch(one, {"overlap": 0}, format="json").status_code == 400
    assert TaxonomyRevision.objects.first().payload["before"]["overlap"] is None
    assert owner.patch(one, {"overlap": None}, format="json").json()["overlap"] is None
