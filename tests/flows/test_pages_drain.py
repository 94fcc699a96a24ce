"""Many people at pages while web and worker processes are killed: nothing is leased twice, nothing is lost.

The full size: WINNOW_PAGES_PEOPLE=20 WINNOW_PAGES_IMAGES=200000 WINNOW_PAGES_KILLS=20.
"""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import defaultdict
from pathlib import Path

import pytest

from server.labeling.services.consensus import REFRESH
from server.supervisor.programs import web, worker
from tests.flows.page_people import Journal, Person
from tests.flows.test_drain import House, house, with_broker

pytestmark = [pytest.mark.flows, pytest.mark.timeout(7200)]
ROOT = Path(__file__).resolve().parents[2]
PEOPLE = int(os.environ.get("WINNOW_PAGES_PEOPLE", "5"))
IMAGES = int(os.environ.get("WINNOW_PAGES_IMAGES", "500"))
KILLS = int(os.environ.get("WINNOW_PAGES_KILLS", "2"))
SEED = """
import sys
import django
django.setup()
from tests.flows.page_world import seed
print(seed(images=int(sys.argv[1]), people=int(sys.argv[2])))
"""
assert house and with_broker


@pytest.fixture
def env(house: House, with_broker: dict[str, str]) -> dict[str, str]:
    return {**with_broker, "WINNOW_CACHE_DIR": str(house.folder / "cache"), "WEB_CONCURRENCY": "2"}


class Programs:
    """Web and worker, which can be killed with everything that they have started."""

    def __init__(self, env: dict[str, str], port: int, log: Path) -> None:
        self.commands = [web("127.0.0.1", port, {}).command, worker("interactive", {}).command]
        self.env, self.log = env, log.open("wb")
        self.running = [self.start(command) for command in self.commands]

    def start(self, command: list[str]) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            command, cwd=ROOT, env=self.env, stdout=self.log, stderr=self.log, start_new_session=True
        )

    def kill(self, nth: int) -> None:
        os.killpg(self.running[nth].pid, signal.SIGKILL)
        self.running[nth].wait()
        self.running[nth] = self.start(self.commands[nth])

    def stop(self) -> None:
        for process in self.running:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        self.log.close()


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


def test_nothing_is_leased_twice_or_lost_and_no_known_wrong_tile_is_a_label(house: House, env: dict[str, str]) -> None:
    subprocess.run([sys.executable, "manage.py", "migrate", "-v0"], cwd=ROOT, env=env, check=True)
    seeded = subprocess.run(
        [sys.executable, "-c", SEED, str(IMAGES), str(PEOPLE)], cwd=ROOT, env=env, check=True, stdout=subprocess.PIPE
    )
    project, *tokens = seeded.stdout.decode().strip().splitlines()[-1].split()
    journal, port = Journal(), free_port()
    programs = Programs(env, port, house.folder / "programs.log")
    try:
        people(house, int(project), tokens, port, journal, programs)
    finally:
        programs.stop()
    assert twice(house, journal) == []  # I2
    check_acknowledged(house, journal)
    check_planted(house)
    check_rows(house, int(project))


def people(house: House, project: int, tokens: list[str], port: int, journal: Journal, programs: Programs) -> None:
    truth = {
        int(str(image)): int(str(category)) for image, category in house.rows("SELECT image_id, category_id FROM truth")
    }
    users = [
        int(str(row[0])) for row in house.rows("SELECT id FROM accounts_user WHERE username LIKE 'page%' ORDER BY id")
    ]
    failed: list[BaseException] = []

    def work(user: int, token: str) -> None:
        try:
            Person(port=port, project=project, user=user, token=token, truth=truth, journal=journal).work()
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=work, args=pair) for pair in zip(users, tokens, strict=True)]
    for thread in threads:
        thread.start()
    killed = 0
    while any(thread.is_alive() for thread in threads) and not failed:
        done = sum(journal.acknowledged.copy().values()) + len(journal.singles)
        if killed < KILLS and done > IMAGES * (killed + 1) / (KILLS + 1):
            programs.kill(killed % 2)
            killed += 1
        time.sleep(0.05)
    for thread in threads:
        thread.join()
    if failed:
        raise failed[0]
    assert killed == KILLS


PLANTED = """
SELECT p.id::text AS page, (tile ->> 'image')::bigint AS image, p.committed_at
FROM labeling_page p, jsonb_array_elements(p.tiles) tile WHERE tile ? 'known'
"""


def twice(house: House, journal: Journal) -> list[object]:
    """Images that two people surely held at one moment; known-wrong tiles are nobody's and may stand anywhere."""
    planted = {(page, image) for page, image, _ in house.rows(PLANTED)}
    spans = defaultdict(list)
    for image, user, since, until, page in journal.held:
        if since < until and (page, image) not in planted:
            spans[image].append((since, until, user))
    return [
        (image, before, after)
        for image, all_held in spans.items()
        for before, after in zip(sorted(all_held), sorted(all_held)[1:], strict=False)
        if after[0] < before[1] - 0.001 and after[2] != before[2]
    ]


def check_acknowledged(house: House, journal: Journal) -> None:
    """I1: every acknowledged label is there exactly once, and none that nobody sent."""
    stored = dict(
        house.rows(
            "SELECT evidence_details ->> 'commit', count(*) FROM labeling_annotation"
            " WHERE kind = 'label' AND evidence_details ? 'commit' GROUP BY 1"
        )
    )
    assert {commit: labels for commit, labels in journal.acknowledged.items() if labels} == stored
    assert set(map(str, stored)) <= journal.sent
    singles = {
        str(row[0])
        for row in house.rows(
            "SELECT id FROM labeling_annotation WHERE NOT evidence_details ? 'commit' AND evidence <> 'imported'"
        )
    }
    assert singles == journal.singles


def check_planted(house: House) -> None:
    """Known-wrong tiles were shown, and not one of them is a label."""
    judged = f"SELECT * FROM ({PLANTED}) s WHERE committed_at IS NOT NULL"
    assert int(str(house.rows(f"SELECT count(*) FROM ({judged}) s")[0][0])) > 0
    labeled = (
        f"SELECT count(*) FROM ({judged}) s JOIN labeling_annotation a ON a.image_id = s.image"
        " AND a.evidence_details ->> 'page' = s.page"
    )
    assert house.rows(labeled) == [(0,)]


def check_rows(house: House, project: int) -> None:
    """I5 and I7: all is labeled, and every counter is what its rows say."""
    assert house.rows("SELECT count(*) FROM labeling_consensus") == [(IMAGES,)]
    assert house.rows("SELECT count(*) FROM labeling_queueitem WHERE remaining <> 0 OR slots <> 0") == [(0,)]
    scope = {"events": "a.project_id = %(project)s", "rows": "c.project_id = %(project)s"}
    assert house.rows(REFRESH.format(**scope), {"project": project, "all": False}) == []
    wrong = (
        "SELECT count(*) FROM (SELECT category_id, count(*) AS n FROM labeling_consensus WHERE NOT blind"
        " AND state = 'agreed' GROUP BY 1) c FULL JOIN predictions_prototype p ON p.category_id = c.category_id"
        " WHERE p.count IS DISTINCT FROM c.n"
    )
    assert house.rows(wrong) == [(0,)]
