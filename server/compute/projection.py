"""Maps across the seam: vectors in, points out, by a process of its own.

Laying out 100,000 points takes minutes in compiled code that lets no other thread of its process run. In a child the
worker's heart goes on beating, a person can stop it at any moment, and its memory is given back.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from django.conf import settings
from numpy.typing import NDArray

from server.compute.errors import MlError

LOOK_S = 0.2


def vectors_lay_out(
    vectors: NDArray[np.floating[Any]], *, method: str, seed: int, check: Callable[[], None]
) -> NDArray[np.float32]:
    """Points (P, 2) in [0, 1] of vectors (P, D). `check` is asked several times a second and may raise to stop it.

    Raises:
        MlError: It cannot be done, in the words of the child.
    """
    with tempfile.TemporaryDirectory(prefix="winnow-map-") as name:
        folder = Path(name)
        np.save(folder / "vectors.npy", np.asarray(vectors, np.float32))
        command = [sys.executable, "-m", "ml.projection", str(folder / "vectors.npy"), str(folder / "points.npy")]
        command += ["--method", method, "--seed", str(seed), "--threads", str(os.cpu_count() or 1)]
        with (folder / "said").open("wb") as said:
            child = subprocess.Popen(command, cwd=settings.BASE_DIR, stdout=said, stderr=said)
            try:
                while child.poll() is None:
                    check()
                    time.sleep(LOOK_S)
            finally:
                child.kill()
                child.wait()
        if child.returncode != 0:
            last = (folder / "said").read_text(errors="replace").strip().rsplit("\n", 1)[-1]
            raise MlError(f"The map could not be drawn: {last or f'its process ended with {child.returncode}'}")
        points: NDArray[np.float32] = np.load(folder / "points.npy")
        return points
