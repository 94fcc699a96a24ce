"""Images: browse, look closer, fetch bytes, delete."""

from typing import Any

from django.http import HttpResponse, HttpResponseBase
from django.http.request import HttpHeaders
from django.urls import path
from django.utils.http import content_disposition_header
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from server.api.base import ErrorBody, PageParams, ProjectView, read_params
from server.api.links import image_link
from server.api.pagination import Key, read_cursor, write_cursor
from server.api.streaming import stored_file
from server.core.errors import NotFound
from server.images.formats import CONTENT_TYPES, content_type_of
from server.images.models import Image, ImageState
from server.images.selectors import image_of
from server.images.storage import SIZES, original_key, read, rendition_key
from server.insights.browse import ORDERS, STATES, Filters, image_story, images_page
from server.insights.facets import images_facets
from server.labeling.models import ConsensusState, Evidence, Kind
from server.pipeline import flows
from server.pipeline.deletion import image_delete
from server.projects.models import Role
from server.projects.selectors import NOT_HERE
from server.snapshots.naming import plain_file_name
from server.taxonomy.selectors import categories_of
from server.taxonomy.tree import descendants

FOREVER = "private, max-age=31536000, immutable"
SANDBOX = "sandbox; default-src 'none'"


class ImageConsensus(serializers.Serializer[Any]):
    category = serializers.IntegerField(allow_null=True)
    state = serializers.ChoiceField(choices=ConsensusState.choices)
    evidence = serializers.ChoiceField(choices=Evidence.choices)
    blind = serializers.BooleanField()


class PredictionOut(serializers.Serializer[Any]):
    category = serializers.IntegerField()
    probability = serializers.FloatField()
    margin = serializers.FloatField()
    entropy = serializers.FloatField()


