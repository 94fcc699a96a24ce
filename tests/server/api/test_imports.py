"""Adding images over REST: every file is stored, known or refused with a reason; nothing stops the others."""

import hashlib
import io
import json

import pytest
from django.core.files.storage import default_storage
from rest_framework.test import APIClient

from server.images.models import Image, ImportBatch
from server.images.storage import exists, keys_of_image, original_key, put
from server.jobs.models import Job
from server.labeling.models import Consensus, Evidence
from server.pipeline.station import run_pending
from server.projects.models import Project
from server.taxonomy.models import Category
from tests.server.pictures import jpeg, png, tarred, upload, zipped

INGEST = {"ingest", "unpack"}


def batch(client: APIClient, project: Project, **body: object) -> str:
    answer = client.post(f"/api/v1/projects/{project.pk}/imports", {"source": "browser", **body}, format="json")
    assert answer.status_code == 201, answer.content
    return f"/api/v1/projects/{project.pk}/imports/{answer.json()['id']}"


def send(client: APIClient, address: str, files: dict[str, bytes], paths: list[str] | None = None) -> list[dict]:
    body = {"files": [upload(name, data) for name, data in files.items()], **({"paths": paths} if paths else {})}
    answer = client.post(f"{address}/files", body, format="multipart")
    assert answer.status_code == 200, answer.content
    return list(answer.json()["results"])


def send_archive(client: APIClient, address: str, data: bytes) -> Job:
    answer = client.post(f"{address}/archive", {"file": upload("a.zip", data)}, format="multipart")
    assert answer.status_code == 202, answer.content
    run_pending(kinds=INGEST)
    return Job.objects.get(pk=answer.json()["job"]["id"])


def issues(client: APIClient, address: str) -> dict[str, str]:
    return {item["file_name"]: item["reason"] for item in client.get(f"{address}/issues").json()["items"]}


def test_images_go_from_the_browser_to_the_screen(owner: APIClient, project: Project) -> None:
    address = batch(owner, project)
    results = send(owner, address, {"a.jpg": jpeg(1), "b.png": png(2)})
    assert [result["status"] for result in results] == ["stored", "stored"]
    run_pending(kinds=INGEST)
    items = owner.get(f"/api/v1/projects/{project.pk}/images").json()["items"]
    assert [(item["name"], item["width"], item["height"]) for item in items] == [("b.png", 120, 90), ("a.jpg", 120, 90)]
    for size in ("thumb", "display", "original"):
        answer = owner.get(f"/api/v1/projects/{project.pk}/images/{items[1]['id']}/{size}")
        assert answer.status_code == 200
        assert answer["Content-Type"] == "image/jpeg"
    state = owner.get(address).json()
    assert (state["received"], state["added"], state["job"]["state"]) == (2, 2, "done")


def test_the_same_bytes_are_one_image_in_a_request_and_ever_after(owner: APIClient, project: Project) -> None:
    address = batch(owner, project)
    first = send(owner, address, {"a.jpg": jpeg(1), "copy.jpg": jpeg(1)})
    assert [result["status"] for result in first] == ["stored", "duplicate"]
    assert first[0]["image_id"] == first[1]["image_id"]
    assert send(owner, batch(owner, project), {"again.jpg": jpeg(1)})[0]["status"] == "duplicate"
    assert Image.objects.count() == 1


def test_two_projects_may_hold_the_same_bytes(
    owner: APIClient, outsider: APIClient, project: Project, foreign_project: Project
) -> None:
    send(owner, batch(owner, project), {"a.jpg": jpeg(1)})
    assert send(outsider, batch(outsider, foreign_project), {"a.jpg": jpeg(1)})[0]["status"] == "stored"


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "unsupported_format"),
        (b"<html><script>alert(1)</script>", "unsupported_format"),
        (b"%PDF-1.7", "unsupported_format"),
        (b"II*\0" + b"\0" * 100, "unsupported_format"),
        (zipped({"a.jpg": b"x"}), "archive"),
    ],
)
def test_what_is_no_image_is_refused_at_once_and_leaves_nothing(
    owner: APIClient, project: Project, data: bytes, reason: str
) -> None:
    address = batch(owner, project)
    results = send(owner, address, {"x.jpg": data, "good.jpg": jpeg(1)})
    assert [(result["status"], result["reason"]) for result in results] == [("rejected", reason), ("stored", "")]
    assert not exists(original_key(project.pk, hashlib.sha256(data).hexdigest()))
    assert issues(owner, address) == {"x.jpg": reason}


