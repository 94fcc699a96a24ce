"""Labeling while PostgreSQL and every worker are killed: nobody gets another's image, nothing acknowledged is lost.

The full size: WINNOW_DRAIN_ITEMS=10000 WINNOW_DRAIN_KILLS=5 WINNOW_DRAIN_WORKERS=default,ml,interactive.
"""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

from server.labeling.services.consensus import REFRESH
from server.supervisor.postgres import EmbeddedPostgres
from server.supervisor.process import Process
from server.supervisor.programs import worker
from server.supervisor.redis import EmbeddedRedis

pytestmark = [pytest.mark.flows, pytest.mark.timeout(1800)]
ROOT = Path(__file__).resolve().parents[2]
ITEMS = int(os.environ.get("WINNOW_DRAIN_ITEMS", "200"))
KILLS = int(os.environ.get("WINNOW_DRAIN_KILLS", "2"))
CLIENTS = 8
LEASE_S = 4.0

SEED = """
INSERT INTO projects_project (name, description, taxonomy_revision, concept, templates, acquisition_function,
    blind_share, overlap, options) VALUES ('Drain', '', 0, '', '[]', 'margin', 0, 1, '{}');
INSERT INTO taxonomy_category (project_id, name, synonyms, definition, external_key, position)
    SELECT p.id, c.name, '{}', '', '', 0 FROM projects_project p, unnest(ARRAY['owl', 'fox']) c (name);
INSERT INTO images_image (project_id, sha256, byte_size, format, original_name, state, imported_label)
    SELECT p.id, lpad(n::text, 64, '0'), 1, 'png', n || '.png', 'ready', ''
    FROM projects_project p, generate_series(1, %(items)s) n;
INSERT INTO labeling_queueitem (project_id, image_id, purpose, rank, reason, wanted, remaining, slots, created_at)
    SELECT project_id, id, 'acquired', id, '', 1, 1, 1, now() FROM images_image;
INSERT INTO accounts_user (username, password, first_name, last_name, email, is_staff, is_active, is_superuser,
    date_joined, keymap)
    SELECT 'drain' || n, '', '', '', '', false, true, false, now(), '{}' FROM generate_series(1, 8) n;
"""


@dataclass
class House:
    """A durable PostgreSQL that can be killed and started again."""

    postgres: EmbeddedPostgres
    folder: Path
    process: Process

    def kill(self) -> None:
        os.kill(self.process.pid, signal.SIGKILL)
        self.process.wait(20)
        while True:  # its children take a moment to notice
            self.process = Process(self.postgres.program(), log_dir=self.folder, cwd=ROOT)
            try:
                return self.postgres.wait_until_ready(self.process)
            except Exception:
                self.process.wait(5)
                time.sleep(0.3)

    def rows(self, statement: str, params: dict[str, object] | None = None) -> list[tuple[object, ...]]:
        with psycopg.connect(self.postgres.url()) as connection:
            return connection.execute(statement, params).fetchall()


@pytest.fixture
def house() -> Iterator[House]:
    with tempfile.TemporaryDirectory(prefix="winnow-drain-") as name:
        folder = Path(name)
        folder.chmod(0o711)
        (folder / "postgres").mkdir()
        postgres = EmbeddedPostgres(folder / "postgres", durable=True)
        made = House(postgres, folder, Process(postgres.program(), log_dir=folder, cwd=ROOT))
        try:
            postgres.wait_until_ready(made.process)
            postgres.create_database()
            yield made
        finally:
            made.process.stop()


def environment(house: House) -> dict[str, str]:
    return {
        **os.environ,
        "DATABASE_URL": house.postgres.url(),
        "WINNOW_STATE": str(house.folder),
        "DJANGO_SETTINGS_MODULE": "server.config.settings",
    }


@pytest.fixture
def with_broker(house: House) -> Iterator[dict[str, str]]:
    redis = EmbeddedRedis(house.folder / "redis")
    broker = Process(redis.program(), log_dir=house.folder, cwd=ROOT)
    try:
        redis.wait_until_ready(broker)
        yield {**environment(house), "CELERY_BROKER_URL": redis.url, "OMP_NUM_THREADS": "1"}
    finally:
        broker.stop()


KINDS = {"default": "export", "ml": "predict", "interactive": "teach"}
WORKERS = os.environ.get("WINNOW_DRAIN_WORKERS", "interactive").split(",")


class Workers:
    """Workers as `make run` starts them, one a queue. Each stops where its first job is written and not committed."""

    def __init__(self, env: dict[str, str], folder: Path) -> None:
        self.env, self.folder = env, folder
        self.log = (folder / "workers.log").open("wb")
        stop_at = {"DJANGO_SETTINGS_MODULE": "tests.settings", "WINNOW_FAILPOINT_DIR": str(folder)}
        stop_at["WINNOW_TEST_RUN"] = str(folder)
        for queue in WORKERS:
            (folder / f"{KINDS[queue]}.written.wanted").touch()
        self.running = {queue: self.start(queue, stop_at) for queue in WORKERS}

    def start(self, queue: str, more: dict[str, str]) -> subprocess.Popen[bytes]:
        env = {**self.env, **more}
        command = worker(queue, {}).command
        return subprocess.Popen(command, cwd=ROOT, env=env, stdout=self.log, stderr=self.log, start_new_session=True)

    def wait_until_in_mid_work(self) -> None:
        give_up = time.monotonic() + 300
        while not all((self.folder / f"{kind}.written").exists() for kind in map(KINDS.__getitem__, WORKERS)):
            assert time.monotonic() < give_up, (self.folder / "workers.log").read_text()[-4000:]
            time.sleep(0.05)

    def kill(self) -> None:
        """All at once, with what they had written and not committed; others take their place."""
        for process in self.running.values():
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        self.running = {queue: self.start(queue, {}) for queue in WORKERS}

    def stop(self) -> None:
        for process in self.running.values():
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        self.log.close()


