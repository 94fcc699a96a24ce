"""The trained head behind a run: an artefact on storage that is written once. New classes stand on top of it."""

import hashlib
import uuid
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.utils import timezone

from server.images.storage import delete, exists, keys_below, modified_at, open_key, put
from server.predictions.models import PredictionRun
from server.registry.models import HeadVersion

LINEAR_KINDS = frozenset({"gda", "logistic", "lp++", "prototypes", "prototypes-euclidean", "text-prototypes"})
FEWEST = 4
"""Categories of a head that says something about others."""
RECENT = timedelta(hours=1)
"""A fit this young may belong to a worker that has not published it yet, so that no run names it."""
KIT_PROOF = "words.safetensors"
"""The last file of a kit to be written."""


@dataclass(frozen=True)
class TrainedHead:
    """`category_ids[i]` is class i; `digest` of its tensors proves that it is the same head.

    `version` is its row where it was promoted. `kit` is the key of an earlier head's kit for new classes, learned from
    `kit_labels` labels, which serves until this head has its own.
    """

    key: str
    category_ids: list[int]
    labels: int
    digest: str
    version: int | None = None
    kit: str = ""
    kit_labels: int = 0

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    @property
    def own_kit(self) -> str:
        """Where the kit that is learned for this head lies, or will."""
        project, name = self.key.split("/")[1], self.key.rsplit("/", 1)[-1]
        return f"{kits_prefix(int(project))}/{name}"


def trained_head_of(run: PredictionRun | None) -> TrainedHead | None:
    """The head that a run was scored with; None where it was made from words and prototypes alone."""
    if run is None:
        return None
    if run.details.get("base"):
        return TrainedHead(**run.details["base"])
    return None if run.head is None else promoted_as_trained(run.head, labels=run.label_count)


def promoted_as_trained(head: HeadVersion, *, labels: int) -> TrainedHead | None:
    """A promoted head that new classes can stand on: one row of weights a class, learned from images."""
    if head.kind not in LINEAR_KINDS or len(head.category_ids) < FEWEST:
        return None
    return TrainedHead(head.storage_key, list(head.category_ids), labels, head.digest, head.pk)


def fit_store(folder: Path, *, project_id: int, category_ids: Sequence[int], labels: int) -> TrainedHead:
    """Put a fitted head's files on storage under a key of its own."""
    key = f"{fits_prefix(project_id)}/{uuid.uuid4().hex}"
    artefact_store(folder, key=key)
    digest = hashlib.sha256((folder / "head.safetensors").read_bytes()).hexdigest()
    return TrainedHead(key, list(category_ids), labels, digest)


def fits_prefix(project_id: int) -> str:
    """Heads that a prediction run fitted for itself; promoted ones are the registry's."""
    return f"p/{project_id}/fits"


def kits_prefix(project_id: int) -> str:
    return f"p/{project_id}/kits"


def kit_key(head: TrainedHead) -> str | None:
    """Where the kit for new classes lies: the head's own, else an earlier one's, else nowhere."""
    for key in (head.own_kit, head.kit):
        if key and exists(f"{key}/{KIT_PROOF}"):
            return key
    return None


def artefact_store(folder: Path, *, key: str) -> None:
    """Every file of a folder, the proof that it is whole last."""
    for path in sorted(folder.iterdir(), key=lambda path: path.name == KIT_PROOF):
        with path.open("rb") as file:
            put(f"{key}/{path.name}", file)


def artefact_fetch(key: str) -> Path:
    """A local folder with an artefact's files. What lies under a key never changes, so one copy is enough."""
    folder = Path(settings.WINNOW_CACHE_DIR) / "artefacts" / key.replace("/", "-")
    for stored in keys_below(key):
        name = stored.removeprefix(f"{key}/")
        if "/" in name or (folder / name).exists():
            continue
        folder.mkdir(parents=True, exist_ok=True)
        part = folder / f".{name}.{uuid.uuid4().hex}"
        with open_key(stored) as source, part.open("wb") as target:
            target.write(source.read())
        part.replace(folder / name)
    return folder


def artefacts_prune(*, project_id: int, serving: Sequence[TrainedHead]) -> int:
    """Delete fits and kits that none of these heads needs, and that nobody is about to publish; how many files."""
    needed = {key for head in serving for key in (head.key, head.own_kit, head.kit) if key}
    there = [*keys_below(fits_prefix(project_id)), *keys_below(kits_prefix(project_id))]
    before = timezone.now() - RECENT
    gone = [key for key in there if key.rsplit("/", 1)[0] not in needed and modified_at(key) < before]
    delete(*gone)
    return len(gone)