def test_a_file_that_only_looks_like_an_image_is_listed_and_its_bytes_are_removed(
    owner: APIClient, project: Project
) -> None:
    address = batch(owner, project)
    send(owner, address, {"cut.jpg": jpeg(1)[:700], "good.jpg": jpeg(2)})
    run_pending(kinds=INGEST)
    assert list(issues(owner, address)) == ["cut.jpg"]
    state = owner.get(address).json()
    assert (state["received"], state["added"], state["rejected"]) == (2, 1, 1)
    bad = Image.objects.get(state="rejected")
    assert not any(exists(key) for key in keys_of_image(project.pk, bad.sha256))
    assert len(owner.get(f"/api/v1/projects/{project.pk}/images").json()["items"]) == 1


def test_a_rejected_file_can_be_sent_again(owner: APIClient, project: Project) -> None:
    bad = jpeg(1)[:700]
    for _ in range(2):
        address = batch(owner, project)
        assert send(owner, address, {"cut.jpg": bad})[0]["status"] == "stored"
        run_pending(kinds=INGEST)
        assert list(issues(owner, address)) == ["cut.jpg"]
    assert Image.objects.count() == 1


def test_an_image_above_the_limit_is_refused(owner: APIClient, project: Project, settings: object) -> None:
    settings.WINNOW_MAX_UPLOAD_BYTES = 1000  # type: ignore[attr-defined]
    results = send(owner, batch(owner, project), {"big.jpg": jpeg(1)})
    assert results[0]["reason"] == "too_large"


def test_a_hundred_and_one_files_are_too_many(owner: APIClient, project: Project) -> None:
    files = [upload(f"{n}.jpg", b"x") for n in range(101)]
    answer = owner.post(f"{batch(owner, project)}/files", {"files": files}, format="multipart")
    assert answer.status_code == 400
    assert not Image.objects.exists()


@pytest.mark.parametrize(
    "name",
    [
        "../../x.jpg",
        "..\\..\\x.jpg",
        "/etc/x.jpg",
        "C:\\x.jpg",
        "con.jpg",
        "-x.jpg",
        "x\u202egpj.exe",
        "é" * 300,
        "a. ",
    ],
)
def test_a_name_never_becomes_a_path(owner: APIClient, project: Project, name: str) -> None:
    results = send(owner, batch(owner, project), {"plain.jpg": jpeg(1)}, paths=[name])
    assert results[0]["status"] == "stored"
    image = Image.objects.get()
    assert "/" not in image.original_name
    assert "\\" not in image.original_name
    assert "\u202e" not in image.original_name
    assert exists(original_key(project.pk, image.sha256))
    assert default_storage.listdir(f"p/{project.pk}")[0] == [image.sha256[:2]]


def test_class_folders_become_categories_and_imported_labels(owner: APIClient, project: Project) -> None:
    Category.objects.create(project=project, name="Owl")
    address = batch(owner, project, folders_as_categories=True)
    files = {"1.jpg": jpeg(1), "2.jpg": jpeg(2), "3.jpg": jpeg(3)}
    send(owner, address, files, paths=["set/owl/1.jpg", "set/fox/2.jpg", "3.jpg"])
    run_pending(kinds=INGEST)
    names = dict(Category.objects.values_list("pk", "name"))
    assert set(names.values()) == {"Owl", "fox"}
    labels = {row.image.original_name: names[row.category_id] for row in Consensus.objects.select_related("image")}
    assert labels == {"1.jpg": "Owl", "2.jpg": "fox"}
    assert set(Consensus.objects.values_list("evidence", flat=True)) == {Evidence.IMPORTED}


