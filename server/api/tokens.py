"""A person's own API tokens. Only a logged-in browser manages them: a leaked token cannot make more of itself."""

from typing import Any

from django.urls import path
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from server.accounts.models import ApiToken
from server.accounts.services import token_create, token_revoke, tokens_of
from server.api.authentication import SessionOnly
from server.api.base import caller, read_body
from server.core.errors import NotFound
from server.projects.selectors import NOT_HERE


class TokenIn(serializers.Serializer[Any]):
    name = serializers.CharField(max_length=100)
    lifetime_days = serializers.IntegerField(min_value=1, max_value=3650, required=False, allow_null=True)


class TokenOut(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    name = serializers.CharField()
    prefix = serializers.CharField()
    created_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField(allow_null=True)
    last_used_at = serializers.DateTimeField(allow_null=True)


class TokenList(serializers.Serializer[Any]):
    items = TokenOut(many=True)
    next = serializers.CharField(allow_null=True)


class TokenCreated(TokenOut):
    token = serializers.CharField(help_text="Shown this once.")


class TokensView(APIView):
    authentication_classes = [SessionOnly]

    @extend_schema(responses=TokenList)
    def get(self, request: Request) -> Response:
        return Response({"items": [token_out(token) for token in tokens_of(user=caller(request))], "next": None})

    @extend_schema(request=TokenIn, responses={201: TokenCreated})
    def post(self, request: Request) -> Response:
        body = read_body(request, TokenIn)
        token, plain = token_create(user=caller(request), name=body["name"], lifetime_days=body.get("lifetime_days"))
        return Response({**token_out(token), "token": plain}, status=201)


class TokenView(APIView):
    authentication_classes = [SessionOnly]

    @extend_schema(request=None, responses={204: None})
    def delete(self, request: Request, token_id: int) -> Response:
        token = tokens_of(user=caller(request)).filter(pk=token_id).first()
        if token is None:
            raise NotFound(NOT_HERE)
        token_revoke(token=token)
        return Response(status=204)


def token_out(token: ApiToken) -> dict[str, Any]:
    return {
        "id": token.pk,
        "name": token.name,
        "prefix": token.prefix,
        "created_at": token.created_at,
        "expires_at": token.expires_at,
        "last_used_at": token.last_used_at,
    }


urlpatterns = [path("tokens", TokensView.as_view()), path("tokens/<int:token_id>", TokenView.as_view())]
