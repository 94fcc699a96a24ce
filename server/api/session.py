"""Logging in and out, and what a person may set about themselves."""

from hashlib import sha256
from typing import Any

from django.contrib.auth import authenticate, login, logout
from django.middleware.csrf import get_token
from django.urls import path
from django.utils.decorators import method_decorator
from django.views.decorators.csrf import csrf_protect
from drf_spectacular.utils import extend_schema
from rest_framework import exceptions, serializers
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.throttling import BaseThrottle
from rest_framework.views import APIView

from server.accounts.attempts import attempt_take
from server.accounts.models import User
from server.accounts.services import user_update
from server.api.base import ErrorBody, caller, read_body


class UserOut(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    username = serializers.CharField()
    first_name = serializers.CharField()
    is_staff = serializers.BooleanField()
    keymap = serializers.DictField()


class SessionOut(serializers.Serializer[Any]):
    user = UserOut()


class LoginIn(serializers.Serializer[Any]):
    username = serializers.CharField(max_length=150)
    password = serializers.CharField(max_length=1000, trim_whitespace=False)


class MeIn(serializers.Serializer[Any]):
    keymap = serializers.DictField(child=serializers.JSONField(), required=False)
    first_name = serializers.CharField(max_length=150, allow_blank=True, required=False)


class HealthOut(serializers.Serializer[Any]):
    status = serializers.CharField()


class LoginThrottle(BaseThrottle):
    """So many attempts a minute from one address, and on one account from wherever they come."""

    def __init__(self) -> None:
        self._wait_s = 0

    def allow_request(self, request: Request, view: APIView) -> bool:
        if request.method != "POST":
            return True
        name = request.data.get("username") if isinstance(request.data, dict) else None
        told = [f"address {self.get_ident(request)}", *([f"account {str(name).lower()}"] if name else [])]
        keys = [sha256(text.encode(errors="replace")).hexdigest() for text in told]
        self._wait_s = max(attempt_take(key=key) for key in keys)
        return self._wait_s == 0

    def wait(self) -> float:
        return self._wait_s


def session_out(user: User) -> dict[str, Any]:
    return {
        "user": {
            "id": user.pk,
            "username": user.username,
            "first_name": user.first_name,
            "is_staff": user.is_staff,
            "keymap": user.keymap,
        }
    }


@method_decorator(csrf_protect, name="dispatch")
class SessionView(APIView):
    """The browser's session. Every answer carries the CSRF cookie, also where nobody is logged in."""

    permission_classes = [AllowAny]
    throttle_classes = [LoginThrottle]

    @extend_schema(responses={200: SessionOut, 401: ErrorBody})
    def get(self, request: Request) -> Response:
        get_token(request._request)
        if not request.user.is_authenticated:
            raise exceptions.NotAuthenticated("Nobody is logged in.")
        return Response(session_out(caller(request)))

    @extend_schema(request=LoginIn, responses={200: SessionOut, 401: ErrorBody, 429: ErrorBody})
    def post(self, request: Request) -> Response:
        body = read_body(request, LoginIn)
        user = authenticate(request._request, username=body["username"], password=body["password"])
        if not isinstance(user, User):
            raise exceptions.AuthenticationFailed("This name and password do not belong together.")
        login(request._request, user)
        return Response(session_out(user))

    @extend_schema(request=None, responses={204: None})
    def delete(self, request: Request) -> Response:
        logout(request._request)
        return Response(status=204)


class MeView(APIView):
    @extend_schema(request=MeIn, responses=SessionOut)
    def patch(self, request: Request) -> Response:
        user = user_update(user=caller(request), changes=read_body(request, MeIn, partial=True))
        return Response(session_out(user))


class HealthView(APIView):
    """Whether this process answers. Says nothing about anything else."""

    permission_classes = [AllowAny]
    authentication_classes = []

    @extend_schema(responses=HealthOut)
    def get(self, request: Request) -> Response:
        return Response({"status": "ok"})


urlpatterns = [
    path("health", HealthView.as_view()),
    path("session", SessionView.as_view()),
    path("me", MeView.as_view()),
]
