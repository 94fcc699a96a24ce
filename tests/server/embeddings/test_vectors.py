"""Vectors are written once, found exactly, and never compared across spaces."""

import uuid
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.db import connection

from server.core import sql
from server.core.copying import copy_out
from server.core.errors import InvalidInput
from server.embeddings.mapped import folder_of, mapped_space
from server.embeddings.models import EmbeddingFailure
from server.embeddings.selectors import nearest_to_image, nearest_to_vector, pending_image_ids
from server.embeddings.services import build_index, embeddings_store, failures_store, space_drop, space_prepare
from server.images.models import Image
from server.registry.models import EncoderVersion
from tests.server.builders import World, world

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _cache(settings: Any, tmp_path: Path) -> None:
    settings.WINNOW_CACHE_DIR = tmp_path


def space_of(dim: int = 3) -> EncoderVersion:
    space = EncoderVersion.objects.create(name="tiny", fingerprint=uuid.uuid4().hex, dim=dim)
    space_prepare(space)
    return space


def filled(vectors: list[list[float]]) -> tuple[World, EncoderVersion]:
    made, space = world(images=len(vectors)), space_of(len(vectors[0]))
    unit = np.asarray(vectors, np.float32)
    unit /= np.linalg.norm(unit, axis=1, keepdims=True)
    embeddings_store(space=space, project_id=made.project.pk, image_ids=made.images, vectors=unit)
    return made, space


def test_what_is_copied_in_comes_out_to_the_bit() -> None:
    vectors = np.random.default_rng(0).normal(size=(5, 8)).astype(np.float32)
    made, space = world(images=5), space_of(8)
    assert embeddings_store(space=space, project_id=made.project.pk, image_ids=made.images, vectors=vectors) == 5
    ids, back = copy_out(
        "SELECT image_id, vector FROM embeddings_embedding WHERE space_id = %s ORDER BY image_id", [space.pk], dim=8
    )
    assert ids.tolist() == made.images
    assert np.array_equal(back, vectors.astype(np.float16))


def test_the_same_chunk_twice_is_the_same_chunk_once() -> None:
    made, space = filled([[1, 0, 0], [0, 1, 0]])
    other = np.eye(3, dtype=np.float32)[[2, 2]]
    assert embeddings_store(space=space, project_id=made.project.pk, image_ids=made.images, vectors=other) == 0
    assert nearest_to_vector(project_id=made.project.pk, space=space, vector=[1, 0, 0], limit=1)[0].similarity == 1.0


def test_an_image_deleted_meanwhile_and_one_of_another_project_leave_no_vector() -> None:
    made, space = world(images=3), space_of()
    Image.objects.filter(pk=made.images[0]).delete()
    ids = [*made.images, world(images=1).images[0]]
    stored = embeddings_store(
        space=space, project_id=made.project.pk, image_ids=ids, vectors=np.eye(4, 3, dtype=np.float32) + 0.1
    )
    assert stored == 2


@pytest.mark.parametrize("wrong", [np.zeros((2, 4)), np.full((2, 3), np.nan), np.zeros((1, 3))])
def test_vectors_of_the_wrong_shape_or_without_a_value_are_refused(wrong: np.ndarray) -> None:
    made, space = world(images=2), space_of()
    with pytest.raises(ValueError, match="expected finite vectors"):
        embeddings_store(space=space, project_id=made.project.pk, image_ids=made.images, vectors=wrong)


def test_neighbors_are_exact_in_order_and_without_the_image_itself() -> None:
    made, space = filled([[1, 0, 0], [1, 1, 0], [0, 1, 0], [-1, 0, 0]])
    found = nearest_to_image(project_id=made.project.pk, space=space, image_id=made.images[0], limit=3)
    assert [neighbor.image_id for neighbor in found] == [made.images[i] for i in (1, 2, 3)]
    assert [round(neighbor.similarity, 2) for neighbor in found] == [0.71, 0.0, -1.0]


def test_neighbors_stay_within_the_project() -> None:
    made, space = filled([[1, 0, 0], [0, 1, 0]])
    other = world(images=1)
    embeddings_store(
        space=space, project_id=other.project.pk, image_ids=other.images, vectors=np.eye(1, 3, dtype=np.float32)
    )
    found = nearest_to_vector(project_id=made.project.pk, space=space, vector=[1, 0, 0], limit=9)
    assert {neighbor.image_id for neighbor in found} == set(made.images)


