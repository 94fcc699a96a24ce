"""Vectors of prompts, encoded once and kept."""

import numpy as np
from numpy.typing import NDArray

from server.compute.encoders import class_texts_encode
from server.predictions.prompts import prompts_of, text_vectors_known, text_vectors_store
from server.projects.models import Project
from server.registry.models import EncoderVersion
from server.taxonomy.models import Category


def text_vectors(project: Project, space: EncoderVersion, categories: list[Category]) -> NDArray[np.float32] | None:
    """(N, D) in the order of `categories`; what is not cached is encoded. None where the encoder reads no text."""
    if not space.has_text:
        return None
    prompts = [prompts_of(category, project=project) for category in categories]
    known, missing = text_vectors_known(space=space, prompts=prompts)
    if missing:
        fresh = class_texts_encode(space.name, [one.texts for one in missing], fingerprint=space.fingerprint)
        vectors = {one.category_id: vector for one, vector in zip(missing, fresh, strict=True)}
        text_vectors_store(space=space, prompts=missing, vectors=vectors)
        known |= vectors
    return np.stack([known[category.pk] for category in categories])
