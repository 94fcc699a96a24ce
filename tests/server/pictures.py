"""Small real pictures and archives of them."""

import io
import tarfile
import zipfile
from collections.abc import Mapping

from django.core.files.uploadedfile import SimpleUploadedFile

from tests.ml.data.pictures import encoded, picture


def jpeg(seed: int = 0, *, width: int = 120, height: int = 90) -> bytes:
    return encoded(picture(width, height, seed=seed), "JPEG", quality=92)


def png(seed: int = 0) -> bytes:
    return encoded(picture(seed=seed), "PNG")


def upload(name: str, data: bytes, content_type: str = "image/jpeg") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, data, content_type=content_type)


def zipped(files: Mapping[str, bytes], *, compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def tarred(files: Mapping[str, bytes], *, mode: str = "w:gz") -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=mode) as archive:  # type: ignore[call-overload]
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return buffer.getvalue()