def work(env: dict[str, str], *arguments: str) -> str:
    command = [sys.executable, "-m", "tests.flows.drain_work", *arguments]
    return subprocess.run(command, cwd=ROOT, env=env, check=True, stdout=subprocess.PIPE).stdout.decode()


def test_eight_people_drain_a_queue_while_the_database_and_every_worker_are_killed(
    house: House, with_broker: dict[str, str]
) -> None:
    env = with_broker
    subprocess.run([sys.executable, "manage.py", "migrate", "-v0"], cwd=ROOT, env=env, check=True)
    with psycopg.connect(house.postgres.url()) as connection:
        psycopg.ClientCursor(connection).execute(SEED, {"items": ITEMS})
    journal = house.folder / "journal"
    workers = Workers(env, house.folder)
    try:
        jobs = json.loads(work(env, "begin", "1", *map(KINDS.__getitem__, WORKERS)))
        workers.wait_until_in_mid_work()
        drain(house, env, journal, workers)
        wait_for_work(house, env, jobs)
    finally:
        workers.stop()

    lines = [json.loads(line) for line in journal.read_text().splitlines()]
    journaled = {line["acknowledged"] for line in lines if "acknowledged" in line}
    stored = {str(row[0]) for row in house.rows("SELECT id FROM labeling_annotation WHERE evidence <> 'imported'")}
    assert journaled == stored  # I1: none lost, and none that nobody sent
    assert house.rows("SELECT count(*) FROM labeling_consensus WHERE state = 'agreed'") == [(ITEMS,)]
    assert house.rows("SELECT count(*) FROM labeling_queueitem WHERE remaining <> 0 OR slots <> 0") == [(0,)]  # I5
    scope = {"events": "a.project_id = %(project)s", "rows": "c.project_id = %(project)s"}
    assert house.rows(REFRESH.format(**scope), {"project": 1, "all": False}) == []  # I5
    assert house.rows("SELECT sum(count) FROM labeling_consensustally") == [(ITEMS,)]  # I5
    assert twice(lines) == []  # I2
    check_work(house)


def drain(house: House, env: dict[str, str], journal: Path, workers: Workers) -> None:
    """The workers die first, then the database, again and again, while people go on."""
    command = [sys.executable, "-m", "tests.flows.drain", "1", str(journal), str(CLIENTS), str(LEASE_S)]
    people = subprocess.Popen(command, cwd=ROOT, env=env)
    kills = [workers.kill, *[house.kill] * KILLS]
    for nth, kill in enumerate(kills, 1):
        while people.poll() is None and acknowledged(journal) < ITEMS * nth // (len(kills) + 1):
            time.sleep(0.05)
        assert people.poll() is None, "the people were done before everything had been killed"
        kill()
    assert people.wait(timeout=1200) == 0


DONE = "SELECT count(*) FROM jobs_job WHERE id = ANY(%(jobs)s) AND state = 'done'"


def wait_for_work(house: House, env: dict[str, str], jobs: dict[str, int]) -> None:
    """I4: what was begun by the dead is done by the living, once the sweeper has found it."""
    give_up = time.monotonic() + 300
    work(env, "sweep")
    while house.rows(DONE, {"jobs": list(jobs.values())}) != [(len(jobs),)]:
        assert time.monotonic() < give_up, house.rows("SELECT kind, state, attempt, error FROM jobs_job")
        time.sleep(0.1)


def check_work(house: House) -> None:
    """What the killed had written is gone, what their successors wrote is there once."""
    attempts = "SELECT bool_and(attempt > 1) FROM jobs_job WHERE kind IN ('export', 'predict', 'teach')"
    assert house.rows(attempts) == [(True,)]
    if "interactive" in WORKERS:
        assert house.rows("SELECT count(*) FROM labeling_teaching") == [(1,)]
    if "ml" in WORKERS:
        live = "SELECT count(*) FROM predictions_prediction p JOIN projects_project o ON o.active_run_id = p.run_id"
        assert house.rows(live) == [(ITEMS,)]  # I3
    if "default" in WORKERS:
        ((key, size),) = house.rows("SELECT storage_key, byte_size FROM snapshots_export")
        assert (house.folder / "media" / str(key)).stat().st_size == size  # I6


def acknowledged(journal: Path) -> int:
    return journal.read_text().count("acknowledged") if journal.exists() else 0


def twice(lines: list[dict[str, float]]) -> list[object]:
    """Images that a second person was given while the first person's lease ran."""
    leases = defaultdict(list)
    for line in lines:
        if "leased" in line:
            leases[line["leased"]].append((line["from"], line["until"], line["user"]))
    return [
        (image, before, after)
        for image, spans in leases.items()
        for before, after in zip(sorted(spans), sorted(spans)[1:], strict=False)
        if after[0] < before[1] - 0.001 and after[2] != before[2]
    ]
