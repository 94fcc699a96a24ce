"""Where the file of a student lies: one a run, replaced by nothing."""

from pathlib import Path

from server.images.storage import put


def student_key(*, project_id: int, run_id: int) -> str:
    return f"p/{project_id}/students/{run_id}.onnx"


def student_store(path: Path, *, project_id: int, run_id: int) -> None:
    """Copy the file of a run's student to storage."""
    with path.open("rb") as source:
        put(student_key(project_id=project_id, run_id=run_id), source, durable=True)
