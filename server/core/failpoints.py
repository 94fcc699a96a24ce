"""Places where a test may stop a worker in order to kill it, or the database, or the broker, at that very moment."""

import os
import time
from pathlib import Path

from django.conf import settings


def failpoint(name: str) -> None:
    """Nothing, unless a test asks for this place with a file `<folder>/<name>.wanted`: then wait there until the test
    has done its worst.

    The first process that arrives writes `<folder>/<name>` with its process id and waits until the file `<name>.go`
    appears beside it; those that come later pass by.
    """
    folder = settings.WINNOW_FAILPOINT_DIR
    if not folder or not (Path(folder) / f"{name}.wanted").exists():
        return
    here = Path(folder) / name
    try:
        with here.open("x") as file:
            file.write(str(os.getpid()))
    except FileExistsError:
        return
    while not (here.parent / f"{name}.go").exists():
        time.sleep(0.02)
