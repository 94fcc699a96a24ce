"""What is said of a category to a text tower, and the cache of what came back."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from server.embeddings.models import TextVector
from server.projects.models import Project
from server.registry.models import EncoderVersion
from server.taxonomy.models import Category, DescriptionKind

TEMPLATES = (
    "a photo of a {}.",
    "a blurry photo of a {}.",
    "a close-up photo of a {}.",
    "a bright photo of a {}.",
    "a dark photo of a {}.",
    "a photo of the large {}.",
    "a photo of the small {}.",
)
"""Where a project names none of its own: the subject near and far, light and dark, sharp and not."""


@dataclass(frozen=True)
class Prompts:
    """The texts that speak for one category; `digest` changes when any of them does."""

    category_id: int
    texts: list[str]

    @property
    def digest(self) -> str:
        return hashlib.sha256(json.dumps(self.texts).encode()).hexdigest()


def prompts_of(category: Category, *, project: Project) -> Prompts:
    """Its own prompts and sentences as they are; its name and synonyms in every template, with the concept behind.

    `category.descriptions` should be prefetched.
    """
    kinds = (DescriptionKind.PROMPT, DescriptionKind.SENTENCE)
    told = [row.text for row in category.descriptions.all() if row.kind in kinds]
    return Prompts(category.pk, prompts_of_words([category.name, *category.synonyms], told, project=project))


def prompts_of_words(names: Sequence[str], told: Sequence[str], *, project: Project) -> list[str]:
    """The same for a category that is not there yet."""
    templates = [text for text in project.templates if "{}" in text] or list(TEMPLATES)
    subjects = [f"{name}, a kind of {project.concept}" if project.concept else name for name in dict.fromkeys(names)]
    filled = [template.replace("{}", subject) for subject in subjects for template in templates]
    return list(dict.fromkeys([*filled, *(text for text in told if text)]))


def text_vectors_known(
    *, space: EncoderVersion, prompts: Sequence[Prompts]
) -> tuple[dict[int, NDArray[np.float32]], list[Prompts]]:
    """(vectors by category, prompts whose vector is missing or speaks of older words)."""
    rows = TextVector.objects.filter(space=space, category_id__in=[one.category_id for one in prompts])
    stored = {row.category_id: row for row in rows}
    fresh = {
        one.category_id: np.asarray(stored[one.category_id].vector, np.float32)
        for one in prompts
        if one.category_id in stored and stored[one.category_id].digest == one.digest
    }
    return fresh, [one for one in prompts if one.category_id not in fresh]


def text_vectors_store(
    *, space: EncoderVersion, prompts: Sequence[Prompts], vectors: Mapping[int, NDArray[np.float32]]
) -> None:
    """Keep what was encoded. Safe to repeat."""
    TextVector.objects.bulk_create(
        [
            TextVector(
                space=space, category_id=one.category_id, digest=one.digest, vector=vectors[one.category_id].tolist()
            )
            for one in prompts
        ],
        update_conflicts=True,
        unique_fields=["space", "category"],
        update_fields=["digest", "vector"],
    )
