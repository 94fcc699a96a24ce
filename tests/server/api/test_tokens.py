"""API tokens: shown once, dead when revoked, unable to multiply."""

from rest_framework.test import APIClient

from server.accounts.models import ApiToken
from tests.server.conftest import Actors

TOKENS = "/api/v1/tokens"


def bearer(plain: str) -> APIClient:
    return APIClient(HTTP_AUTHORIZATION=f"Token {plain}")


def made(client: APIClient, **body: object) -> dict[str, object]:
    answer = client.post(TOKENS, {"name": "export script", **body}, format="json")
    assert answer.status_code == 201, answer.content
    return dict(answer.json())


def test_a_token_opens_what_its_person_may_see(owner: APIClient, project: object) -> None:
    plain = str(made(owner)["token"])
    assert bearer(plain).get("/api/v1/projects").json()["items"][0]["name"] == "Beetles"


def test_the_plain_token_is_nowhere_in_the_list_nor_in_the_database(owner: APIClient) -> None:
    plain = str(made(owner)["token"])
    assert plain not in owner.get(TOKENS).content.decode()
    assert not ApiToken.objects.filter(digest=plain).exists()


def test_a_revoked_token_is_dead_at_once(owner: APIClient) -> None:
    token = made(owner)
    assert owner.delete(f"{TOKENS}/{token['id']}").status_code == 204
    assert bearer(str(token["token"])).get("/api/v1/projects").status_code == 401


def test_an_expired_token_is_dead(owner: APIClient) -> None:
    token = made(owner, lifetime_days=1)
    ApiToken.objects.update(expires_at="2020-01-01T00:00Z")
    assert bearer(str(token["token"])).get("/api/v1/projects").status_code == 401


def test_the_tokens_of_a_disabled_person_are_dead(owner: APIClient, actors: Actors) -> None:
    token = made(owner)
    actors.owner.is_active = False
    actors.owner.save()
    assert bearer(str(token["token"])).get("/api/v1/projects").status_code == 401


def test_a_token_makes_and_lists_no_tokens(owner: APIClient) -> None:
    client = bearer(str(made(owner)["token"]))
    assert client.get(TOKENS).status_code == 401
    assert client.post(TOKENS, {"name": "child"}, format="json").status_code == 401


def test_nobody_revokes_the_token_of_another(owner: APIClient, outsider: APIClient) -> None:
    token = made(owner)
    assert outsider.delete(f"{TOKENS}/{token['id']}").status_code == 404
    assert ApiToken.objects.get().revoked_at is None
