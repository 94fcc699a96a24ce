"""Logging in and out; what a person may set about themselves, and what not."""

from datetime import timedelta

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from server.accounts.attempts import attempt_take
from server.accounts.models import LoginAttempt, User
from server.projects.models import Project

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


def test_an_open_session_ends_with_the_account_and_with_the_password(alice: User) -> None:
    here, there = APIClient(), APIClient()
    for client in (here, there):
        client.force_login(alice)
        assert [client.get(SESSION).status_code for _ in range(3)] == [200, 200, 200]
    User.objects.filter(pk=alice.pk).update(is_active=False)
    assert here.get(SESSION).status_code == 401
    User.objects.filter(pk=alice.pk).update(is_active=True)
    assert here.get(SESSION).status_code == 200
    alice.set_password("another-long-passphrase")
    alice.save()
    assert there.get(SESSION).status_code == 401


def test_a_browser_that_changes_hands_is_the_second_persons(alice: User) -> None:
    bob = User.objects.create_user("bob", password="a-long-passphrase-for-bob")
    client = APIClient()
    for person in (alice, bob, alice):
        client.force_login(person)
        assert [client.get(SESSION).json()["user"]["username"] for _ in range(2)] == [person.username] * 2


def test_the_eleventh_attempt_in_a_minute_waits(alice: User) -> None:
    client = browser()
    headers = with_csrf(client)
    attempts = [
        client.post(SESSION, {"username": "alice", "password": "x"}, format="json", **headers) for _ in range(11)
    ]
    assert [answer.status_code for answer in attempts[:10]] == [401] * 10
    assert attempts[10].status_code == 429
    assert int(attempts[10]["Retry-After"]) > 0


def test_attempts_are_counted_by_all_processes_together(alice: User) -> None:
    assert [attempt_take(key="k", limit=3) for _ in range(3)] == [0, 0, 0]
    assert LoginAttempt.objects.filter(key="k").count() == 3  # rows that every process reads
    assert attempt_take(key="k", limit=3) > 50
    assert attempt_take(key="other", limit=3) == 0
    LoginAttempt.objects.filter(key="k").update(at=timezone.now() - timedelta(seconds=61))
    assert attempt_take(key="k", limit=3) == 0


def test_an_account_is_guarded_from_wherever_the_attempts_come(alice: User) -> None:
    answers = []
    for last in range(11):
        client = browser()
        body = {"username": "Alice", "password": "x"}
        address = {"REMOTE_ADDR": f"10.0.0.{last}", **with_csrf(client)}
        answers.append(client.post(SESSION, body, format="json", **address).status_code)
    assert answers == [401] * 10 + [429]


def test_every_write_with_a_session_needs_the_csrf_token(alice: User) -> None:
    client = browser()
    client.force_login(alice)
    project = "/api/v1/projects"
    assert client.post(project, {"name": "Moths"}, format="json").status_code == 403
    assert client.post(project, {"name": "Moths"}, format="json", HTTP_X_CSRFTOKEN="x" * 32).status_code == 403
    assert client.patch("/api/v1/me", {"first_name": "A"}, format="json").status_code == 403
    assert client.post("/api/v1/tokens", {"name": "t"}, format="json").status_code == 403
    assert not Project.objects.exists()
    assert client.post(project, {"name": "Moths"}, format="json", **with_csrf(client)).status_code == 201


def test_a_page_of_another_origin_is_refused_and_told_nothing(alice: User) -> None:
    client = browser()
    client.force_login(alice)
    evil = {"HTTP_ORIGIN": "https://evil.example", **with_csrf(client)}
    answer = client.post("/api/v1/projects", {"name": "Moths"}, format="json", **evil)
    assert answer.status_code == 403
    assert "Access-Control-Allow-Origin" not in client.get("/api/v1/projects", **evil).headers


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
