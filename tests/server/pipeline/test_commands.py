"""Commands of an operator: images from everything a disk may hold, taxonomies from files, the first start."""

import io
import json
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from django.core.management import CommandError, call_command

from server.accounts.models import User
from server.images.models import Image
from server.jobs.models import Job
from server.labeling.models import Consensus
from server.pipeline import flows
from server.projects.models import Project
from server.taxonomy.models import Category
from tests.server.builders import world
from tests.server.pictures import jpeg, tarred, zipped

pytestmark = pytest.mark.django_db
FILES = {"owl/1.jpg": jpeg(1), "owl/2.jpg": jpeg(2), "fox/3.jpg": jpeg(3), "notes.txt": b"no image"}


def said(name: str, *args: object) -> str:
    out = io.StringIO()
    with flows.without_messages():
        call_command(name, *[str(arg) for arg in args], stdout=out, stderr=io.StringIO())
    return out.getvalue()


@pytest.fixture
def administrator() -> User:
    return User.objects.create_superuser("root")


def folder(at: Path) -> Path:
    for name, data in FILES.items():
        (at / "set" / name).parent.mkdir(parents=True, exist_ok=True)
        (at / "set" / name).write_bytes(data)
    return at / "set"


def archive(name: str, pack: Callable[[dict[str, bytes]], bytes]) -> Callable[[Path], Path]:
    def write(at: Path) -> Path:
        (at / name).write_bytes(pack(FILES))
        return at / name

    return write


def parquet(at: Path) -> Path:
    rows = [{"image": {"bytes": data, "path": name}, "kind": name.split("/")[0]} for name, data in FILES.items()]
    pq.write_table(pa.Table.from_pylist(rows), at / "set.parquet")
    return at / "set.parquet"


SOURCES = {"folder": folder, "zip": archive("set.zip", zipped), "tar": archive("set.tar.gz", tarred)}


@pytest.mark.usefixtures("administrator")
@pytest.mark.parametrize("source", [*SOURCES, "parquet"])
def test_images_are_read_from_it_and_the_same_command_again_adds_none(source: str, tmp_path: Path) -> None:
    path = {**SOURCES, "parquet": parquet}[source](tmp_path)
    assert "files (dry run" in said("ingest_images", path, "--project", world(images=0).project.pk, "--dry-run")
    assert not Image.objects.exists()
    assert "3 added" in said("ingest_images", path, "--project", "Wood", "--inline")
    assert set(Image.objects.values_list("state", flat=True)) == {"ready"}
    assert "0 added, 3 known" in said("ingest_images", path, "--project", "Wood", "--inline")
    assert Image.objects.count() == 3


@pytest.mark.usefixtures("administrator")
@pytest.mark.parametrize("source", [*SOURCES, "parquet"])
def test_class_names_become_categories_and_imported_labels(source: str, tmp_path: Path) -> None:
    path = {**SOURCES, "parquet": parquet}[source](tmp_path)
    option = ["--label-column", "kind"] if source == "parquet" else ["--folders-as-categories"]
    said("ingest_images", path, "--project", "Wood", "--inline", *option)
    names = {"owl", "fox"}
    assert names <= set(Category.objects.values_list("name", flat=True))
    labels = dict(Consensus.objects.values_list("image__original_name", "category__name"))
    assert sorted(labels.values()) == ["fox", "owl", "owl"]
    assert set(Consensus.objects.values_list("evidence", flat=True)) == {"imported"}


@pytest.mark.usefixtures("administrator")
def test_a_path_that_is_not_there_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="nothing at"):
        said("ingest_images", tmp_path / "gone", "--project", "Wood", "--inline")


def test_a_taxonomy_of_names_and_one_of_json_are_made_once(tmp_path: Path) -> None:
    made = world(images=0, categories=())
    (tmp_path / "names.txt").write_text("Birds\n  owl | night bird\n  jay\nfox\n")
    tree = {"categories": [{"name": "Fish", "key": "f", "children": [{"name": "pike", "key": "p"}]}]}
    (tmp_path / "tree.json").write_text(json.dumps(tree))
    project = ["--project", made.project.pk]
    assert "4 categories made" in said("import_taxonomy", tmp_path / "names.txt", *project, "--dry-run")
    assert not Category.objects.exists()
    for file, count in (("names.txt", 4), ("tree.json", 2)):
        assert f"{count} categories made, 0 were there" in said("import_taxonomy", tmp_path / file, *project)
        assert f"0 categories made, {count} were there" in said("import_taxonomy", tmp_path / file, *project)
    assert Category.objects.get(name="pike").parent == Category.objects.get(name="Fish")


def test_the_first_start_makes_a_user_and_the_demo_and_the_second_makes_nothing() -> None:
    first = said("bootstrap")
    password = first.split("password ")[1].split()[0]
    user = User.objects.get()
    assert user.check_password(password)
    before = (User.objects.count(), Project.objects.count(), Job.objects.count())
    assert before == (1, 1, 1)
    again = said("bootstrap")
    assert password not in again
    assert (User.objects.count(), Project.objects.count(), Job.objects.count()) == before
    assert User.objects.get().password == user.password
