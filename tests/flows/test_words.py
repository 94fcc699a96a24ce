"""Twenty trained categories, real photographs, real workers: the twenty-first by a sentence, and away again."""

import contextlib
import http.cookiejar
import json
import os
import signal
import sys
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from tests.installation import PERSON, Installation

pytestmark = [pytest.mark.flows, pytest.mark.timeout(900)]
PARQUET = Path(__file__).resolve().parents[3] / "shared" / "data" / "tiny-imagenet-160.parquet"
CATEGORIES, EACH, TAUGHT = 21, 12, 8
SENTENCE = "a {} in the middle of the photograph, as one would describe it to somebody who has never seen one"


class Client:
    """A person at the REST API, with the cookies of a browser."""

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")
        self.jar = http.cookiejar.CookieJar()
        self.opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(self.jar))

    def __call__(self, method: str, path: str, body: Any = None, *, form: tuple[str, bytes] | None = None) -> Any:
        headers = {"Referer": self.url, "Content-Type": form[0] if form else "application/json"}
        token = next((cookie.value for cookie in self.jar if cookie.name == "csrftoken"), None)
        headers |= {"X-CSRFToken": token} if token else {}
        data = form[1] if form else None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.url}/api/v1{path}", data, headers, method=method)
        try:
            answer = self.opener.open(request, timeout=60)
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{method} {path}: {error.code} {error.read().decode()}") from error
        with answer:
            content = answer.read()
        return json.loads(content) if content else None

    def send(self, path: str, name: str, content: bytes) -> None:
        edge = uuid.uuid4().hex
        head = f'--{edge}\r\nContent-Disposition: form-data; name="files"; filename="{name}"\r\n'
        body = f"{head}Content-Type: image/jpeg\r\n\r\n".encode() + content + f"\r\n--{edge}--\r\n".encode()
        self("POST", path, form=(f"multipart/form-data; boundary={edge}", body))


def eventually(condition: Callable[[], Any], what: str, *, seconds: float = 300, every: float = 0.05) -> Any:
    give_up = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < give_up, f"still waiting for {what}"
        time.sleep(every)
    return found


@pytest.fixture(scope="module")
def client(winnow: Installation) -> Client:
    if not PARQUET.exists():
        pytest.skip("needs ../shared/data/tiny-imagenet-160.parquet, which is not here")
    client = Client(winnow.facts()["url"])
    with contextlib.suppress(AssertionError):  # nobody is logged in, and now there is a token
        client("GET", "/session")
    client("POST", "/session", {"username": PERSON[0], "password": PERSON[1]})
    return client


