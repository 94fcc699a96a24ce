"""Logging in and out; what a person may set about themselves, and what not."""

import pytest
from rest_framework.test import APIClient

from server.accounts.models import User

SESSION = "/api/v1/session"


@pytest.fixture
def alice(db: None) -> User:
    return User.objects.create_user("alice", password="a long enough password")


def browser() -> APIClient:
    return APIClient(enforce_csrf_checks=True)


def with_csrf(client: APIClient) -> dict[str, str]:
    client.get(SESSION)
    return {"HTTP_X_CSRFTOKEN": client.cookies["csrftoken"].value}


def test_nobody_logged_in_is_401_and_still_gets_the_csrf_cookie(db: None) -> None:
    client = browser()
    answer = client.get(SESSION)
    assert answer.status_code == 401
    assert answer.json()["code"] == "not_authenticated"
    assert client.cookies["csrftoken"].value


def test_a_person_logs_in_and_out(alice: User) -> None:
    client = browser()
    credentials = {"username": "alice", "password": "a long enough password"}
    answer = client.post(SESSION, credentials, format="json", **with_csrf(client))
    assert answer.status_code == 200
    assert answer.json()["user"]["username"] == "alice"
    assert client.get(SESSION).status_code == 200
    assert client.delete(SESSION, **with_csrf(client)).status_code == 204
    assert client.get(SESSION).status_code == 401


def test_logging_in_needs_the_csrf_token(alice: User) -> None:
    answer = browser().post(SESSION, {"username": "alice", "password": "a long enough password"}, format="json")
    assert answer.status_code == 403
    assert answer.json()["code"] == "csrf"


def test_a_wrong_password_and_an_unknown_name_answer_alike(alice: User) -> None:
    client = browser()
    wrong = client.post(SESSION, {"username": "alice", "password": "x"}, format="json", **with_csrf(client))
    unknown = client.post(SESSION, {"username": "nobody", "password": "x"}, format="json", **with_csrf(client))
    assert (wrong.status_code, unknown.status_code) == (401, 401)
    assert wrong.json()["message"] == unknown.json()["message"]


def test_a_disabled_person_cannot_log_in(alice: User) -> None:
    User.objects.update(is_active=False)
    client = browser()
    credentials = {"username": "alice", "password": "a long enough password"}
    assert client.post(SESSION, credentials, format="json", **with_csrf(client)).status_code == 401


def test_the_eleventh_attempt_in_a_minute_waits(alice: User) -> None:
    client = browser()
    headers = with_csrf(client)
    attempts = [
        client.post(SESSION, {"username": "alice", "password": "x"}, format="json", **headers) for _ in range(11)
    ]
    assert [answer.status_code for answer in attempts[:10]] == [401] * 10
    assert attempts[10].status_code == 429
    assert int(attempts[10]["Retry-After"]) > 0


def test_a_person_sets_keymap_and_first_name_and_nothing_else(alice: User) -> None:
    client = APIClient()
    client.force_login(alice)
    wishes = {
        "first_name": "Alice",
        "keymap": {"skip": "x"},
        "is_staff": True,
        "is_superuser": True,
        "username": "root",
        "id": 1,
        "password": "x",
    }
    answer = client.patch("/api/v1/me", wishes, format="json")
    assert answer.json()["user"] == {
        "id": alice.pk,
        "username": "alice",
        "first_name": "Alice",
        "is_staff": False,
        "keymap": {"skip": "x"},
    }
    alice.refresh_from_db()
    assert (alice.is_superuser, alice.check_password("a long enough password")) == (False, True)


def test_a_keymap_of_more_than_eight_kib_is_refused(alice: User) -> None:
    client = APIClient()
    client.force_login(alice)
    assert client.patch("/api/v1/me", {"keymap": {"k": "x" * 9000}}, format="json").status_code == 400
