"""The compose file: valid by the specification, without a secret of its own, and with no more rights than it needs."""

import json
import re
from typing import Any

import jsonschema
import pytest
import yaml

from tests.architecture.tree import ROOT

TEXT = (ROOT / "docker-compose.yml").read_text()
COMPOSE: dict[str, Any] = yaml.safe_load(TEXT)
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
SCHEMA = ROOT / "frontend" / "node_modules" / "dclint" / "schemas" / "compose.schema.json"
ONCE = {"migrate", "storage-owner", "storage-bucket"}
SILENT = {"beat"}
"""Beat's health is that of the queues which its canaries go through."""


def test_it_is_valid_by_the_compose_specification() -> None:
    if not SCHEMA.exists():
        pytest.skip("the specification's schema comes with the front end's packages: run `make setup`")
    schema = json.loads(SCHEMA.read_text())
    assert schema["title"] == "Compose Specification"
    errors = [error.message for error in jsonschema.Draft7Validator(schema).iter_errors(COMPOSE)]
    assert errors == []


def test_the_schema_would_notice_a_mistake() -> None:
    if not SCHEMA.exists():
        pytest.skip("the specification's schema comes with the front end's packages: run `make setup`")
    validator = jsonschema.Draft7Validator(json.loads(SCHEMA.read_text()))
    assert not validator.is_valid({"services": {"web": {"imagge": "winnow"}}})


def test_everything_that_runs_winnow_is_there() -> None:
    assert {"web", "worker-default", "worker-cpu", "worker-gpu", "worker-interactive", "beat"} <= set(SERVICES)
    assert {"postgres", "valkey", "storage"} <= set(SERVICES)


def test_every_queue_has_a_worker() -> None:
    commands = " ".join(str(service.get("command", "")) for service in SERVICES.values())
    assert set(re.findall(r"-Q (\w+)", commands)) == {"default", "ml", "interactive"}


def test_no_secret_has_a_default() -> None:
    secret = re.compile(r"\$\{(\w*(?:SECRET|PASSWORD|ACCESS)\w*)(:[^}]*)?\}")
    found = secret.findall(TEXT)
    assert {name for name, _ in found} == {
        "SECRET_KEY",
        "POSTGRES_PASSWORD",
        "VALKEY_PASSWORD",
        "S3_ACCESS_KEY",
        "S3_SECRET_KEY",
    }
    assert all(rest.startswith(":?") for _, rest in found)


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_a_service_has_no_more_rights_than_it_needs(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert "no-new-privileges:true" in service["security_opt"]
    assert "privileged" not in service
    if name != "storage-owner":
        assert not service["user"].startswith("0")


@pytest.mark.parametrize("name", sorted(set(SERVICES) - ONCE - SILENT))
def test_a_service_says_whether_it_is_well(name: str) -> None:
    assert SERVICES[name]["healthcheck"]["test"]


def test_only_the_web_is_reachable_and_only_from_this_machine_unless_told() -> None:
    published = {name: service["ports"] for name, service in SERVICES.items() if "ports" in service}
    assert published == {"web": ["${WINNOW_LISTEN:-127.0.0.1:8000}:8000"]}
    assert COMPOSE["networks"]["stores"] == {"internal": True}
    for name in ("postgres", "valkey", "storage"):
        assert SERVICES[name]["networks"] == ["stores"]


def test_every_image_names_its_version() -> None:
    images = {service["image"] for service in SERVICES.values() if service["image"] != "winnow"}
    assert all(re.search(r":[\w.-]*\d", image) for image in images)
