"""People who label pages over HTTP until nothing is left, retry what was not answered, and write down what was."""

import http.client
import json
import random
import threading
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

GIVE_UP_S = 120.0


@dataclass
class Journal:
    """What clients saw. `held`: (image, user, from, until, page) spans in which somebody surely held an image."""

    held: list[tuple[int, int, float, float, str]] = field(default_factory=list)
    sent: set[str] = field(default_factory=set)
    acknowledged: dict[str, int] = field(default_factory=dict)
    """Commit → labels that the server said it made."""
    singles: set[str] = field(default_factory=set)
    retries: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)


class Person:
    """One browser: patient, honest, and wrong about one tile in fifty."""

    def __init__(
        self, *, port: int, project: int, user: int, token: str, truth: Mapping[int, int], journal: Journal
    ) -> None:
        self.port, self.project, self.user = port, project, user
        self.headers = {"Authorization": f"Token {token}", "Content-Type": "application/json"}
        self.truth, self.journal, self.rng = truth, journal, random.Random(user)
        self.connection: http.client.HTTPConnection | None = None

    def call(self, method: str, path: str, body: object) -> tuple[int, Any]:
        """Send until it is answered by something other than a fault, as a browser's outbox does."""
        until = time.monotonic() + GIVE_UP_S
        while True:
            try:
                return self._once(method, path, body)
            except (OSError, http.client.HTTPException) as error:
                self.connection = None
                with self.journal.lock:
                    self.journal.retries += 1
                if time.monotonic() > until:
                    raise TimeoutError(f"{method} {path}: {error}") from error
                time.sleep(0.1)

    def _once(self, method: str, path: str, body: object) -> tuple[int, Any]:
        if self.connection is None:
            self.connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        address = f"/api/v1/projects/{self.project}{path}"
        self.connection.request(method, address, json.dumps(body), self.headers)
        answer = self.connection.getresponse()
        text = answer.read()
        if answer.status in (502, 503, 504):
            raise http.client.HTTPException(f"{answer.status}")
        if answer.status >= 400:
            raise AssertionError(f"{method} {path}: {answer.status} {text[:400]!r}")
        return answer.status, json.loads(text)

    def work(self) -> None:
        """Until every image is labeled."""
        while True:
            _, told = self.call("POST", "/pages/lease", {"count": 2, "tiles_max": 24})
            came = time.time()
            for entry in told["entries"]:
                if entry["kind"] == "page":
                    self.page(entry["page"], came)
                else:
                    self.single(entry["item"], came)
            if told["empty"] == "all_labeled":
                return
            if not told["entries"]:
                time.sleep(0.2)

    def page(self, page: dict[str, Any], came: float) -> None:
        if self.rng.random() < 0.05:
            return  # the tab is closed without a word; the lease runs out
        tiles = []
        for tile in page["tiles"]:
            image = tile["image"]["id"]
            right = self.truth[image] == page["category"] or self.rng.random() < 0.02
            verdict = {"verdict": "confirm"} if right else self.other(image)
            tiles.append({"image": image, **verdict})
        commit = str(uuid.uuid4())
        with self.journal.lock:
            self.journal.sent.add(commit)
            until = min(time.time(), lease_end(page["lease_until"]))
            self.journal.held += [(tile["image"]["id"], self.user, came, until, page["id"]) for tile in page["tiles"]]
        body = {"tiles": tiles, "duration_ms": 900, "input": "keyboard"}
        _, done = self.call("PUT", f"/pages/{page['id']}/commits/{commit}", body)
        with self.journal.lock:
            self.journal.acknowledged[commit] = done["labels"]

    def other(self, image: int) -> dict[str, Any]:
        if self.rng.random() < 0.5:
            return {"verdict": "strike"}
        return {"verdict": "label", "category": self.truth[image]}

    def single(self, item: dict[str, Any], came: float) -> None:
        image, event = item["image"]["id"], str(uuid.uuid4())
        with self.journal.lock:
            until = min(time.time(), lease_end(item["lease_until"]))
            self.journal.held.append((image, self.user, came, until, ""))
        self.call("PUT", f"/annotations/{event}", {"image": image, "kind": "label", "category": self.truth[image]})
        with self.journal.lock:
            self.journal.singles.add(event)


def lease_end(text: str) -> float:
    from datetime import datetime

    return datetime.fromisoformat(text).timestamp()
