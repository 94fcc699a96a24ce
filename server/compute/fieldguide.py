"""The demo's pictures and taxonomy, drawn by ourselves, on every core."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.conf import settings

from server.core.errors import ApplicationError

LOOK_EVERY_S = 1.0


def draw_field_guide(
    folder: Path, *, seed: int = 0, scale: float = 1.0, told: Callable[[int, int], None] = lambda drawn, total: None
) -> dict[str, Any]:
    """Write `folder/images/<species>/<number>.jpg` and return the taxonomy, families with species below.

    One process a core; `told(drawn, total)` is called about once a second and may raise to stop them.

    Raises:
        ApplicationError: A process ended badly; the message is what it said.
    """
    from ml.data.fieldguide import field_guide_plates

    total = len(field_guide_plates(seed=seed, scale=scale))
    parts = max(1, min(8, os.cpu_count() or 1))
    command = [sys.executable, "-m", "ml.data.fieldguide", str(folder), "--seed", str(seed), "--scale", str(scale)]
    running = [
        subprocess.Popen(
            [*command, "--share", f"{part}/{parts}"],
            cwd=settings.BASE_DIR,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        for part in range(parts)
    ]
    try:
        while any(process.poll() is None for process in running):
            told(sum(1 for _ in folder.glob("images/*/*.jpg")), total)
            time.sleep(LOOK_EVERY_S)
    finally:
        for process in running:
            process.kill()
    for process in running:
        if process.wait() and process.stderr is not None:
            raise ApplicationError(f"Drawing the demo failed: {process.stderr.read().decode(errors='replace')[-400:]}")
    taxonomy: dict[str, Any] = json.loads((folder / "taxonomy.json").read_text(encoding="utf-8"))
    return taxonomy
