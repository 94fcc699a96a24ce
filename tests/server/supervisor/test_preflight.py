"""What is wrong is said before anything starts."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from server.supervisor import preflight
from server.supervisor.console import Problem


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener.getsockname()[1]


def test_a_port_that_was_asked_for_and_is_taken_is_a_problem(taken: int) -> None:
    with pytest.raises(Problem, match=f"Port {taken} on 127.0.0.1 is taken by another program"):
        preflight.choose_port("127.0.0.1", taken)


def test_the_next_free_port_is_used_when_none_was_asked_for(
    taken: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(preflight, "DEFAULT_PORT", taken)
    chosen = preflight.choose_port("127.0.0.1", None)
    assert taken < chosen < taken + 50
    assert f"port {taken} is taken by another program: using {chosen}" in capsys.readouterr().out


def test_a_nearly_full_disk_is_a_problem(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preflight, "free_bytes", lambda folder: 300 * 1024**2)
    with pytest.raises(Problem, match="nearly full: 300 MB free"):
        preflight.check_disk(tmp_path)


def test_a_state_folder_that_cannot_be_made_is_a_problem(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(Problem, match="cannot be used: Not a directory"):
        preflight.prepare_state(tmp_path / "file" / "state")
