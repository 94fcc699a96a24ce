"""Pages of one proposed category: lease, commit by one key, undo by one key."""

from collections.abc import Sequence
from typing import Any, ClassVar
from uuid import UUID

from django.urls import path
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from server.api.base import ProjectView, caller, read_body
from server.api.links import image_link
from server.api.page_shapes import (
    CommitIn,
    CommittedOut,
    LeasePagesIn,
    LeasePagesOut,
    PagesIn,
    ReleasedOut,
    RenewedOut,
    TeachingOut,
    UndoIn,
    UndoneOut,
    committed_out,
    teaching_out,
)
from server.api.queue import card_out
from server.core.events import publish
from server.labeling.page_selectors import ImageCard, exemplars_of, image_cards, singles_beside, taught
from server.labeling.selectors import cards_for, images_remaining, queue_empty_reason
from server.labeling.services.leases import Leased, leases_hand_back, leases_release, leases_renew, leases_take
from server.labeling.services.page_commits import PageDecision, TileVerdict, images_of, page_commit
from server.labeling.services.page_leases import LeasedPage, pages_again, pages_take
from server.labeling.services.page_options import PageOptions
from server.labeling.services.page_stock import stock_fill_plain
from server.labeling.services.page_undo import page_undo
from server.labeling.services.queue import queue_top_up
from server.pipeline import flows
from server.projects.models import Project, Role
from server.taxonomy.models import Category

SINGLES = 5
"""Single images in place of a page, where there are no pages."""


class PagesLeaseView(ProjectView):
    """The next pages, with single images mixed in: the blind share, and as many hard ones."""

    roles: ClassVar = {"POST": Role.ANNOTATOR}

    @extend_schema(request=LeasePagesIn, responses=LeasePagesOut)
    def post(self, request: Request, project_id: int) -> Response:
        body = read_body(request, LeasePagesIn)
        user_id = caller(request).pk
        if body["holding"]:
            renew(self.project, user_id, body["holding"])
        pages = self._pages(user_id, body)
        singles = self._singles(user_id, pages, body)
        if not pages and not singles:
            pages = pages_again(project=self.project, user_id=user_id, count=body["count"], holding=body["holding"])
        if not pages and not singles and not body.get("category"):
            singles = self._own_again(user_id, SINGLES * body["count"], body["holding"])
        entries = mixed(pages_out(self.project, pages), singles_out(self.project, singles))
        return Response(
            {
                "entries": entries,
                "empty": None if entries else self._why_empty(user_id, body),
                "remaining": images_remaining(project_id=project_id),
                "teaching": teaching_out(taught(project_id=project_id)),
            }
        )

    def _pages(self, user_id: int, body: dict[str, Any]) -> list[LeasedPage]:
        wanted = {
            "project": self.project,
            "user_id": user_id,
            "tiles_max": body["tiles_max"],
            "category_id": body.get("category"),
        }
        pages = pages_take(**wanted, count=body["count"])
        if not pages and stock_fill_plain(project=self.project, category_id=body.get("category")):
            pages = pages_take(**wanted, count=body["count"])
        flows.after_pages_leased(self.project.pk)
        return pages

    def _singles(self, user_id: int, pages: Sequence[LeasedPage], body: dict[str, Any]) -> list[Leased]:
        project_id = self.project.pk
        if not pages:
            return [] if body.get("category") else self._next_singles(user_id, SINGLES * body["count"])
        blind = singles_beside(pages, project=self.project)
        if not blind:
            return []
        lease_s = PageOptions.of(self.project).lease_s
        got = leases_take(project_id=project_id, user_id=user_id, count=blind, lease_s=lease_s, blind_only=True)
        return got + leases_take(project_id=project_id, user_id=user_id, count=len(got), lease_s=lease_s)

    def _next_singles(self, user_id: int, count: int) -> list[Leased]:
        who: dict[str, Any] = {"project_id": self.project.pk, "user_id": user_id, "count": count}
        who["lease_s"] = PageOptions.of(self.project).lease_s
        got = leases_take(**who)
        if not got and queue_top_up(project=self.project, user_id=user_id, count=count):
            got = leases_take(**who)
        return got

    def _own_again(self, user_id: int, count: int, holding: list[UUID]) -> list[Leased]:
        lease_s = PageOptions.of(self.project).lease_s
        return leases_hand_back(
            project_id=self.project.pk, user_id=user_id, holding=holding, count=count, lease_s=lease_s
        )

    def _why_empty(self, user_id: int, body: dict[str, Any]) -> str:
        if body.get("category"):
            return "category_done"
        return queue_empty_reason(project_id=self.project.pk, user_id=user_id)


