"""The demo project: a field guide of invented insects, drawn here, taken in as any folder is."""

import tempfile
from pathlib import Path

from server.compute.fieldguide import draw_field_guide
from server.images.intake import batch_create
from server.images.models import ImportBatch
from server.pipeline import flows
from server.pipeline.folders import files_at, files_take_in
from server.pipeline.handle import JobHandle
from server.pipeline.station import station
from server.taxonomy.importing import taxonomy_import


@station("draw_demo")
def draw_demo(handle: JobHandle) -> None:
    """Draw, make the categories with their definitions and sentences, add the pictures without their labels."""
    handle.progress(message="Drawing beetles and butterflies")
    with tempfile.TemporaryDirectory(prefix="winnow-demo-") as folder:
        scale = float(handle.params.get("scale", 1.0))
        tree = draw_field_guide(
            Path(folder), seed=0, scale=scale, told=lambda drawn, total: _drawn(handle, drawn, total)
        )
        taxonomy_import(project=handle.project, tree=tree)
        batch = ImportBatch.objects.filter(project=handle.project, source="demo").first() or batch_create(
            project_id=handle.project_id, source="demo", name="Field guide"
        )
        files = files_at(Path(folder) / "images")
        files_take_in(batch=batch, files=files, told=lambda taken: _told(handle, taken.received))


def _drawn(handle: JobHandle, drawn: int, total: int) -> None:
    handle.check()
    handle.progress(done=drawn, total=total)


def _told(handle: JobHandle, received: int) -> None:
    handle.check()
    handle.progress(done=received, message="Adding the pictures")
    flows.after_images_stored(handle.project_id)