def photographs() -> dict[str, list[bytes]]:
    table = pq.read_table(PARQUET, columns=["name", "image"])
    names = sorted(set(table["name"].to_pylist()))[:: 160 // CATEGORIES][:CATEGORIES]
    return {name: table.filter(pc.equal(table["name"], name))["image"].slice(0, EACH).to_pylist() for name in names}


def prepare(client: Client, files: dict[str, list[bytes]]) -> tuple[int, str]:
    """A project whose first twenty categories were labeled, some images of each; its last one is nowhere mentioned."""
    names = list(files)
    project = client("POST", "/projects", {"name": "Things", "encoder": "demo"})["id"]
    base = f"/projects/{project}"
    client("POST", f"{base}/categories/bulk", {"text": "\n".join(names[:-1])})
    batch = client("POST", f"{base}/imports", {"source": "browser", "name": "photographs"})["id"]
    for place, name in enumerate(names):
        for number, content in enumerate(files[name]):
            client.send(f"{base}/imports/{batch}/files", f"{place:02}-{number:02}.jpg", content)
    client("POST", f"{base}/imports/{batch}/finish", {})
    many = CATEGORIES * EACH
    eventually(lambda: client("GET", f"{base}/overview")["counts"]["predicted"] == many, "predictions", every=1)
    ids = {item["name"]: item["id"] for item in client("GET", f"{base}/categories")["items"]}
    for image in all_images(client, base):
        place, number = int(image["name"][:2]), int(image["name"][3:5])
        if place < CATEGORIES - 1 and number < TAUGHT:
            body = {"image": image["id"], "kind": "label", "category": ids[names[place]]}
            client("PUT", f"{base}/annotations/{uuid.uuid4()}", body)
    client("POST", f"{base}/predictions")
    return project, names[-1]


def all_images(client: Client, base: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    cursor = ""
    while True:
        page = client("GET", f"{base}/images?limit=200{cursor}")
        found += page["items"]
        if not page["next"]:
            return found
        cursor = f"&cursor={page['next']}"


def live_rows(winnow: Installation, project: int) -> list[tuple[Any, ...]]:
    statement = (
        "SELECT p.image_id, p.top_categories, p.top_probabilities, p.margin, p.entropy FROM predictions_prediction p"
        " JOIN projects_project j ON j.active_run_id = p.run_id WHERE j.id = %s ORDER BY p.image_id"
    )
    with psycopg.connect(winnow.facts()["environment"]["DATABASE_URL"]) as connection:
        return connection.execute(statement, [project]).fetchall()


def live_base(winnow: Installation, project: int) -> dict[str, Any] | None:
    statement = (
        "SELECT r.details->'base' FROM predictions_predictionrun r"
        " JOIN projects_project j ON j.active_run_id = r.id WHERE j.id = %s"
    )
    with psycopg.connect(winnow.facts()["environment"]["DATABASE_URL"]) as connection:
        row = connection.execute(statement, [project]).fetchone()
    return row[0] if row else None


def test_a_category_added_by_a_sentence_changes_predictions_at_once_and_leaves_without_a_trace(
    winnow: Installation, client: Client
) -> None:
    project, new = prepare(client, photographs())
    base = f"/projects/{project}"
    eventually(lambda: live_base(winnow, project), "a trained head", every=0.5)
    kinds = {"predict", "train", "rehearse"}
    eventually(
        lambda: not kinds & {job["kind"] for job in client("GET", f"{base}/jobs?live=true")["items"]},
        "the background to be done",
        seconds=600,
        every=1,
    )
    head, rows = live_base(winnow, project), live_rows(winnow, project)
    trainer = winnow.pid_of("worker-ml")
    assert trainer is not None
    os.kill(trainer, signal.SIGSTOP)  # busy for good: nothing may wait for it
    try:
        added, category = seconds_until_predicted(client, base, new)
        sys.stdout.write(f"predictions with the new category after {added:.2f} s ({len(rows)} images)\n")
        mark = next(i for i in client("GET", f"{base}/categories")["items"] if i["id"] == category)["from_words"]
        assert (mark["examples"], mark["words_share"]) == (0, 1.0)
        assert mark["measured"]["classes"] == CATEGORIES - 1
        tried = client("POST", f"{base}/words", {"name": new, "text": SENTENCE.format(new)})
        assert {one["method"] for one in tried["methods"]} == {"prompt", "icis", "text2model"}
        client("DELETE", f"{base}/categories/{category}")
        eventually(lambda: live_rows(winnow, project) == rows, "the earlier predictions", seconds=60)
        assert live_base(winnow, project) == head
    finally:
        os.kill(trainer, signal.SIGCONT)


def seconds_until_predicted(client: Client, base: str, name: str) -> tuple[float, int]:
    began = time.monotonic()
    body = {"name": name, "descriptions": [{"kind": "sentence", "text": SENTENCE.format(name)}]}
    category = client("POST", f"{base}/categories", body)["id"]

    def predicted() -> bool:
        items = client("GET", f"{base}/categories")["items"]
        return bool(next(item for item in items if item["id"] == category)["from_words"])

    eventually(predicted, "the new category among the predictions", seconds=60)
    return time.monotonic() - began, category
