"""Simulated people label through the real interface: leases, pages, commits, teaching, consensus.

Requests go through the URLs that the browser uses, inside this process, each as its own transaction. Time is the
modelled time of people: whoever has spent least acts next, so that several people work side by side.
"""

import json
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.test import Client

from server.accounts.models import User
from server.core import sql
from server.core.errors import InvalidInput, Unavailable
from server.labeling.models import Consensus, ConsensusState
from server.labeling.services.blind import RESERVED, blind_params
from server.pipeline.simulation import Play, Stage, answers, set_up, wait, workplace
from server.pipeline.tasks.people import Person, person
from server.projects.models import Membership, Project, Role

POINTS = 20
"""Points of the curve."""
TILES_MAX, SINGLES = 48, 10
WAITS_AT_MOST = 20
HELD_OUT = f"SELECT i.id FROM images_image i WHERE i.project_id = %(project)s AND {RESERVED}"


@dataclass(frozen=True)
class Session:
    """What is simulated. `held_out` of the images never teach: the head is measured on them."""

    images: Path
    encoder: str = "demo"
    annotators: int = 4
    strategy: str = "weighted_coverage"
    interface: str = "page"
    budget: int = 1000
    error_rate: float = 0.02
    seed: int = 0
    label_column: str | None = None
    limit: int = 2000
    held_out: float = 0.2
    workers: str = "auto"


@dataclass
class Annotator:
    """A person at a browser."""

    client: Client
    person: Person
    done: bool = False


@dataclass
class Room:
    """People, their project, and what came of it so far."""

    session: Session
    stage: Stage
    people: list[Annotator]
    held_out: dict[int, int]
    curve: list[dict[str, Any]] = field(default_factory=list)

    @property
    def url(self) -> str:
        """Of the project in the interface."""
        return f"/api/v1/projects/{self.stage.project.pk}"


