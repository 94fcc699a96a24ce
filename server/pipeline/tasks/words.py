"""New classes from words: written at once on the interactive queue, with what was learned ahead on the ml queue."""

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from celery import shared_task

from server.compute.encoders import class_texts_encode
from server.compute.words import Newcomers, Told, kit_make, words_try, words_warm
from server.core.errors import InvalidInput, Unavailable
from server.core.events import publish
from server.labeling.models import BlindDraw
from server.pipeline import flows
from server.pipeline.handle import JobHandle
from server.pipeline.station import station
from server.pipeline.tasks.composition import SEED, Scene, promoted_head
from server.pipeline.tasks.publishing import publish_composed
from server.predictions.heads import TrainedHead, artefact_fetch, artefact_store, kit_key, trained_head_of
from server.predictions.prompts import prompts_of_words
from server.projects.models import Project

REHEARSE_AGAIN = 1.2
"""Growth of the labels after which what was learned from them is learned again."""


@station("inject", then=lambda handle: after(handle))
def inject(handle: JobHandle) -> None:
    """Score the pool again with the head that serves and the categories as they are now. The head is not fitted."""
    project = handle.project
    head = trained_head_of(project.active_run)
    if head is None or project.active_run is None or project.active_space_id != project.active_run.space_id:
        handle.progress(message="There is no trained head to add to; the next prediction takes the categories in.")
        return
    assert project.active_space is not None
    scene = Scene.of(project, project.active_space)
    promoted = promoted_head(scene)
    if promoted is not None and promoted.key != head.key:
        handle.progress(message="Another model has just gone live; its predictions take the categories in.")
        return
    handle.progress(total=len(scene.pool.ids))
    last = int(project.active_run.details.get("last_sequence", 0))
    publish_composed(handle, scene, head, last_sequence=last)


def after(handle: JobHandle) -> None:
    publish(handle.project_id, "predictions")
    flows.after_predicted(handle.project_id)


@station("rehearse")
def rehearse(handle: JobHandle) -> None:
    """Learn to write new categories for the head that serves, and measure on its own categories how well that works."""
    project, head = handle.project, trained_head_of(handle.project.active_run)
    if head is None or project.active_space is None or not due(head):
        handle.progress(message="What is known about new categories is still good.")
        return
    scene = Scene.of(project, project.active_space)
    with tempfile.TemporaryDirectory() as name:
        handle.result = kit_make(
            scene.pool.vectors,
            head=artefact_fetch(head.key),
            taught=scene.taught(head.category_ids),
            seed=SEED,
            folder=Path(name),
            check=handle.check,
        )
        artefact_store(Path(name), key=head.own_kit)
    flows.warm_words(project.pk)
    if (Project.objects.values_list("active_run__details", flat=True).get(pk=project.pk) or {}).get("words"):
        flows.inject(project.pk)


@shared_task(name="pipeline.warm_words")  # type: ignore[untyped-decorator]
def warm_words(project_id: int, **unknown: Any) -> None:
    """Have in this process's memory what a new category needs, before somebody waits for it."""
    project = Project.objects.select_related("active_space", "active_run").filter(pk=project_id).first()
    head = trained_head_of(project.active_run) if project else None
    if project is None or head is None or project.active_space is None:
        return
    space, key = project.active_space, kit_key(head)
    kit = artefact_fetch(key) if key else None
    words_warm(head=artefact_fetch(head.key), kit=kit, space=space.fingerprint)
    if space.has_text:
        class_texts_encode(space.name, [["an owl"]], fingerprint=space.fingerprint)


def due(head: TrainedHead) -> bool:
    """A head without a kit of its own, unless an earlier one's was learned from nearly as many labels."""
    key = kit_key(head)
    if key is None:
        return True
    return key != head.own_kit and head.labels >= REHEARSE_AGAIN * max(head.kit_labels, 1)


@station("try_words")
def try_words(handle: JobHandle) -> None:
    """Which images a description would pull, by each method: somebody looks at the answer while typing."""
    project, params = handle.project, handle.params
    head, space = trained_head_of(project.active_run), project.active_space
    if head is None or space is None or project.active_run is None or project.active_run.space_id != space.pk:
        raise Unavailable("This project has no trained head yet: confirm a few images of each category first.")
    told = _told(params)
    scene = Scene.of(project, space)
    text = None
    if space.has_text:
        texts = prompts_of_words(told.names, [*told.sentences, told.definition], project=project)
        text = class_texts_encode(space.name, [texts], fingerprint=space.fingerprint)
    key = kit_key(head)
    blind = BlindDraw.objects.filter(project=project).values_list("image_id", flat=True)
    tried, notes, best = words_try(
        scene.pool.vectors,
        head=artefact_fetch(head.key),
        kit=artefact_fetch(key) if key else None,
        taught=scene.taught(head.category_ids),
        new=Newcomers([told], text),
        show=int(params.get("show", 12)),
        blind=np.isin(scene.pool.ids, np.fromiter(blind, np.int64)),
        seed=SEED,
    )
    ids = scene.pool.ids

    def named(pairs: list[tuple[int, float]]) -> list[list[float]]:
        return [[int(ids[row]), round(chance, 4)] for row, chance in pairs]

    handle.result = {
        "run": project.active_run_id,
        "best": best,
        "notes": notes,
        "methods": [
            {
                "method": one.method,
                "taken": one.taken,
                "measured": one.figures,
                "top": named(one.top),
                "border": named(one.border),
            }
            for one in tried
        ],
    }


def _told(params: dict[str, Any]) -> Told:
    name, text = str(params.get("name") or "").strip(), str(params.get("text") or "").strip()
    if not any(character.isalnum() for character in name + text):
        raise InvalidInput("There is no word to read: write a name or a sentence.")
    return Told(names=(name,) if name else (), sentences=(text,) if text else ())