class ImageItem(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    name = serializers.CharField()
    width = serializers.IntegerField(allow_null=True)
    height = serializers.IntegerField(allow_null=True)
    thumb = serializers.CharField()
    display = serializers.CharField()
    duplicates = serializers.IntegerField()
    consensus = ImageConsensus(allow_null=True)
    prediction = PredictionOut(allow_null=True, help_text="Null for an image drawn blind until it is answered.")


class ImageList(serializers.Serializer[Any]):
    items = ImageItem(many=True)
    next = serializers.CharField(allow_null=True)


class SuggestionItem(serializers.Serializer[Any]):
    category = serializers.IntegerField()
    probability = serializers.FloatField()


class HistoryItem(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    sequence = serializers.IntegerField()
    kind = serializers.ChoiceField(choices=Kind.choices)
    category = serializers.IntegerField(allow_null=True)
    annotator = serializers.CharField(allow_null=True)
    evidence = serializers.ChoiceField(choices=Evidence.choices)
    evidence_details = serializers.DictField()
    comment = serializers.CharField()
    duration_ms = serializers.IntegerField(allow_null=True)
    created_at = serializers.DateTimeField()
    undone = serializers.BooleanField()


class ImageDetail(ImageItem):
    original_name = serializers.CharField()
    byte_size = serializers.IntegerField()
    format = serializers.CharField()
    sha256 = serializers.CharField()
    batch = serializers.IntegerField(allow_null=True)
    created_at = serializers.DateTimeField()
    suggestions = SuggestionItem(many=True)
    history = HistoryItem(many=True)


class FacetCount(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    count = serializers.IntegerField()


class AnnotatorCount(FacetCount):
    username = serializers.CharField()


class FacetsOut(serializers.Serializer[Any]):
    categories = FacetCount(many=True)
    predicted = FacetCount(many=True)
    state = serializers.DictField(child=serializers.IntegerField())
    evidence = serializers.DictField(child=serializers.IntegerField())
    annotators = AnnotatorCount(many=True)
    total = serializers.IntegerField()


class FilterParams(serializers.Serializer[Any]):
    category = serializers.IntegerField(required=False, help_text="Agreed category, or any below it.")
    predicted = serializers.IntegerField(required=False, help_text="Predicted category, or any below it.")
    state = serializers.ChoiceField(choices=list(STATES), required=False)
    evidence = serializers.ChoiceField(choices=Evidence.choices, required=False)
    annotator = serializers.IntegerField(required=False, min_value=0, max_value=2**62)
    blind = serializers.BooleanField(required=False, allow_null=True, default=None)
    margin_max = serializers.FloatField(required=False, min_value=0, max_value=1)
    probability_min = serializers.FloatField(required=False, min_value=0, max_value=1)
    probability_max = serializers.FloatField(required=False, min_value=0, max_value=1)
    batch = serializers.IntegerField(required=False, min_value=0, max_value=2**62)
    duplicates = serializers.BooleanField(required=False, allow_null=True, default=None)
    gold = serializers.BooleanField(required=False, allow_null=True, default=None)
    changed = serializers.IntegerField(
        required=False, min_value=1, max_value=2**31 - 1, help_text="Version of a teaching: what it changed."
    )
    search = serializers.CharField(required=False, max_length=200, allow_blank=True, default="")


class BrowseParams(FilterParams, PageParams):
    order = serializers.ChoiceField(choices=list(ORDERS), default="newest")


def image_item(project_id: int, row: dict[str, Any]) -> dict[str, Any]:
    """An image as every list shows it, from the columns that `insights.browse` selects."""
    consensus = row["c_state"] and {
        "category": row["c_category"],
        "state": row["c_state"],
        "evidence": row["c_evidence"],
        "blind": row["c_blind"],
    }
    prediction = row["p_category"] and {
        "category": row["p_category"],
        "probability": row["p_probability"],
        "margin": row["p_margin"],
        "entropy": row["p_entropy"],
    }
    return {
        "id": row["id"],
        "name": row["name"],
        "width": row["width"],
        "height": row["height"],
        "thumb": image_link(project_id, row["id"], "thumb"),
        "display": image_link(project_id, row["id"], "display"),
        "duplicates": row["duplicates"],
        "consensus": consensus or None,
        "prediction": prediction or None,
    }


class BrowseView(ProjectView):
    """What the list and its facets share."""

    def filters(self, params: dict[str, Any]) -> Filters:
        values = {key: value for key, value in params.items() if key in Filters.__dataclass_fields__}
        for name in {"category", "predicted"} & values.keys():
            tree = categories_of(self.project).values_list("id", "parent_id")
            values[name] = sorted(descendants(tree, values[name]))
        return Filters(**values)


class ImagesView(BrowseView):
    roles = {"GET": Role.VIEWER}

    @extend_schema(operation_id="projects_images_list", parameters=[BrowseParams], responses=ImageList)
    def get(self, request: Request, project_id: int) -> Response:
        params = read_params(request, BrowseParams)
        order, limit = params["order"], params["limit"]
        keys = (Key(ORDERS[order][0], kind=float), Key("i.id"))
        after = read_cursor(params["cursor"], keys) if params.get("cursor") else None
        rows = images_page(
            self.project,
            filters=self.filters(params),
            order=order,
            after=(after[0], after[1]) if after else None,
            limit=limit + 1,
        )
        following = None
        if len(rows) > limit:
            last = rows[limit - 1]
            column = ORDERS[order][0].replace(".", "_")
            following = write_cursor([last.get(column, last["id"]), last["id"]])
        return Response({"items": [image_item(project_id, row) for row in rows[:limit]], "next": following})


class FacetsView(BrowseView):
    roles = {"GET": Role.VIEWER}

    @extend_schema(parameters=[FilterParams], responses=FacetsOut)
    def get(self, request: Request, project_id: int) -> Response:
        return Response(images_facets(self.project, filters=self.filters(read_params(request, FilterParams))))


class ImageView(ProjectView):
    roles = {"GET": Role.VIEWER, "DELETE": Role.OWNER}

    @extend_schema(responses=ImageDetail)
    def get(self, request: Request, project_id: int, image_id: int) -> Response:
        story = image_story(self.project, image_id=image_id)
        if story is None:
            raise NotFound(NOT_HERE)
        details = dict(story.details)
        pairs = zip(details.pop("top_categories") or [], details.pop("top_probabilities") or [], strict=False)
        details.pop("duplicate_group")
        history = [{key: value for key, value in event.items() if key != "annotator_id"} for event in story.history]
        return Response(
            {
                **image_item(project_id, story.row),
                **details,
                "suggestions": [{"category": category, "probability": share} for category, share in pairs],
                "history": history,
            }
        )

    @extend_schema(request=None, responses={204: None, 409: ErrorBody})
    def delete(self, request: Request, project_id: int, image_id: int) -> Response:
        image_delete(project_id=project_id, image_id=image_id)
        flows.after_image_deleted(project_id)
        return Response(status=204)


def with_image_headers(response: HttpResponseBase, *, name: str, download: bool) -> HttpResponseBase:
    """Headers of image bytes: cached for ever by their address, never run by a browser, named as RFC 6266 says."""
    response.headers["Cache-Control"] = FOREVER
    response.headers["Content-Security-Policy"] = SANDBOX
    response.headers["Content-Disposition"] = content_disposition_header(download, name) or "inline"
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response


def not_modified(headers: HttpHeaders, etag: str) -> bool:
    return etag in headers.get("If-None-Match", "")


class RenditionView(ProjectView):
    """The thumbnail or the screen copy. Its type is decided by its bytes, which we wrote."""

    roles = {"GET": Role.VIEWER}
    size = "thumb"

    @extend_schema(responses={(200, "image/jpeg"): OpenApiTypes.BINARY})
    def get(self, request: Request, project_id: int, image_id: int) -> HttpResponseBase:
        image = _shown(project_id, image_id)
        etag = f'"{image.sha256}-{self.size}"'
        if not_modified(request.headers, etag):
            return with_image_headers(HttpResponse(status=304), name="", download=False)
        try:
            data = read(rendition_key(project_id, image.sha256, SIZES[self.size]))
        except FileNotFoundError as error:
            raise NotFound("The bytes of this image are missing from storage.") from error
        response = HttpResponse(data, content_type=content_type_of(data[:16]))
        response.headers["ETag"] = etag
        return with_image_headers(response, name=f"{image.pk}-{self.size}.jpg", download=False)


class OriginalView(ProjectView):
    """The bytes as they came, with whatever their metadata tells (place, camera, owner): not for viewers."""

    roles = {"GET": Role.ANNOTATOR}

    @extend_schema(responses={(200, "image/*"): OpenApiTypes.BINARY})
    def get(self, request: Request, project_id: int, image_id: int) -> HttpResponseBase:
        image = _shown(project_id, image_id)
        name = plain_file_name(original_name=image.original_name or f"{image.pk}", format=image.format)
        response = stored_file(
            key=original_key(project_id, image.sha256),
            file_name=name,
            content_type=CONTENT_TYPES.get(image.format, "application/octet-stream"),
            byte_size=image.byte_size,
        )
        return with_image_headers(response, name=name, download=True)


def _shown(project_id: int, image_id: int) -> Image:
    image = image_of(project_id=project_id, image_id=image_id)
    if image.state != ImageState.READY:
        raise NotFound(NOT_HERE)
    return image


BASE = "projects/<int:project_id>/images"
urlpatterns = [
    path(BASE, ImagesView.as_view()),
    path(f"{BASE}/facets", FacetsView.as_view()),
    path(f"{BASE}/<int:image_id>", ImageView.as_view()),
    path(f"{BASE}/<int:image_id>/thumb", RenditionView.as_view(size="thumb")),
    path(f"{BASE}/<int:image_id>/display", RenditionView.as_view(size="display")),
    path(f"{BASE}/<int:image_id>/original", OriginalView.as_view()),
]
