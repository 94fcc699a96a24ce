"""`make run` as a person meets it: one address, safe to start twice, whole after a death, nothing left after Ctrl-C."""

import os
import signal
import time
import urllib.request
from collections.abc import Iterator

import psycopg
import pytest

from tests.installation import Installation, processes_of

pytestmark = [pytest.mark.flows, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def terminal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    terminal = Installation(tmp_path_factory.mktemp("run") / "state")
    terminal.start()
    yield terminal
    terminal.stop()


def test_it_prints_one_address_that_answers(terminal: Installation) -> None:
    addresses = {word.rstrip() for word in terminal.said().split() if word.startswith("http://")}
    assert addresses == {terminal.facts()["url"]}
    with urllib.request.urlopen(terminal.facts()["url"] + "api/v1/health") as answer:
        assert answer.status == 200


def test_started_again_it_says_where_it_already_runs(terminal: Installation) -> None:
    said = terminal.say("run")
    assert f"already running at {terminal.facts()['url']}" in said
    assert terminal.facts()["processes"]["web"]["restarts"] == 0


@pytest.mark.parametrize("name", ["worker-default", "worker-ml", "web"])
def test_a_killed_process_is_started_again(terminal: Installation, name: str) -> None:
    old = terminal.pid_of(name)
    assert old is not None
    os.kill(old, signal.SIGKILL)
    terminal.wait_for(lambda: terminal.pid_of(name) not in {old, None})
    assert f"{name} ended (signal 9)" in terminal.said()


def test_a_killed_database_comes_back_with_its_rows(terminal: Installation) -> None:
    url = terminal.facts()["environment"]["DATABASE_URL"]
    with psycopg.connect(url) as connection:
        before = connection.execute("SELECT count(*) FROM django_migrations").fetchone()
    old = terminal.pid_of("postgres")
    assert old is not None
    os.kill(old, signal.SIGKILL)

    def answers() -> bool:
        try:
            with psycopg.connect(url) as connection:
                return connection.execute("SELECT count(*) FROM django_migrations").fetchone() == before
        except psycopg.OperationalError:
            return False

    terminal.wait_for(lambda: terminal.pid_of("postgres") not in {old, None} and answers())


def test_status_names_every_process(terminal: Installation) -> None:
    said = terminal.say("status")
    for name in ("postgres", "redis", "web", "worker-default", "worker-ml", "worker-interactive", "beat"):
        assert name in said


def test_ctrl_c_leaves_nothing_behind_and_the_next_start_keeps_what_was_there(terminal: Installation) -> None:
    assert terminal.press_ctrl_c() == 0
    assert "Stopped." in terminal.said()
    assert processes_of(terminal) == []
    terminal.start()
    assert "new, on a socket" not in terminal.said()
    terminal.say("stop")
    assert processes_of(terminal) == []


def test_a_second_death_of_the_terminal_itself_takes_all_along(terminal: Installation) -> None:
    terminal.start()
    assert terminal.process is not None
    terminal.process.kill()
    terminal.process.wait()
    give_up = time.monotonic() + 60
    while processes_of(terminal):
        assert time.monotonic() < give_up, processes_of(terminal)
        time.sleep(0.2)
