"""A live server against its own description: generated requests crash nothing and are answered as written."""

import json
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings

from server.accounts.services import token_create
from tests.server.builders import World, predicted, with_vectors, world

pytestmark = [pytest.mark.flows, pytest.mark.django_db(transaction=True), pytest.mark.timeout(300)]
SCHEMA = json.loads((Path(__file__).resolve().parents[2] / "openapi.json").read_text())
EXAMPLES = 4
ENOUGH = settings(
    max_examples=EXAMPLES,
    derandomize=True,
    database=None,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture
def wood() -> World:
    made = with_vectors(world(images=4))
    predicted(made, dict.fromkeys(made.images, made.categories))
    made.label(made.images[0], made.categories[0])
    return made


def test_no_generated_request_breaks_the_server_or_its_promises(wood: World, live_server: Any) -> None:
    token = token_create(user=wood.people["owner"], name="schema")[1]
    real = {"project_id": wood.project.pk, "image_id": wood.images[0], "category_id": wood.categories[0]}
    broken: list[str] = []

    def ask(case: Any) -> None:
        case.path_parameters = {
            **(case.path_parameters or {}),
            **{k: v for k, v in real.items() if k in case.path_parameters},
        }
        answer = case.call(base_url=live_server.url, headers={"Authorization": f"Token {token}"}, timeout=30)
        told = f"{case.method} {case.formatted_path} {str(case.body)[:200]}: {answer.status_code}"
        if answer.status_code >= 500 and answer.status_code != 503:
            broken.append(told)
        elif answer.status_code >= 400 and answer.status_code != 405:
            body = answer.json()
            if set(body) != {"type", "code", "message", "fields", "request_id"}:
                broken.append(f"{told} {answer.text[:200]}")

    operations = 0
    for found in schemathesis.openapi.from_dict(SCHEMA).get_all_operations():
        operation = found.ok()
        if operation.method.upper() == "DELETE" and operation.path.endswith("{project_id}"):
            continue  # the project is what the other requests are about
        if operation.path.endswith("/manifest"):
            continue  # lines of JSON, which Schemathesis does not write: tests/server/api/test_imports.py does
        operations += 1
        ENOUGH(given(case=operation.as_strategy())(lambda case: ask(case)))()
    assert broken == []
    assert operations > 60