@pytest.mark.parametrize("probe", [[1, 0], [0, 0, 0], [float("nan"), 0, 1], [float("inf"), 0, 0], []])
def test_a_vector_that_cannot_be_of_this_space_is_refused(probe: list[float]) -> None:
    made, space = filled([[1, 0, 0]])
    with pytest.raises(InvalidInput):
        nearest_to_vector(project_id=made.project.pk, space=space, vector=probe, limit=1)


def test_a_large_space_is_searched_through_its_index(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("server.embeddings.selectors.INDEX_FROM", 0)
    made, space = filled(np.random.default_rng(1).normal(size=(50, 8)).tolist())
    build_index(space)
    statements: list[str] = []

    def explain(statement: str, params: object) -> list[dict[str, object]]:
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_sort = off")
            cursor.execute("EXPLAIN " + statement, params)
            statements.append("\n".join(row[0] for row in cursor.fetchall()))
        return []

    monkeypatch.setattr(sql, "fetch_all", explain)
    nearest_to_image(project_id=made.project.pk, space=space, image_id=made.images[0], limit=5)
    assert f"embeddings_embedding_{space.pk}_hnsw" in statements[0]


def test_what_cannot_be_embedded_is_named_and_not_tried_again() -> None:
    made, space = world(images=3), space_of()
    failures_store(space=space, failures={made.images[1]: ("not_finite", "gave NaN")})
    failures_store(space=space, failures={made.images[1]: ("not_finite", "gave NaN")})
    assert EmbeddingFailure.objects.get().message == "gave NaN"
    pending = pending_image_ids(project_id=made.project.pk, space=space)
    assert pending == [made.images[0], made.images[2]]
    assert pending_image_ids(project_id=made.project.pk, space=space_of()) == made.images


def test_the_mapped_copy_follows_the_database() -> None:
    made, space = filled([[1, 0, 0], [0, 1, 0]])
    first = mapped_space(project_id=made.project.pk, space=space)
    assert first.ids.tolist() == made.images
    assert np.allclose(first.vectors, np.eye(2, 3))
    more = Image.objects.create(project=made.project, sha256="f" * 64, byte_size=1, state="ready")
    embeddings_store(
        space=space, project_id=made.project.pk, image_ids=[more.pk], vectors=np.asarray([[0, 0, 1]], np.float32)
    )
    second = mapped_space(project_id=made.project.pk, space=space)
    assert second.ids.tolist() == [*made.images, more.pk]
    assert first.ids.tolist() == made.images  # whoever still reads the old rows reads them in peace
    sql.execute("DELETE FROM embeddings_embedding WHERE image_id = %s", [made.images[0]])
    third = mapped_space(project_id=made.project.pk, space=space)
    assert third.ids.tolist() == [made.images[1], more.pk]
    assert np.allclose(third.vectors, np.eye(3)[1:])


def test_a_copy_that_was_cut_short_or_lost_is_made_again() -> None:
    made, space = filled([[1, 0, 0], [0, 1, 0]])
    mapped_space(project_id=made.project.pk, space=space)
    folder = folder_of(project_id=made.project.pk, space=space)
    with (folder / "vectors.f16").open("ab") as file:
        file.write(b"half a row")
    more = Image.objects.create(project=made.project, sha256="f" * 64, byte_size=1, state="ready")
    embeddings_store(
        space=space, project_id=made.project.pk, image_ids=[more.pk], vectors=np.asarray([[0, 0, 1]], np.float32)
    )
    assert np.allclose(mapped_space(project_id=made.project.pk, space=space).vectors, np.eye(3))
    (folder / "rows.json").write_text("{")
    assert np.allclose(mapped_space(project_id=made.project.pk, space=space).vectors, np.eye(3))


def test_two_spaces_never_share_a_file_and_one_is_dropped_alone() -> None:
    made, one = filled([[1, 0, 0]])
    two = space_of(2)
    embeddings_store(
        space=two, project_id=made.project.pk, image_ids=made.images, vectors=np.asarray([[0, 1]], np.float32)
    )
    assert mapped_space(project_id=made.project.pk, space=one).vectors.shape == (1, 3)
    assert mapped_space(project_id=made.project.pk, space=two).vectors.shape == (1, 2)
    space_drop(one)
    assert nearest_to_vector(project_id=made.project.pk, space=two, vector=[0, 1], limit=1)[0].similarity == 1.0
    assert nearest_to_vector(project_id=made.project.pk, space=one, vector=[1, 0, 0], limit=1) == []
