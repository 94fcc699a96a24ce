"""ImageFolder ZIP: `<split>/<class>/<file>`, with labels.jsonl and dataset.json beside, so that nothing is lost."""

import json
import shutil
import tempfile
import zipfile
from typing import IO

from server.snapshots.formats.base import ExportSource, file_name

SPOOL_BYTES = 8 * 1024 * 1024
EPOCH = (1980, 1, 1, 0, 0, 0)


def write_imagefolder(source: ExportSource, target: IO[bytes]) -> None:
    """Images are stored, not deflated: they are compressed already. The same snapshot gives the same bytes."""
    folders = source.folders
    with (
        zipfile.ZipFile(target, "w", zipfile.ZIP_STORED, allowZip64=True) as archive,
        tempfile.SpooledTemporaryFile(max_size=SPOOL_BYTES) as labels,
    ):
        for row in source.rows:
            place = f"{row.split}/{folders[row.category_id]}/{file_name(row)}"
            with source.original(row) as original, archive.open(zip_entry(place), "w") as entry:
                shutil.copyfileobj(original, entry, 1024 * 1024)
            fields = source.record(row) | {"file_name": place}
            labels.write(json.dumps(fields, ensure_ascii=False).encode() + b"\n")
        labels.seek(0)
        with archive.open(zip_entry("labels.jsonl", deflate=True), "w") as entry:
            shutil.copyfileobj(labels, entry)
        card = source.card() | {"folders": {str(key): name for key, name in folders.items()}}
        archive.writestr(zip_entry("dataset.json", deflate=True), json.dumps(card, ensure_ascii=False, indent=1))


def zip_entry(name: str, *, deflate: bool = False) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name, date_time=EPOCH)
    info.compress_type = zipfile.ZIP_DEFLATED if deflate else zipfile.ZIP_STORED
    info.external_attr = 0o644 << 16
    return info
