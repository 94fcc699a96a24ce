"""The embedded PostgreSQL: safe, private, and not put off by what an earlier start left."""

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from server.supervisor.postgres import EmbeddedPostgres, programs, remove_stale_lock
from server.supervisor.process import Process

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("embedded") / "postgres"


@pytest.fixture(scope="module")
def server(home: Path) -> Iterator[EmbeddedPostgres]:
    postgres = EmbeddedPostgres(home)
    process = Process(postgres.program(), log_dir=home.parent, cwd=ROOT)
    postgres.wait_until_ready(process)
    postgres.create_database()
    yield postgres
    process.stop()


def setting(url: str, name: str) -> str:
    with psycopg.connect(url) as connection:
        row = connection.execute("SELECT current_setting(%s)", [name]).fetchone()
    assert row is not None
    return str(row[0])


def test_a_commit_is_on_the_disk_and_pages_carry_checksums(server: EmbeddedPostgres) -> None:
    names = ("fsync", "synchronous_commit", "full_page_writes", "data_checksums")
    assert {name: setting(server.url(), name) for name in names} == dict.fromkeys(names, "on")


def test_it_listens_on_no_network(server: EmbeddedPostgres) -> None:
    assert setting(server.url(), "listen_addresses") == ""


def test_it_has_vectors(server: EmbeddedPostgres) -> None:
    with psycopg.connect(server.url(), autocommit=True) as connection:
        connection.execute("CREATE EXTENSION vector")
        row = connection.execute("SELECT '[1,0]'::halfvec <=> '[0,1]'::halfvec").fetchone()
    assert row == (1.0,)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another account")
def test_another_account_is_turned_away(server: EmbeddedPostgres) -> None:
    command = [str(programs() / "psql"), server.url(), "-c", "SELECT 1"]
    asked = subprocess.run(command, user="nobody", capture_output=True, text=True, check=False, cwd="/")
    assert asked.returncode != 0
    assert "Peer authentication failed" in asked.stderr or "Permission denied" in asked.stderr


def test_it_recovers_from_a_kill_without_losing_a_commit(tmp_path: Path) -> None:
    postgres = EmbeddedPostgres(tmp_path / "postgres")
    process = Process(postgres.program(), log_dir=tmp_path, cwd=ROOT)
    postgres.wait_until_ready(process)
    with psycopg.connect(postgres.url("postgres")) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 7 AS seven")
    os.kill(process.pid, signal.SIGKILL)
    process.wait(5)
    process.kill_group()
    time.sleep(0.5)  # its children notice
    again = Process(postgres.program(), log_dir=tmp_path, cwd=ROOT)
    postgres.wait_until_ready(again)
    with psycopg.connect(postgres.url("postgres")) as connection:
        assert connection.execute("SELECT seven FROM kept").fetchone() == (7,)
    assert again.stop()


def test_a_lock_file_whose_number_belongs_to_another_program_is_removed(tmp_path: Path) -> None:
    lock = tmp_path / "postmaster.pid"
    lock.write_text(f"{os.getppid()}\n{tmp_path}\n")
    remove_stale_lock(tmp_path)
    assert not lock.exists()


def test_a_socket_path_too_long_for_the_kernel_is_put_in_a_short_folder(tmp_path: Path) -> None:
    deep = tmp_path / ("a" * 60) / ("b" * 60)
    assert len(str(EmbeddedPostgres(deep).socket_folder)) < 90