def test_folders_make_no_labels_unless_asked(owner: APIClient, project: Project) -> None:
    send(owner, batch(owner, project), {"1.jpg": jpeg(1)}, paths=["owl/1.jpg"])
    run_pending(kinds=INGEST)
    assert not Category.objects.exists()
    assert not Consensus.objects.exists()


@pytest.mark.parametrize("pack", [zipped, tarred], ids=["zip", "tar.gz"])
def test_an_archive_is_unpacked_without_its_paths(owner: APIClient, project: Project, pack: object) -> None:
    address = batch(owner, project, folders_as_categories=True)
    files = {"set/owl/1.jpg": jpeg(1), "set/fox/2.png": png(2), "__MACOSX/._1.jpg": b"junk", "set/readme.txt": b"hi"}
    job = send_archive(owner, address, pack(files))  # type: ignore[operator]
    assert job.state == "done"
    state = owner.get(address).json()
    assert (state["added"], state["rejected"]) == (2, 1)
    assert issues(owner, address) == {"readme.txt": "unsupported_format"}
    assert set(Category.objects.values_list("name", flat=True)) == {"owl", "fox"}
    assert (
        "imports" not in default_storage.listdir(f"p/{project.pk}")[0]
        or not default_storage.listdir(f"p/{project.pk}/imports")[1]
    ), "the archive itself is gone"


def test_the_same_archive_again_adds_nothing(owner: APIClient, project: Project) -> None:
    data = zipped({"1.jpg": jpeg(1), "2.jpg": jpeg(2)})
    send_archive(owner, batch(owner, project), data)
    address = batch(owner, project)
    send_archive(owner, address, data)
    assert (owner.get(address).json()["added"], owner.get(address).json()["duplicates"]) == (0, 2)


def manifest(client: APIClient, project: Project, *lines: object) -> dict:
    text = "\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines)
    address = f"/api/v1/projects/{project.pk}/imports/manifest"
    answer = client.generic("POST", address, text.encode(), content_type="application/x-ndjson")
    assert answer.status_code == 200, answer.content
    return dict(answer.json())


def stored_line(project: Project, data: bytes, **more: object) -> dict[str, object]:
    sha256 = hashlib.sha256(data).hexdigest()
    put(original_key(project.pk, sha256), io.BytesIO(data))
    return {"sha256": sha256, "byte_size": len(data), "format": "jpeg", "name": "x.jpg", **more}


def test_a_manifest_registers_bytes_that_are_on_storage(owner: APIClient, project: Project) -> None:
    one, two = stored_line(project, jpeg(1)), stored_line(project, jpeg(2))
    result = manifest(owner, project, one, two, one)
    assert (result["registered"], result["duplicates"], result["rejected"]) == (2, 1, 0)
    assert manifest(owner, project, one)["registered"] == 0
    run_pending(kinds=INGEST)
    assert set(Image.objects.values_list("state", flat=True)) == {"ready"}


@pytest.mark.parametrize(
    "wrong",
    [
        {"sha256": "0" * 64},
        {"storage_key": "p/1/../../etc/passwd"},
        {"file": "/etc/passwd"},
        {"sha256": "zz"},
        {"byte_size": -1},
        {"byte_size": 2**70},
        {"byte_size": True},
        {"format": "svg"},
        {"format": []},
        {"width": 0},
        {"height": 2**40},
        {"name": 5},
        {"label": [1]},
    ],
)
def test_a_line_that_lies_is_named_and_the_others_count(owner: APIClient, project: Project, wrong: dict) -> None:
    good = stored_line(project, jpeg(1))
    result = manifest(owner, project, {**good, **wrong}, "{nonsense", "[]", good)
    assert result["registered"] == 1
    assert [problem["line"] for problem in result["problems"]] == sorted([1, 2, 3])


def test_bytes_that_are_not_what_the_manifest_said_are_rejected_when_read(owner: APIClient, project: Project) -> None:
    line = stored_line(project, jpeg(1))
    put(original_key(project.pk, str(line["sha256"])), io.BytesIO(jpeg(2)))
    manifest(owner, project, line)
    run_pending(kinds=INGEST)
    assert Image.objects.get().state == "rejected"
    assert ImportBatch.objects.get().rejected == 1
