"""Whatever the format, a certified label carries the promise under which nobody looked at it."""

import csv
import io
import json
import zipfile
from typing import Any

import pyarrow.parquet as pq
import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

from server.images.models import Image
from server.images.storage import original_key
from server.pipeline import flows
from server.pipeline.station import run_pending
from server.snapshots.certificate_services import lot_accept
from server.snapshots.models import Export
from server.snapshots.services import export_create
from tests.server.builders import World
from tests.server.snapshots.test_certificates import answer, planned, told

pytestmark = pytest.mark.django_db
PROMISE = "At most 5.00% of the labels that nobody looked at are wrong, 95% sure."


@pytest.fixture
def made(settings: Any) -> World:
    memory = {"BACKEND": "django.core.files.storage.InMemoryStorage"}
    settings.STORAGES = {**settings.STORAGES, "default": memory}
    made = told(200)
    for image in Image.objects.filter(project=made.project):
        default_storage.save(original_key(made.project.pk, image.sha256), ContentFile(b"bytes"))
    found = answer(made, planned(made, audits=80))
    lot_accept(certificate=found, accepted_by=made.people["owner"])
    return made


def exported(made: World, format: str) -> bytes:
    options = {"certified": True}
    export = export_create(project=made.project, created_by=None, format=format, options=options)
    flows.enqueue("export", project_id=made.project.pk, params={"export": export.pk})
    run_pending(kinds={"export"})
    with default_storage.open(Export.objects.get(pk=export.pk).storage_key) as file:
        return bytes(file.read())


def test_jsonl_says_it_on_every_line_that_nobody_looked_at(made: World) -> None:
    rows = [json.loads(line) for line in exported(made, "jsonl").splitlines()]
    accepted = [row for row in rows if row["evidence"] == "accepted"]
    assert accepted and all(row["promise"]["promise"] == PROMISE for row in accepted)
    assert accepted[0]["promise"]["bound"] <= 0.05 and accepted[0]["promise"]["accepted_at"]
    audited = [row for row in rows if row["evidence"] != "accepted"]
    assert audited and all(row["promise"] is None for row in audited)


def test_csv_has_the_promise_and_its_bound_as_columns(made: World) -> None:
    rows = list(csv.DictReader(io.StringIO(exported(made, "csv").decode())))
    accepted = [row for row in rows if row["evidence"] == "accepted"]
    assert {row["promise"] for row in accepted} == {PROMISE}
    assert all(0 < float(row["certificate_bound"]) <= 0.05 for row in accepted)


def test_label_studio_keeps_it_beside_each_task(made: World) -> None:
    tasks = json.loads(exported(made, "labelstudio"))
    accepted = [task for task in tasks if task["meta"]["evidence"] == "accepted"]
    assert accepted and all(task["meta"]["promise"]["promise"] == PROMISE for task in accepted)


def test_archives_hold_the_whole_card(made: World) -> None:
    for format in ("imagefolder", "parquet"):
        with zipfile.ZipFile(io.BytesIO(exported(made, format))) as archive:
            card = json.loads(archive.read("dataset.json"))["certificates"][0]
            assert card["promise"] == PROMISE and card["method"] and card["assumes"] and card["history"]
            if format == "parquet":
                assert PROMISE in archive.read("README.md").decode()
                shard = next(name for name in archive.namelist() if name.endswith(".parquet"))
                table = pq.read_table(io.BytesIO(archive.read(shard)))
                said = set(table["promise"].to_pylist())
                assert said <= {PROMISE, None} and PROMISE in said
