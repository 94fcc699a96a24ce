"""Archives are hostile until they are read through: no path, link, bomb or lie gets further than a listed reason."""

import io
import struct
import tarfile
import zipfile

import pytest

from server.core.errors import InvalidInput
from server.images.archives import archive_entries
from tests.server.pictures import jpeg, tarred, zipped


def outcomes(data: bytes) -> dict[str, str]:
    """name → reason of each entry; "" where it can be read to its end."""
    found = {}
    for entry in archive_entries(io.BytesIO(data)):
        reason = entry.problem[0] if entry.problem else ""
        if entry.data is not None:
            try:
                while entry.data.read(1 << 16):
                    pass
            except ValueError:
                reason = "unreadable"
        found[entry.name] = reason
    return found


@pytest.mark.parametrize("name", ["../x.jpg", "/etc/x.jpg", "a/../../x.jpg", "C:/x.jpg", "..\\x.jpg"])
@pytest.mark.parametrize("pack", [zipped, tarred])
def test_a_name_that_points_outside_is_refused_and_its_neighbors_are_read(pack: object, name: str) -> None:
    found = outcomes(pack({name: jpeg(1), "good.jpg": jpeg(2)}))  # type: ignore[operator]
    assert sorted(found.values()) == ["", "unsafe_name"]


def test_links_and_devices_in_a_tar_are_refused() -> None:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for kind in (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE):
            info = tarfile.TarInfo(f"{kind.decode()}.jpg")
            info.type, info.linkname = kind, "/etc/passwd"
            archive.addfile(info)
    assert set(outcomes(buffer.getvalue()).values()) == {"link"}


def test_a_link_in_a_zip_is_refused() -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        info = zipfile.ZipInfo("link.jpg")
        info.external_attr = 0o120777 << 16
        archive.writestr(info, "/etc/passwd")
    assert outcomes(buffer.getvalue()) == {"link.jpg": "link"}


def test_an_archive_inside_an_archive_is_not_opened() -> None:
    assert outcomes(zipped({"inner.zip": zipped({"a.jpg": b"x"}), "a.tar.gz": b"x"})) == {
        "inner.zip": "archive",
        "a.tar.gz": "archive",
    }


def test_an_entry_that_unpacks_to_hundreds_of_times_its_size_is_a_bomb() -> None:
    assert outcomes(zipped({"zeros.jpg": b"\0" * (20 << 20)})) == {"zeros.jpg": "bomb"}


def test_an_archive_that_unpacks_to_more_than_the_limit_is_stopped_there(settings: object) -> None:
    settings.WINNOW_MAX_ARCHIVE_BYTES = 3000  # type: ignore[attr-defined]
    for pack in (zipped, tarred):
        with pytest.raises(InvalidInput, match="unpacks to more"):
            outcomes(pack({f"{n}.jpg": bytes([n]) * 1000 for n in range(5)}))


def test_a_directory_of_a_million_entries_is_refused_before_it_is_read() -> None:
    end = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 0xFFFF, 0xFFFF, 0xFFFFFFFF, 0, 0)
    zip64 = b"PK\x06\x06" + struct.pack("<QHHLLQQQQ", 44, 45, 45, 0, 0, 10**6, 10**6, 46 * 10**6, 0)
    with pytest.raises(InvalidInput, match="More than 200,000"):
        outcomes(b"PK\x03\x04" + zip64 + end)


def test_entries_that_share_bytes_are_refused() -> None:
    data = bytearray(zipped({f"{n}.jpg": bytes(range(256)) * 40 for n in range(3)}, compression=zipfile.ZIP_STORED))
    start = 0
    while (start := data.find(b"PK\x01\x02", start + 1)) > 0:
        data[start + 20 : start + 24] = struct.pack("<L", 900_000)
    with pytest.raises(InvalidInput, match="overlap"):
        outcomes(bytes(data))


def test_a_broken_entry_is_unreadable_and_the_next_is_read() -> None:
    data = bytearray(zipped({"bad.jpg": jpeg(1), "good.jpg": jpeg(2)}, compression=zipfile.ZIP_STORED))
    data[200] ^= 0xFF
    assert outcomes(bytes(data)) == {"bad.jpg": "unreadable", "good.jpg": ""}


@pytest.mark.parametrize("data", [b"PK\x03\x04", b"", b"hello", b"\x1f\x8b" + b"\0" * 50, zipped({"a": b"x"})[:-10]])
def test_what_is_no_archive_says_so(data: bytes) -> None:
    with pytest.raises(InvalidInput):
        outcomes(data)


def test_a_tar_header_that_wants_gigabytes_of_memory_is_refused() -> None:
    info = tarfile.TarInfo("././@PaxHeader")
    info.type, info.size = tarfile.XHDTYPE, 1 << 31
    with pytest.raises(InvalidInput, match="1 MiB"):
        outcomes(info.tobuf(tarfile.USTAR_FORMAT) + b"\0" * 2048)
