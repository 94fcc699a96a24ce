"""A category is added by a sentence to a project with a trained head: real stations, real text vectors."""

import uuid
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ml.icis.descriptors import sentence_vectors
from server.jobs.models import Job, State
from server.labeling.services.annotations import Judgement, annotation_create
from server.pipeline import flows, tasks
from server.pipeline.station import run_pending
from server.predictions.heads import artefact_fetch, trained_head_of
from server.predictions.models import Prediction
from server.projects.models import Project
from server.taxonomy.services import category_create, category_deprecate
from tests.server.builders import World, with_vectors, world

pytestmark = pytest.mark.django_db
assert tasks

ANIMALS = {
    "owl": "a bird of prey with a round face that hunts at night",
    "eagle": "a large bird of prey with a hooked beak and broad wings",
    "sparrow": "a small brown songbird that lives near houses",
    "duck": "a water bird with a flat bill and webbed feet",
    "penguin": "a black and white bird that swims and cannot fly",
    "salmon": "a silver fish that swims up rivers to spawn",
    "shark": "a large grey fish with a fin on its back and many teeth",
    "goldfish": "a small orange fish kept in ponds",
    "frog": "a green amphibian with long legs that jumps",
    "snake": "a reptile without legs, covered with scales",
    "lizard": "a small reptile with four legs and a long tail",
    "turtle": "a reptile with a hard shell",
    "horse": "a large hoofed animal with a mane that people ride",
    "cow": "a hoofed farm animal with horns that gives milk",
    "sheep": "a farm animal with thick white wool",
    "dog": "a domestic animal that barks and guards the house",
    "wolf": "a wild grey animal like a dog that hunts in packs",
    "cat": "a small domestic animal with whiskers that purrs",
    "bee": "a striped yellow and black insect that makes honey",
    "ant": "a tiny insect that lives in colonies under the ground",
    "lion": "a large wild cat with a mane that hunts in packs",
}
SHOTS, DIM = 8, 96


@pytest.fixture(autouse=True)
def _places(settings: Any, tmp_path: Path) -> None:
    settings.WINNOW_CACHE_DIR = tmp_path / "cache"
    settings.STORAGES = {
        **settings.STORAGES,
        "default": {
            "BACKEND": "django.core.files.storage.FileSystemStorage",
            "OPTIONS": {"location": str(tmp_path / "media")},
        },
    }


@pytest.fixture(scope="module")
def looks() -> np.ndarray:
    """(21, DIM): how each animal looks is a fixed linear map of what is said of it."""
    said = sentence_vectors([[f"a photo of a {name}", f"{name}: {text}"] for name, text in ANIMALS.items()])
    seen = (said - said.mean(axis=0)) @ np.random.default_rng(1).normal(size=(said.shape[1], DIM))
    return np.asarray(seen / np.linalg.norm(seen, axis=1, keepdims=True))


def zoo(looks: np.ndarray) -> World:
    """Twenty animals with confirmed images, as many unlabelled ones of each and of the lion; an image-only space."""
    names = list(ANIMALS)
    made = world(images=2 * SHOTS * len(names), categories=names[:20])
    kind = np.arange(len(made.images)) % len(names)
    noise = np.random.default_rng(2).normal(size=(len(kind), DIM)) / DIM**0.5
    with_vectors(made, looks[kind] + 0.8 * noise)
    for name, category in zip(names, made.categories, strict=False):
        Project.objects.get(pk=made.project.pk).categories.filter(pk=category).update(definition=ANIMALS[name])
    for i, image in enumerate(made.images[: SHOTS * len(names)]):
        if kind[i] < 20:
            label(made, image, made.categories[kind[i]])
    predict(made)
    return made


def label(made: World, image: int, category: int) -> None:
    said = Judgement(id=uuid.uuid4(), image_id=image, category_id=category)
    annotation_create(said, project_id=made.project.pk, annotator_id=made.people["annotator"].pk)


def predict(made: World) -> None:
    flows.after_embedded(made.project.pk)
    run_pending(project_id=made.project.pk, kinds={"predict"})
    made.project.refresh_from_db()


def add_lion(made: World) -> int:
    lion = category_create(
        project=made.project, name="lion", descriptions=[{"kind": "sentence", "text": f"lion: {ANIMALS['lion']}"}]
    )
    flows.after_taxonomy_changed(made.project.pk)
    interactive(made)
    return int(lion.pk)


def interactive(made: World) -> None:
    """Everything that the interactive worker does; the one for training does nothing."""
    run_pending(project_id=made.project.pk, kinds={"inject"})
    made.project.refresh_from_db()


