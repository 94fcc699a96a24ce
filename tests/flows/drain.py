"""Eight people label at once until nothing is left, and write down every label that was acknowledged.

python -m tests.flows.drain PROJECT JOURNAL CLIENTS LEASE_S   (DATABASE_URL in the environment)
"""

import json
import os
import sys
import threading
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")
GIVE_UP_S = 120.0


def patiently(act: Callable[[], T]) -> T:
    """Try until the database answers, as a browser's outbox does."""
    from django.db import DatabaseError, connection

    until = time.monotonic() + GIVE_UP_S
    while True:
        try:
            return act()
        except DatabaseError:
            if time.monotonic() > until:
                raise
            connection.close()
            time.sleep(0.1)


def label_all(project_id: int, user_id: int, lease_s: float, note: Callable[[dict[str, object]], None]) -> None:
    from django.db import connection

    from server.labeling.selectors import queue_empty_reason
    from server.labeling.services.annotations import Judgement, annotation_create
    from server.labeling.services.leases import Leased, leases_take
    from server.labeling.services.queue import queue_top_up
    from server.projects.models import Project
    from server.taxonomy.models import Category

    known = Category.objects.filter(project_id=project_id).order_by("pk").values_list("pk", flat=True)
    categories = patiently(lambda: list(known))
    project = patiently(lambda: Project.objects.get(pk=project_id))

    def lease() -> list[Leased]:
        got = leases_take(project_id=project_id, user_id=user_id, count=10, lease_s=lease_s)
        if not got and queue_top_up(project=project, user_id=user_id, count=10):
            got = leases_take(project_id=project_id, user_id=user_id, count=10, lease_s=lease_s)
        return got

    while True:
        leased = patiently(lease)
        for item in leased:
            until = item.lease_until.timestamp()
            note({"leased": item.image_id, "user": user_id, "from": until - lease_s, "until": until})
        for item in leased:
            category = categories[item.image_id % len(categories)]
            said = Judgement(id=uuid.uuid4(), image_id=item.image_id, category_id=category)
            patiently(lambda said=said: annotation_create(said, project_id=project_id, annotator_id=user_id))  # type: ignore[misc]
            note({"acknowledged": str(said.id)})
        if not leased:
            if patiently(lambda: queue_empty_reason(project_id=project_id)) == "all_labeled":
                break
            time.sleep(0.2)
    connection.close()


def main(project_id: int, journal: Path, clients: int, lease_s: float) -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "server.config.settings")
    import django

    django.setup()
    from server.accounts.models import User

    users = patiently(lambda: list(User.objects.filter(username__startswith="drain").order_by("pk")[:clients]))
    lock = threading.Lock()
    with journal.open("a") as file:

        def note(line: dict[str, object]) -> None:
            with lock:
                file.write(json.dumps(line) + "\n")
                file.flush()

        threads = [threading.Thread(target=label_all, args=(project_id, user.pk, lease_s, note)) for user in users]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4]))
