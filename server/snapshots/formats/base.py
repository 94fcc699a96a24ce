"""What every format is given, and the records they share."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import IO, Any

from server.snapshots.naming import class_folders, image_file_name
from server.snapshots.selectors import ExportRow

PROMISE = ("promise", "scope", "error", "level", "bound", "here", "labels", "audited", "wrong", "head", "accepted_at")
OpenOriginal = Callable[[ExportRow], IO[bytes]]


@dataclass(frozen=True)
class ExportSource:
    """A frozen snapshot as formats read it. `rows` can be consumed once; `original` opens the bytes of a row."""

    project_name: str
    snapshot_digest: str
    taxonomy_revision: int
    categories: list[dict[str, Any]]
    rows: Iterable[ExportRow]
    original: OpenOriginal
    certificates: list[dict[str, Any]] = field(default_factory=list)

    @cached_property
    def promises(self) -> dict[int, dict[str, Any]]:
        """By certificate, what a label that was accepted under it carries along: enough to know what was promised."""
        return {card["id"]: {name: card.get(name) for name in PROMISE} for card in self.certificates}

    def record(self, row: ExportRow) -> dict[str, Any]:
        """One label as JSON Lines and the sidecar of archives carry it: enough to import it again without loss."""
        fields = record(row, self.by_id[row.category_id])
        fields["promise"] = self.promises.get(row.certificate or 0)
        return fields

    @cached_property
    def by_id(self) -> dict[int, dict[str, Any]]:
        return {node["id"]: node for node in self.categories}

    @property
    def folders(self) -> dict[int, str]:
        return class_folders(self.categories)

    def card(self) -> dict[str, Any]:
        """What travels with every archive, so that a file found in ten years says what it is."""
        return {
            "made_by": "Winnow",
            "project": self.project_name,
            "snapshot": self.snapshot_digest,
            "taxonomy_revision": self.taxonomy_revision,
            "categories": self.categories,
            "certificates": self.certificates,
        }


def record(row: ExportRow, category: dict[str, Any]) -> dict[str, Any]:
    """What is said of a label, but for the promise under which it was accepted."""
    return {
        "file_name": file_name(row),
        "original_name": row.original_name,
        "sha256": row.sha256,
        "image_id": row.image_id,
        "width": row.width,
        "height": row.height,
        "category": category["name"],
        "category_id": row.category_id,
        "path": category["path"],
        "split": row.split,
        "evidence": row.evidence,
        "blind": row.blind,
        "votes": row.votes,
        "annotation": row.annotation_id,
        "annotator": row.annotator,
        "certificate": row.certificate,
        "labeled_at": row.labeled_at.isoformat() if row.labeled_at else None,
    }


def file_name(row: ExportRow) -> str:
    return image_file_name(sha256=row.sha256, original_name=row.original_name, format=row.format)
