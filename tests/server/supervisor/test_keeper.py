"""A dead process comes back, ever more slowly, and a person hears of it."""

from pathlib import Path

import pytest

from server.supervisor.console import Problem
from server.supervisor.keeper import Keeper
from server.supervisor.logs import LogFile


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Mortal:
    """A process whose death the test decides."""

    pid = 4242

    def __init__(self, log: LogFile) -> None:
        self.log = log
        self.code: int | None = None
        self.killed = False
        self.asked = False

    def returncode(self) -> int | None:
        return self.code

    def kill_group(self) -> None:
        self.killed = True
        self.code = -9

    def ask_to_stop(self) -> float:
        self.asked = True
        return 10.0


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def born() -> list[Mortal]:
    return []


@pytest.fixture
def keeper(clock: Clock, born: list[Mortal], tmp_path: Path) -> Keeper:
    def start() -> Mortal:
        born.append(Mortal(LogFile(tmp_path / "worker.log")))
        return born[-1]

    return Keeper("worker", start, clock=clock)


def test_a_dead_process_is_started_again_after_half_a_second(keeper: Keeper, clock: Clock, born: list[Mortal]) -> None:
    keeper.first_start()
    born[0].code = 1
    keeper.tick()
    assert len(born) == 1
    clock.now += 0.6
    assert keeper.tick()
    assert len(born) == 2
    assert keeper.restarts == 1


def test_what_a_dead_process_left_behind_is_killed(keeper: Keeper, born: list[Mortal]) -> None:
    keeper.first_start()
    born[0].code = -9
    keeper.tick()
    assert born[0].killed


def test_each_further_death_within_a_minute_doubles_the_wait(keeper: Keeper, clock: Clock, born: list[Mortal]) -> None:
    keeper.first_start()
    for wait in (0.5, 1.0, 2.0, 4.0):
        born[-1].code = 1
        keeper.tick()
        clock.now += wait - 0.1
        assert not keeper.tick()
        clock.now += 0.2
        assert keeper.tick()


def test_the_fifth_death_within_a_minute_is_reported_once_with_the_last_words(
    keeper: Keeper, clock: Clock, born: list[Mortal], capsys: pytest.CaptureFixture[str]
) -> None:
    keeper.first_start()
    born[0].log.write(b"ModuleNotFoundError: no module named torch\n")
    for _ in range(8):
        born[-1].code = 1
        keeper.tick()
        clock.now += 9
        keeper.tick()
    said = capsys.readouterr().out
    assert said.count("5 times within a minute") == 1
    assert "ModuleNotFoundError" in said


def test_a_process_that_lived_for_a_minute_is_forgiven(keeper: Keeper, clock: Clock, born: list[Mortal]) -> None:
    keeper.first_start()
    for _ in range(3):
        born[-1].code = 1
        keeper.tick()
        clock.now += 61
        keeper.tick()
    born[-1].code = 1
    keeper.tick()
    clock.now += 0.6
    assert keeper.tick()


def test_a_program_that_cannot_even_start_is_tried_again(
    clock: Clock, born: list[Mortal], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    problems = [Problem("no room"), OSError("too many processes")]

    def start() -> Mortal:
        if problems:
            raise problems.pop()
        born.append(Mortal(LogFile(tmp_path / "worker.log")))
        return born[-1]

    keeper = Keeper("worker", start, clock=clock)
    for _ in range(3):
        keeper.tick()
        clock.now += 2
    assert len(born) == 1
    assert "too many processes" in capsys.readouterr().out


def test_an_asked_restart_waits_for_the_process_and_is_no_death(
    keeper: Keeper, clock: Clock, born: list[Mortal], capsys: pytest.CaptureFixture[str]
) -> None:
    keeper.first_start()
    keeper.restart("Redis was started again")
    keeper.tick()
    assert born[0].asked
    assert len(born) == 1
    born[0].code = 0
    assert keeper.tick()
    assert len(born) == 2
    assert "ended" not in capsys.readouterr().out


def test_a_process_that_ignores_an_asked_restart_is_killed(keeper: Keeper, clock: Clock, born: list[Mortal]) -> None:
    keeper.first_start()
    keeper.restart("nothing came through its queue")
    clock.now += 10.1
    keeper.tick()
    assert born[0].killed
    assert keeper.tick()
