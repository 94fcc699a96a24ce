"""An uploaded archive becomes images, a hundred to a transaction. Run again, it adds only what is missing."""

from server.core.errors import InvalidInput
from server.core.events import publish
from server.images.archives import archive_entries
from server.images.intake import images_take_in, issues_note
from server.images.models import ImportBatch
from server.images.storage import archive_key, delete, open_key
from server.pipeline import flows
from server.pipeline.folders import groups_of
from server.pipeline.handle import JobHandle
from server.pipeline.station import station


@station("unpack")
def unpack(handle: JobHandle) -> None:
    """Take in every image of an archive; the archive's bytes are deleted at the end, also where it was refused."""
    batch = ImportBatch.objects.get(pk=handle.params["batch"], project_id=handle.project_id)
    key = archive_key(handle.project_id, batch.pk)
    try:
        with open_key(key) as file:
            for group in groups_of(archive_entries(file)):  # type: ignore[arg-type]
                handle.check()
                with handle.commit() as tally:
                    tally.done = len(images_take_in(batch=batch, files=group))
                    publish(handle.project_id, "images", "jobs")
                    flows.after_images_stored(handle.project_id)
    except InvalidInput as error:
        issues_note(batch=batch, issues=[(batch.name or "archive", error.code, error.message)])
        delete(key)
        raise
    except FileNotFoundError as error:
        raise InvalidInput("The archive is no longer on storage; upload it again.", code="missing") from error
    delete(key)
