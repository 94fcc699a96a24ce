"""Logs that cannot fill a disk."""

from pathlib import Path

import pytest

from server.supervisor import logs
from server.supervisor.logs import LogFile


def test_a_full_log_makes_way_and_the_oldest_is_dropped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logs, "MAX_BYTES", 10)
    log = LogFile(tmp_path / "web.log")
    for line in (b"one......\n", b"two......\n", b"three....\n", b"four.....\n", b"five.....\n"):
        log.write(line)
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ["web.log", "web.log.1", "web.log.2", "web.log.3"]
    assert (tmp_path / "web.log").read_bytes() == b"five.....\n"
    assert (tmp_path / "web.log.3").read_bytes() == b"two......\n"


def test_a_log_goes_on_where_an_earlier_start_ended(tmp_path: Path) -> None:
    LogFile(tmp_path / "web.log").write(b"first start\n")
    LogFile(tmp_path / "web.log").write(b"second start\n")
    assert (tmp_path / "web.log").read_text() == "first start\nsecond start\n"


def test_the_tail_is_the_last_lines(tmp_path: Path) -> None:
    log = LogFile(tmp_path / "web.log")
    log.write(b"a\nb\nc\n")
    assert log.tail(2) == "b\nc"
