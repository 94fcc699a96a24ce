"""A run on top of a trained head: its own classes as they are, new ones from words, young ones from both."""

import tempfile
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from server.compute.words import Newcomers, Taught, Told, Written, gda_fit, pool_score
from server.embeddings.mapped import MappedSpace, mapped_space
from server.labeling.services.teaching import Confirmed, confirmed_labels
from server.pipeline.tasks.textual import text_vectors
from server.predictions.heads import (
    FEWEST,
    TrainedHead,
    artefact_fetch,
    fit_store,
    kit_key,
    promoted_as_trained,
    trained_head_of,
)
from server.predictions.selectors import categories_predicted
from server.projects.models import Project
from server.registry.models import EncoderVersion
from server.taxonomy.models import Category, DescriptionKind
from server.taxonomy.selectors import categories_of

SEED = 0
"""Predictions of the same labels are the same predictions."""
MATURE = 8
"""Confirmed images from which a category always stands in the head by itself."""


@dataclass(frozen=True)
class Scene:
    """What a project holds at this moment: its space, vectors, labels, and the categories that can be predicted."""

    project: Project
    space: EncoderVersion
    pool: MappedSpace
    confirmed: Confirmed
    categories: list[Category]

    @classmethod
    def of(cls, project: Project, space: EncoderVersion) -> "Scene":
        confirmed = confirmed_labels(project_id=project.pk)
        pool = mapped_space(project_id=project.pk, space=space)
        labeled = set(confirmed.category_ids.tolist())
        return cls(project, space, pool, confirmed, categories_predicted(project, labeled=labeled))

    def examples(self, category_ids: list[int]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """(rows of the pool, class index) of labels of these categories whose image has a vector."""
        if not len(self.pool.ids):
            return np.empty(0, np.int64), np.empty(0, np.int64)
        order = np.argsort(self.pool.ids, kind="stable")
        at = np.searchsorted(self.pool.ids, self.confirmed.image_ids, sorter=order)
        rows = order[np.minimum(at, len(order) - 1)]
        index_of = {category: i for i, category in enumerate(category_ids)}
        classes = np.asarray([index_of.get(c, -1) for c in self.confirmed.category_ids.tolist()], np.int64)
        usable = (self.pool.ids[rows] == self.confirmed.image_ids) & (classes >= 0)
        return rows[usable], classes[usable]

    def taught(self, category_ids: list[int]) -> Taught:
        """The categories of a head, in its order, those that were deprecated since among them."""
        support, class_index = self.examples(category_ids)
        known = {
            c.pk: c for c in categories_of(self.project).filter(pk__in=category_ids).prefetch_related("descriptions")
        }
        ordered = [known[category] for category in category_ids]
        return Taught(
            told=[told_of(category) for category in ordered],
            support=support,
            class_index=class_index,
            text=text_vectors(self.project, self.space, ordered),
            text_scale=self.space.logit_scale or 100.0,
            space=self.space.fingerprint,
        )


def told_of(category: Category) -> Told:
    """What people wrote of a category; `category.descriptions` should be prefetched."""
    by_kind: dict[str, list[str]] = {}
    for row in category.descriptions.all():
        by_kind.setdefault(row.kind, []).append(row.text)
    sentences = [*by_kind.get(DescriptionKind.SENTENCE, []), *by_kind.get(DescriptionKind.PROMPT, [])]
    return Told(
        names=(category.name, *category.synonyms),
        definition=category.definition,
        sentences=tuple(sentences),
        attributes=tuple(by_kind.get(DescriptionKind.ATTRIBUTE, [])),
    )


def mature_categories(scene: Scene) -> list[int]:
    """The categories that a head is fitted on; none where the project is better served by prototypes and prompts.

    A category is young while it has fewer than eight examples *and* fewer than a quarter of what is usual here. Where
    the encoder reads text, a head is only worth it once most categories have grown up.
    """
    ids = [category.pk for category in scene.categories]
    _, class_index = scene.examples(ids)
    counts = Counter(class_index.tolist())
    if not counts:
        return []
    enough = min(MATURE, max(2, int(np.median(list(counts.values()))) // 4))
    grown = [category for i, category in enumerate(ids) if counts[i] >= enough]
    rest = len(ids) - len(grown)
    return grown if len(grown) >= FEWEST and not (scene.space.has_text and rest > len(grown)) else []


def promoted_head(scene: Scene) -> TrainedHead | None:
    """The head that a training run made live, where categories that it does not know can stand on it."""
    version = scene.project.active_head
    if version is None or version.space_id != scene.space.pk:
        return None
    known = set(version.category_ids)
    live = [category.pk for category in scene.categories]
    kept = sum(category in known for category in live)
    support, _ = scene.examples(list(version.category_ids))
    head = promoted_as_trained(version, labels=len(support))
    strange = len(live) - kept
    if head is None or (strange and (kept < FEWEST or (scene.space.has_text and strange > kept))):
        return None
    return with_kit_of(head, trained_head_of(scene.project.active_run))


def fitted_head(scene: Scene) -> TrainedHead | None:
    """Fit a head on the labels of the mature categories and keep it on storage; None where there are too few."""
    category_ids = mature_categories(scene)
    if not category_ids:
        return None
    taught = scene.taught(category_ids)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        gda_fit(scene.pool.vectors, taught, seed=SEED, folder=folder, categories=category_ids)
        head = fit_store(folder, project_id=scene.project.pk, category_ids=category_ids, labels=len(taught.support))
    return with_kit_of(head, trained_head_of(scene.project.active_run))


def with_kit_of(head: TrainedHead, before: TrainedHead | None) -> TrainedHead:
    """An earlier head's kit goes on serving where both know the same categories."""
    key = kit_key(before) if before is not None and before.category_ids == head.category_ids else None
    if before is None or key is None:
        return head
    return replace(head, kit=key, kit_labels=before.labels if key == before.own_kit else before.kit_labels)


@dataclass(frozen=True)
class Composed:
    """Scores of a pool with what a run's details say of them; `category_ids` are the classes in order."""

    scores: Any
    category_ids: list[int]
    words: dict[str, dict[str, Any]]


def compose(scene: Scene, head: TrainedHead) -> Composed:
    """Score the whole pool: the head's live categories first, then every other one from words and its few examples."""
    live = {category.pk for category in scene.categories}
    kept = [i for i, category in enumerate(head.category_ids) if category in live]
    held = set(head.category_ids)
    fresh = [category for category in scene.categories if category.pk not in held]
    key = kit_key(head)
    taught = scene.taught(head.category_ids)
    scores, written = pool_score(
        scene.pool.vectors,
        head=artefact_fetch(head.key),
        kit=artefact_fetch(key) if key else None,
        kept=kept,
        taught=taught,
        new=newcomers(scene, fresh),
        seed=SEED,
    )
    ids = [head.category_ids[i] for i in kept] + [category.pk for category in fresh]
    return Composed(scores, ids, _marks(scene, fresh, written))


def newcomers(scene: Scene, categories: list[Category]) -> Newcomers:
    """Categories that no head knows, with what there is of each."""
    rows, classes = scene.examples([category.pk for category in categories])
    return Newcomers(
        told=[told_of(category) for category in categories],
        text=text_vectors(scene.project, scene.space, categories) if categories else None,
        examples={i: rows[classes == i] for i in range(len(categories)) if bool((classes == i).any())},
    )


def _marks(scene: Scene, fresh: list[Category], written: Written | None) -> dict[str, dict[str, Any]]:
    """What a person is told of each category that is not in the head: the method, and how far it can be trusted."""
    if written is None:
        return {}
    _, classes = scene.examples([category.pk for category in fresh])
    shots = Counter(classes.tolist())
    return {
        str(category.pk): {
            "method": written.method,
            "measured": written.figures,
            "examples": shots[i],
            "words_share": round(written.shares[i], 3),
        }
        for i, category in enumerate(fresh)
    }
