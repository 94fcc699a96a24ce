"""A project whose labels can train a head, and what people and workers do in it."""

import numpy as np

from server.labeling.models import BlindDraw
from server.pipeline import flows
from server.pipeline.station import run_pending
from server.projects.models import Project
from server.training.models import TrainingRun
from tests.server.builders import World, with_vectors, world

BLIND = 40
OPTIONS = {"every": 60}


def grown() -> World:
    """160 images around three well separated directions, 40 of them drawn blind and answered truly."""
    made = world(images=160, categories=("owl", "fox", "elk"))
    truth = np.arange(160) % 3
    with_vectors(made, np.eye(8)[truth] + 0.25 * np.random.default_rng(0).normal(size=(160, 8)))
    Project.objects.filter(pk=made.project.pk).update(options={"training": OPTIONS})
    made.project.refresh_from_db()
    for i in range(BLIND):
        BlindDraw.objects.create(project=made.project, image_id=made.images[i], seed=0)
        made.label(made.images[i], made.categories[truth[i]])
    return made


def kinds() -> World:
    """180 images of eight well separated kinds, a third of them blind, all labeled: enough for an adapter."""
    made = world(images=180, categories=[f"kind {i}" for i in range(8)])
    truth = np.arange(180) % 8
    with_vectors(made, np.eye(8)[truth] + 0.3 * np.random.default_rng(0).normal(size=(180, 8)))
    for i, image in enumerate(made.images):
        if i < 60:
            BlindDraw.objects.create(project=made.project, image_id=image, seed=0)
        made.label(image, made.categories[truth[i]])
    return made


def teach(made: World, first: int, last: int, *, shuffled: bool = False, shifted: int = 0) -> None:
    """Label these images: truly, with categories drawn at random, or each with the next category but so many."""
    for i in range(first, last):
        said = int(np.random.default_rng(i).integers(3)) if shuffled else (i + shifted) % 3
        made.label(made.images[i], made.categories[said])


def settled(made: World) -> TrainingRun:
    """What comes after the labels, as the workers do it."""
    flows.train_when_due(made.project.pk)
    run_pending(project_id=made.project.pk)
    made.project.refresh_from_db()
    return TrainingRun.objects.filter(project=made.project).order_by("-pk")[0]
