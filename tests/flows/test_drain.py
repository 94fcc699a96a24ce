"""Labeling while PostgreSQL is killed: nobody gets another's image, nothing acknowledged is lost."""

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

pytestmark = [pytest.mark.flows, pytest.mark.timeout(600)]
ROOT = Path(__file__).resolve().parents[2]
ITEMS = int(os.environ.get("WINNOW_DRAIN_ITEMS", "400"))
KILLS = int(os.environ.get("WINNOW_DRAIN_KILLS", "3"))
CLIENTS = 8
LEASE_S = 4.0

SEED = """
INSERT INTO projects_project (name, description, taxonomy_revision, concept, templates, acquisition_function,
    blind_share, overlap, options) VALUES ('Drain', '', 0, '', '[]', 'margin', 0, 1, '{}');
INSERT INTO taxonomy_category (project_id, name, synonyms, definition, external_key, position)
    SELECT id, 'owl', '{}', '', '', 0 FROM projects_project;
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


def test_eight_people_drain_a_queue_while_the_database_is_killed(house: House) -> None:
    env = environment(house)
    subprocess.run([sys.executable, "manage.py", "migrate", "-v0"], cwd=ROOT, env=env, check=True)
    with psycopg.connect(house.postgres.url()) as connection:
        psycopg.ClientCursor(connection).execute(SEED, {"items": ITEMS})
    journal = house.folder / "journal"
    command = [sys.executable, "-m", "tests.flows.drain", "1", str(journal), str(CLIENTS), str(LEASE_S)]
    people = subprocess.Popen(command, cwd=ROOT, env=env)
    for kill in range(1, KILLS + 1):
        while people.poll() is None and acknowledged(journal) < ITEMS * kill // (KILLS + 1):
            time.sleep(0.05)
        house.kill()
    assert people.wait(timeout=500) == 0

    lines = [json.loads(line) for line in journal.read_text().splitlines()]
    journaled = {line["acknowledged"] for line in lines if "acknowledged" in line}
    stored = {str(row[0]) for row in house.rows("SELECT id FROM labeling_annotation")}
    assert journaled == stored  # I1: none lost, and none that nobody sent
    assert house.rows("SELECT count(*) FROM labeling_consensus WHERE state = 'agreed'") == [(ITEMS,)]
    assert house.rows("SELECT count(*) FROM labeling_queueitem WHERE remaining <> 0 OR slots <> 0") == [(0,)]  # I5
    scope = {"events": "a.project_id = %(project)s", "rows": "c.project_id = %(project)s"}
    assert house.rows(REFRESH.format(**scope), {"project": 1, "all": False}) == []  # I5
    assert twice(lines) == []  # I2


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
