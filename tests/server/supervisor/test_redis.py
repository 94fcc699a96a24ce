"""The embedded Redis: on a private socket, with nothing on disk."""

from pathlib import Path

from redis import Redis

from server.supervisor.process import Process
from server.supervisor.redis import EmbeddedRedis, answers

ROOT = Path(__file__).resolve().parents[3]


def test_it_answers_on_its_socket_alone_and_keeps_nothing(tmp_path: Path) -> None:
    embedded = EmbeddedRedis(tmp_path / "redis")
    process = Process(embedded.program(), log_dir=tmp_path, cwd=ROOT)
    embedded.wait_until_ready(process)
    client = Redis(unix_socket_path=str(embedded.socket_path))
    assert client.config_get("port") == {"port": "0"}
    assert client.config_get("save") == {"save": ""}
    assert embedded.socket_path.stat().st_mode & 0o077 == 0
    assert process.stop()
    assert not answers(embedded.socket_path)


def test_a_socket_left_by_a_killed_one_is_in_nobodys_way(tmp_path: Path) -> None:
    embedded = EmbeddedRedis(tmp_path / "redis")
    first = Process(embedded.program(), log_dir=tmp_path, cwd=ROOT)
    embedded.wait_until_ready(first)
    first.kill_group()
    assert embedded.socket_path.exists()
    second = Process(embedded.program(), log_dir=tmp_path, cwd=ROOT)
    embedded.wait_until_ready(second)
    assert second.stop()
