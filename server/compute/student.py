"""Students across the seam: encoded images and a teacher's answers in, one ONNX file and figures out."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from server.compute.methods import Told, training_callback

LARGEST_BYTES = 5_000_000


@dataclass(frozen=True)
class StudentMade:
    """What was written and how it compares with its PyTorch source and with its teacher. All of it is JSON."""

    size_bytes: int
    largest_difference: float
    milliseconds_per_image: float
    agreement: float
    judged: int

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def student_make(
    path: Path,
    *,
    images: Iterable[bytes],
    probabilities: NDArray[np.float32],
    labels: Sequence[Mapping[str, Any]],
    seed: int,
    seen: Callable[[int], None],
    told: Told,
    stop: Callable[[], bool],
    checkpoint: Path,
) -> StudentMade:
    """Teach a small network what a head says (S, N) of S encoded images, and write it to `path` as ONNX.

    `seen(count)` hears of images that were looked at; `told` and `stop` are those of `adapter_fit`.

    Raises:
        MlError: An image cannot be read, the loss became NaN or infinite, or the file answers otherwise than PyTorch.
    """
    from ml.training.compact import CompactOptions, distill
    from ml.training.deployment import deploy

    made = distill(
        images,
        probabilities,
        options=CompactOptions(),
        seed=seed,
        seen=seen,
        callbacks=[training_callback(told, stop)],
        checkpoint=checkpoint,
    )
    written = deploy(made.student, path, labels=labels, seed=seed)
    return StudentMade(
        written.size_bytes,
        written.largest_difference,
        written.milliseconds_per_image,
        made.agreement,
        made.judged,
    )


def student_probabilities(path: Path, images: Iterable[bytes], *, classes: int) -> NDArray[np.float32]:
    """(n, N) of encoded images, through the file itself."""
    from ml.data.decode_rgb import decode_rgb
    from ml.training.deployment import student_probabilities as say

    pictures = [np.array(decode_rgb(data).image) for data in images]
    return say(path, pictures) if pictures else np.empty((0, classes), np.float32)
