"""kill -9 between the trigger and the flip: what serves is the old model or the new one, never a mixture.

A real worker stops at a named place; there it, the worker that embeds, PostgreSQL or Redis is killed. The sweeper and
another worker take over. A run's weights are then those of a run that nobody disturbed, bit for bit; a new encoder's
space is full before it is shown.

`make test` plays a few; `WINNOW_ALL_FAILPOINTS=1 pytest tests/flows/test_killed_while_training.py` plays every place
with every victim; docs/methods/training-loop.md has what came of it.
"""

import os
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from tests.flows.workplace import Workplace

OF_A_RUN = ("begun", "frozen", "training", "fitted", "judged", "scored", "flipping", "flipped")
OF_A_SWITCH = ("filling", "embedded", "ready", "switching", "switched")
TRAINER, EMBEDDER, POSTGRES, REDIS = "training worker", "embedding worker", "postgres", "redis"
IN_THE_SUITE = {("training", TRAINER), ("scored", REDIS), ("flipping", POSTGRES)}
IMAGES = 12
pytestmark = [pytest.mark.flows, pytest.mark.timeout(600)]


def cases(places: tuple[str, ...], victims: tuple[str, ...]) -> list[Any]:
    by_hand = [
        pytest.mark.slow,
        pytest.mark.skipif(not os.environ.get("WINNOW_ALL_FAILPOINTS"), reason="played with WINNOW_ALL_FAILPOINTS=1"),
    ]
    pairs = [(where, victim) for where in places for victim in victims]
    return [pytest.param(*pair, marks=() if pair in IN_THE_SUITE else by_hand, id="-".join(pair)) for pair in pairs]


@pytest.fixture(scope="module")
def place() -> Iterator[Workplace]:
    """In a folder that the database's own account may enter; pytest's are closed to it."""
    home = Path(tempfile.mkdtemp(prefix="winnow-killed-"))
    home.chmod(0o711)
    workplace = Workplace(home)
    yield workplace
    workplace.close()
    shutil.rmtree(home)


@pytest.fixture(autouse=True)
def let_go_in_the_end(place: Workplace) -> Iterator[None]:
    """A test that failed leaves nobody standing with locks in hand."""
    yield
    place.let_go()


@pytest.fixture(scope="module")
def undisturbed(place: Workplace) -> tuple[int, str]:
    """(project, digest of its head) of a run that nobody disturbed."""
    project = int(place.ask("prepare"))
    place.ask("train", project)
    seen = settled(place, project)
    assert seen["outcome"] == "promoted", seen
    return project, str(seen["digest"])


@pytest.fixture(scope="module")
def photographed(place: Workplace) -> int:
    """A project that an encoder serves already."""
    project = int(place.ask("photograph", encoder(place)))
    settled(place, project)
    return project


seeds = count()


def encoder(place: Workplace) -> str:
    """The folder of an encoder that nobody has used before."""
    from tests.ml.encoders.conftest import write_folder  # torch, which other runs need not wait for

    seed = next(seeds)
    return str(write_folder(place.home / f"encoder-{seed}", seed=seed))


def settled(place: Workplace, project: int) -> dict[str, Any]:
    """What is there when no work is left; at every look on the way one model serves and the predictions are its."""
    seen: dict[str, Any] = {}

    def quiet() -> bool:
        seen.update(place.ask("state", project))
        whole(seen)
        return seen["outcome"] != "pending" and not seen["live"]

    place.wait_for(quiet, "the jobs did not end")
    assert not seen["orphans"] and not seen["broken"], seen
    return seen


def whole(seen: dict[str, Any]) -> None:
    assert seen["head"] == seen["predicted_by"], seen
    assert seen["predicted_in"] in (None, seen["encoder"]), seen


@pytest.mark.parametrize(("where", "victim"), cases(OF_A_RUN, (TRAINER, EMBEDDER, POSTGRES, REDIS)))
def test_a_killed_run_ends_as_if_nothing_had_been(
    place: Workplace, undisturbed: tuple[int, str], where: str, victim: str, request: pytest.FixtureRequest
) -> None:
    project, digest = undisturbed
    place.ask("back", project)
    place.wait_for(lambda: not place.ask("state", project)["live"], "the predictions did not follow")
    place.stop_at(where)
    beside = filling(place, request.getfixturevalue("photographed")) if victim == EMBEDDER else None
    place.ask("train", project)
    trainer = place.wait_at(where)
    kill(place, victim, standing=beside.worker if beside else trainer)
    whole(place.ask("state", project))
    place.let_go()
    seen = settled(place, project)
    assert (seen["outcome"], seen["digest"]) == ("promoted", digest), seen
    assert seen["head"] == seen["run_head"] == seen["predicted_by"], seen
    if beside:
        arrived(place, beside.project, beside.encoder)


@pytest.mark.parametrize(("where", "victim"), cases(OF_A_SWITCH, (EMBEDDER, POSTGRES, REDIS)))
def test_a_killed_switch_shows_the_new_encoder_when_its_space_is_full(
    place: Workplace, photographed: int, where: str, victim: str
) -> None:
    name = encoder(place)
    place.stop_at(where)
    place.ask("switch", photographed, name)
    kill(place, victim, standing=place.wait_at(where))
    whole(place.ask("state", photographed))
    place.let_go()
    arrived(place, photographed, name)


def kill(place: Workplace, victim: str, *, standing: int) -> None:
    """kill -9; `standing` is the worker that waits at a place."""
    if victim in (POSTGRES, REDIS):
        place.kill_server(victim)
    else:
        place.kill_worker(standing)


@dataclass(frozen=True)
class Filling:
    """A change of encoder whose worker stands with vectors in its hands."""

    project: int
    encoder: str
    worker: int


def filling(place: Workplace, project: int) -> Filling:
    """Another project's new space, which the second worker fills while the first one trains."""
    name = encoder(place)
    place.want("embedded")
    place.ask("switch", project, name)
    return Filling(project, name, place.wait_at("embedded"))


def arrived(place: Workplace, project: int, encoder: str) -> None:
    seen = settled(place, project)
    assert (seen["encoder"], seen["predicted_in"], seen["embedded"]) == (encoder, encoder, IMAGES), seen