def first_choice(made: World) -> dict[int, int]:
    rows = Prediction.objects.filter(run=made.project.active_run)
    return dict(rows.values_list("image_id", "category_id"))


def rows_of(made: World) -> list[tuple[Any, ...]]:
    rows = Prediction.objects.filter(run=made.project.active_run).order_by("image_id")
    return list(rows.values_list("image_id", "top_categories", "top_probabilities", "margin", "entropy"))


def lions(made: World) -> list[int]:
    return [image for i, image in enumerate(made.images) if i % len(ANIMALS) == 20]


def test_a_category_added_by_a_sentence_is_predicted_without_the_worker_that_trains(looks: np.ndarray) -> None:
    made = zoo(looks)
    lion = add_lion(made)
    queued = Job.objects.filter(project=made.project, state=State.QUEUED).values_list("kind", flat=True)
    assert set(queued) <= {"acquire", "rehearse"}
    chosen = first_choice(made)
    taken = [image for image, category in chosen.items() if category == lion]
    assert len(set(taken) & set(lions(made))) >= len(lions(made)) // 2
    mark = made.project.active_run.details["words"][str(lion)]  # type: ignore[union-attr]
    assert mark == {"method": "icis", "measured": None, "examples": 0, "words_share": 1.0}


def test_deleting_it_restores_the_head_and_every_prediction_bit_for_bit(looks: np.ndarray) -> None:
    made = zoo(looks)
    head, rows = trained_head_of(made.project.active_run), rows_of(made)
    assert head is not None
    files = {path.name: path.read_bytes() for path in artefact_fetch(head.key).iterdir()}
    lion = add_lion(made)
    assert rows_of(made) != rows
    category_deprecate(project=made.project, category_id=lion)
    flows.after_taxonomy_changed(made.project.pk)
    interactive(made)
    assert trained_head_of(made.project.active_run) == head
    assert {path.name: path.read_bytes() for path in artefact_fetch(head.key).iterdir()} == files
    assert rows_of(made) == rows


def test_a_learned_category_is_taken_out_and_put_back_without_a_fit(looks: np.ndarray) -> None:
    made = zoo(looks)
    rows = rows_of(made)
    owl = made.categories[0]
    made.project.categories.filter(pk=owl).update(deprecated_at="2026-01-01T00:00:00Z")
    flows.after_taxonomy_changed(made.project.pk)
    interactive(made)
    assert owl not in set(first_choice(made).values())
    made.project.categories.filter(pk=owl).update(deprecated_at=None)
    flows.after_taxonomy_changed(made.project.pk)
    interactive(made)
    assert rows_of(made) == rows


def test_how_far_words_can_be_trusted_is_measured_ahead_on_the_projects_own_categories(
    looks: np.ndarray, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    settings.WINNOW_HEARTBEAT_S = 600.0  # a heart of its own sees nothing of this transaction
    monkeypatch.setattr("ml.words.rehearsal.ROUNDS", 2)
    monkeypatch.setattr("ml.words.writers.STEPS", 50)
    made = zoo(looks)
    flows.after_head_fitted(made.project.pk)
    run_pending(project_id=made.project.pk, kinds={"rehearse"})
    job = Job.objects.get(kind="rehearse")
    assert job.state == State.DONE, job.error
    figures = job.result
    assert figures["methods"].keys() == {"icis", "text2model"}
    assert figures["methods"]["icis"]["classes"] == 10
    assert figures["methods"]["icis"]["f1"] > 0.3
    shares = [step["share"] for step in figures["takeover"]]
    assert shares == sorted(shares, reverse=True)
    lion = add_lion(made)
    mark = made.project.active_run.details["words"][str(lion)]  # type: ignore[union-attr]
    best = figures["methods"][figures["best"]]
    assert mark["method"] == figures["best"]
    assert mark["measured"]["f1"] == best["f1"]


def test_confirmed_images_take_over_from_words_little_by_little(looks: np.ndarray) -> None:
    made = zoo(looks)
    lion = add_lion(made)
    weights = []
    for image in lions(made)[:4]:
        label(made, image, lion)
        flows._teach_newcomers(made.project.pk)
        interactive(made)
        mark = made.project.active_run.details["words"][str(lion)]  # type: ignore[union-attr]
        weights.append((mark["examples"], mark["words_share"]))
    assert weights == [(1, 0.5), (2, 0.333), (3, 0.25), (4, 0.2)]
    for image in lions(made)[4:8]:
        label(made, image, lion)
    predict(made)
    assert made.project.active_run.details["words"] == {}  # type: ignore[union-attr]
    head = trained_head_of(made.project.active_run)
    assert head is not None
    assert lion in head.category_ids