def mixed(pages: list[dict[str, Any]], singles: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Singles spread evenly among the pages."""
    entries = [{"kind": "page", "page": page, "item": None} for page in pages]
    for nth, item in enumerate(singles):
        entries.insert(
            (nth + 1) * (len(pages) + 1) // (len(singles) + 1) + nth, {"kind": "one", "page": None, "item": item}
        )
    return entries


def singles_out(project: Project, leased: Sequence[Leased]) -> list[dict[str, Any]]:
    if not leased:
        return []
    cards = cards_for(leased, project_id=project.pk, run_id=project.active_run_id, space_id=project.active_space_id)
    return [card_out(project.pk, card) for card in cards]


def pages_out(project: Project, pages: Sequence[LeasedPage]) -> list[dict[str, Any]]:
    """Three statements, however many pages."""
    if not pages:
        return []
    categories = [page.category_id for page in pages]
    exemplars = exemplars_of(categories, project_id=project.pk)
    cards = image_cards(image for page in pages for tile in page.tiles for image in images_of(tile))
    told = dict(Category.objects.filter(pk__in=categories).values_list("pk", "definition"))
    return [
        {
            "id": page.id,
            "lease_until": page.lease_until,
            "category": page.category_id,
            "definition": told[page.category_id],
            "reason": page.reason,
            "expected_precision": round(page.expected_precision, 4),
            "exemplars": [
                {
                    "id": image,
                    "thumb": image_link(project.pk, image),
                    "display": image_link(project.pk, image, "display"),
                }
                for image in exemplars[page.category_id]
            ],
            "tiles": [
                tile_out(project.pk, tile, cards[tile["image"]]) for tile in page.tiles if tile["image"] in cards
            ],
        }
        for page in pages
    ]


def tile_out(project_id: int, tile: dict[str, Any], card: ImageCard) -> dict[str, Any]:
    """Every field of a tile, and never whether it was planted."""
    return {
        "image": {
            "id": card.id,
            "name": card.name,
            "width": card.width,
            "height": card.height,
            "thumb": image_link(project_id, card.id),
            "display": image_link(project_id, card.id, "display"),
        },
        "suggestions": [{"category": category, "probability": chance} for category, chance in tile["suggestions"]],
        "duplicates": len(tile["folded"]),
    }


def renew(project: Project, user_id: int, pages: Sequence[UUID]) -> list[UUID]:
    lease_s = PageOptions.of(project).lease_s
    held = leases_renew(project_id=project.pk, user_id=user_id, tokens=list(pages), lease_s=lease_s)
    return sorted(set(held))


class PagesRenewView(ProjectView):
    """Keep pages a while longer: send it while a person is at work."""

    roles: ClassVar = {"POST": Role.ANNOTATOR}

    @extend_schema(request=PagesIn, responses=RenewedOut)
    def post(self, request: Request, project_id: int) -> Response:
        return Response({"pages": renew(self.project, caller(request).pk, read_body(request, PagesIn)["pages"])})


class PagesReleaseView(ProjectView):
    """Give pages back, as a closing tab does."""

    roles: ClassVar = {"POST": Role.ANNOTATOR}

    @extend_schema(request=PagesIn, responses=ReleasedOut)
    def post(self, request: Request, project_id: int) -> Response:
        pages = read_body(request, PagesIn)["pages"]
        return Response({"released": leases_release(project_id=project_id, user_id=caller(request).pk, tokens=pages)})


class PageCommitView(ProjectView):
    """One decision about a whole page. 201 when new, 200 when it was already there; never refused for being late."""

    roles: ClassVar = {"PUT": Role.ANNOTATOR}

    @extend_schema(request=CommitIn, responses={201: CommittedOut, 200: CommittedOut})
    def put(self, request: Request, project_id: int, page_id: UUID, commit_id: UUID) -> Response:
        body = read_body(request, CommitIn)
        decision = PageDecision(
            id=commit_id,
            page_id=page_id,
            tiles=[TileVerdict(tile["image"], tile["verdict"], tile.get("category")) for tile in body["tiles"]],
            duration_ms=body.get("duration_ms"),
            client_at=body.get("client_at"),
            input=body.get("input"),
        )
        committed = page_commit(decision, project=self.project, user_id=caller(request).pk)
        if committed.created:
            flows.after_page_committed(project_id)
            publish(project_id, "annotations")
        return Response(committed_out(project_id, committed), status=201 if committed.created else 200)


class PageUndoView(ProjectView):
    """Take a whole page back. The same id again changes nothing."""

    roles: ClassVar = {"POST": Role.ANNOTATOR}

    @extend_schema(request=UndoIn, responses=UndoneOut)
    def post(self, request: Request, project_id: int, commit_id: UUID) -> Response:
        undo_id = read_body(request, UndoIn)["id"]
        undone = page_undo(commit_id=commit_id, undo_id=undo_id, project=self.project, user_id=caller(request).pk)
        flows.after_page_committed(project_id)
        publish(project_id, "annotations")
        return Response({"undone": undone})


class TeachingView(ProjectView):
    """What the last corrections changed."""

    roles: ClassVar = {"GET": Role.VIEWER}

    @extend_schema(responses=TeachingOut)
    def get(self, request: Request, project_id: int) -> Response:
        return Response(teaching_out(taught(project_id=project_id)))


urlpatterns = [
    path("projects/<int:project_id>/pages/lease", PagesLeaseView.as_view()),
    path("projects/<int:project_id>/pages/renew", PagesRenewView.as_view()),
    path("projects/<int:project_id>/pages/release", PagesReleaseView.as_view()),
    path("projects/<int:project_id>/pages/<uuid:page_id>/commits/<uuid:commit_id>", PageCommitView.as_view()),
    path("projects/<int:project_id>/pages/commits/<uuid:commit_id>/undo", PageUndoView.as_view()),
    path("projects/<int:project_id>/teaching", TeachingView.as_view()),
]