def simulate_labeling(session: Session) -> dict[str, Any]:
    """Label until the budget is spent or nothing is left, and report what it cost.

    Raises:
        InvalidInput: No labeled images at the path. Unavailable: The workers have come to a stop.
    """
    play = Play(
        images=session.images,
        encoder=session.encoder,
        seed=session.seed,
        label_column=session.label_column,
        limit=session.limit,
        every=max(100, session.budget),
        blind_share=session.held_out,
        workers=session.workers,
    )
    with workplace(play) as real:
        room = _enter(session, set_up(play, real_workers=real))
        _note(room)
        while room.curve[-1]["labels"] < session.budget and any(not one.done for one in room.people):
            _act(room, min((one for one in room.people if not one.done), key=lambda one: one.person.tally.seconds))
            if _labels(room) >= room.curve[-1]["labels"] + max(1, session.budget // POINTS):
                _note(room)
        wait(room.stage)
        _note(room)
        return _report(room)


def _enter(session: Session, stage: Stage) -> Room:
    if session.interface not in ("page", "single"):
        raise InvalidInput(f"interface: expected page or single, got {session.interface!r}.")
    Project.objects.filter(pk=stage.project.pk).update(acquisition_function=session.strategy)
    people = []
    for number in range(session.annotators):
        user, _ = User.objects.get_or_create(username=f"simulated annotator {number + 1}", defaults={"is_active": True})
        Membership.objects.get_or_create(project=stage.project, user=user, defaults={"role": Role.ANNOTATOR})
        client = Client(SERVER_NAME="localhost")
        client.force_login(user)
        seed = 1000 * session.seed + number
        people.append(Annotator(client, person(error_rate=session.error_rate, seed=seed)))
    stage.project.refresh_from_db()
    reserved = sql.fetch_all(HELD_OUT, {**blind_params(stage.project), "project": stage.project.pk})
    return Room(session, stage, people, {row["id"]: stage.truth[row["id"]] for row in reserved})


def _act(room: Room, one: Annotator) -> None:
    """One lease and what it brings; somebody for whom nothing is left is done."""
    for _ in range(WAITS_AT_MOST):
        if room.session.interface == "page":
            entries = _ask(room, one, "POST", "/pages/lease", {"count": 1, "tiles_max": TILES_MAX})["entries"]
        else:
            items = _ask(room, one, "POST", "/queue/lease", {"count": SINGLES})["items"]
            entries = [{"kind": "one", "item": item} for item in items]
        for entry in entries:
            if entry["kind"] == "page":
                _page(room, one, entry["page"])
            else:
                _single(room, one, entry["item"])
        wait(room.stage)
        if entries:
            return
    one.done = True


def _page(room: Room, one: Annotator, page: dict[str, Any]) -> None:
    category, tiles = page["category"], page["tiles"]
    truth = [room.stage.truth[tile["image"]["id"]] for tile in tiles]
    wrong_share = sum(known != category for known in truth) / len(tiles)
    began = one.person.tally.seconds
    one.person.opens_page(category)
    verdicts: list[dict[str, Any]] = []
    for tile, known in zip(tiles, truth, strict=True):
        told = {told["category"]: told["probability"] for told in tile["suggestions"]}
        sure = told.get(category, 1.0)
        said: dict[str, Any] = {"image": tile["image"]["id"], "verdict": "confirm"}
        if not one.person.leaves_standing(known == category, precision=sure, wrong_share=wrong_share):
            named = one.person.settles_struck(known, [other for other in told if other != category])
            said["verdict"] = "strike"
            if named:
                said |= {"verdict": "label", "category": known} if known != category else {"verdict": "confirm"}
        verdicts.append(said)
    one.person.commits_page()
    spent = round(1000 * (one.person.tally.seconds - began))
    path = f"/pages/{page['id']}/commits/{uuid.uuid4()}"
    _ask(room, one, "PUT", path, {"tiles": verdicts, "duration_ms": spent, "input": "keyboard"})


def _single(room: Room, one: Annotator, item: dict[str, Any]) -> None:
    image = item["image"]["id"]
    began = one.person.tally.seconds
    suggestions = [told["category"] for told in item["suggestions"]]
    categories = sorted(set(room.stage.truth.values()))
    numbers = {category: number for number, category in enumerate(categories)}
    given = one.person.labels_one(
        numbers[room.stage.truth[image]], [numbers[c] for c in suggestions if c in numbers], classes=len(categories)
    )
    body = {
        "image": image,
        "kind": "label",
        "category": categories[given],
        "token": item["token"],
        "duration_ms": round(1000 * (one.person.tally.seconds - began)),
    }
    _ask(room, one, "PUT", f"/annotations/{uuid.uuid4()}", body)


def _ask(room: Room, one: Annotator, method: str, path: str, body: dict[str, Any]) -> dict[str, Any]:
    answer = one.client.generic(method, room.url + path, json.dumps(body), content_type="application/json")
    if answer.status_code >= 400:
        raise Unavailable(f"{method} {path}: {answer.status_code} {answer.content[:300].decode(errors='replace')}")
    found: dict[str, Any] = answer.json()
    return found


def _labels(room: Room) -> int:
    return Consensus.objects.filter(project=room.stage.project, state=ConsensusState.AGREED).count()


def _note(room: Room) -> None:
    """A point of the curve, from what the database holds."""
    agreed = Consensus.objects.filter(project=room.stage.project, state=ConsensusState.AGREED)
    given = dict(agreed.values_list("image_id", "category_id"))
    right = sum(room.stage.truth[image] == category for image, category in given.items())
    predicted = answers(room.stage)
    hits = sum(predicted.get(image) == category for image, category in room.held_out.items())
    actions = sum(one.person.tally.actions for one in room.people)
    room.curve.append(
        {
            "labels": len(given),
            "actions": actions,
            "modelled_s": round(sum(one.person.tally.seconds for one in room.people), 1),
            "label_accuracy": round(right / len(given), 4) if given else None,
            "head_accuracy": round(hits / len(room.held_out), 4) if room.held_out else None,
        }
    )


def _report(room: Room) -> dict[str, Any]:
    last, session = room.curve[-1], room.session
    return {
        **last,
        "actions_per_label": round(last["actions"] / max(last["labels"], 1), 4),
        "seconds_per_label": round(last["modelled_s"] / max(last["labels"], 1), 3),
        "curve": room.curve,
        "images": len(room.stage.truth),
        "held_out": len(room.held_out),
        "categories": len(set(room.stage.truth.values())),
        "interface": session.interface,
        "strategy": session.strategy,
        "annotators": session.annotators,
        "error_rate": session.error_rate,
        "encoder": session.encoder,
        "seed": session.seed,
        "workers": "real" if room.stage.real_workers else "inline",
        "project": room.stage.project.pk,
    }
