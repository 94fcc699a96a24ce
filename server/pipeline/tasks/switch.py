"""Another encoder: its space is filled beside the one that serves, made ready, and then one row changes.

Going back to an earlier encoder is the same way through the same doors; its space is most often full already.
"""

from dataclasses import asdict

import numpy as np

from server.compute.encoders import encoder_describe
from server.compute.heads import head_score_pool
from server.compute.predict import PoolScores, pool_predict
from server.core.errors import InvalidInput
from server.core.events import publish
from server.core.failpoints import failpoint
from server.embeddings.mapped import MappedSpace, mapped_space
from server.embeddings.selectors import space_lacks
from server.labeling.services.teaching import confirmed_labels, prototypes_mend
from server.pipeline import flows
from server.pipeline.handle import JobHandle
from server.pipeline.station import station
from server.pipeline.tasks.embed import fill
from server.pipeline.tasks.lesson import rows_of
from server.pipeline.tasks.publishing import run_measure, run_write
from server.pipeline.tasks.textual import text_vectors
from server.predictions.models import PredictionRun
from server.predictions.selectors import categories_predicted
from server.projects.models import Project
from server.registry.artefacts import head_folder
from server.registry.models import EncoderVersion, HeadVersion, Promotion
from server.registry.services import EncoderFacts, encoder_register, space_activate
from server.taxonomy.models import Category
from server.training.selectors import Labels


@station("switch_encoder", chunked=True, parallel=4, then=lambda handle: filled(handle))
def switch_encoder(handle: JobHandle) -> None:
    """Params: `name`. Fill the encoder's space while the old one serves: labeled images first, then queued ones."""
    failpoint("filling")
    fill(handle, wanted(handle))


def filled(handle: JobHandle) -> None:
    """Everything that could be embedded is → make the space ready and change over."""
    flows.flip_encoder(handle.project_id, params=handle.params, created_by=handle.job.created_by)


@station("flip_encoder", then=lambda handle: after(handle))
def flip_encoder(handle: JobHandle) -> None:
    """Params: `name`; going back also `undoes`, the promotion that is taken back, and `head`, which served then.

    The mapped copy, prototypes, index and predictions of the new space are there before anyone sees it.
    """
    project, space = handle.project, wanted(handle)
    if space_lacks(project_id=project.pk, space=space):
        handle.result = {"again": True}
        return
    handle.progress(total=3, message="Making the new space ready")
    pool = mapped_space(project_id=project.pk, space=space)
    prototypes_mend(project_id=project.pk, space=space)
    head = _head(handle, space)
    categories, scores, labels, last_sequence = scores_in(project, space, pool, head)
    failpoint("ready")
    handle.check()
    made: PredictionRun | None = None
    with handle.commit(done=1):
        prototypes_mend(project_id=project.pk, space=space)  # labels that came while the pool was scored
        space_activate(
            project=project,
            space=space,
            by=handle.job.created_by,
            reason="going back" if handle.params.get("undoes") else "chosen by a person",
            head=head,
            undoes=_undoes(handle),
        )
        if scores is not None:
            made = run_write(
                project,
                space,
                [category.pk for category in categories],
                pool,
                scores,
                label_count=labels,
                details={"last_sequence": last_sequence},
                head_id=head.pk if head else None,
                while_head=head.pk if head else None,
            )
        failpoint("switching")
    failpoint("switched")
    if made is not None:
        run_measure(made)
    handle.result = {"space": space.pk, "head": head.pk if head else None, "images": len(pool.ids)}


def after(handle: JobHandle) -> None:
    """Images that came meanwhile are filled in first; else new predictions want a new ranking."""
    if handle.result.get("again"):
        flows.switch_encoder(
            handle.project_id, name=handle.params["name"], created_by=handle.job.created_by, back=handle.params
        )
        return
    publish(handle.project_id, "predictions", "training")
    flows.after_embedded(handle.project_id)


def scores_in(
    project: Project, space: EncoderVersion, pool: MappedSpace, head: HeadVersion | None
) -> tuple[list[Category], PoolScores | None, int, int]:
    """(categories, scores, labels, newest label) of the pool in a space that does not serve yet: by `head` where one
    returns, else by a fit on all labels. Scores are None where there is nothing to tell apart."""
    confirmed = confirmed_labels(project_id=project.pk)
    categories = categories_predicted(project, labeled=set(confirmed.category_ids.tolist()))
    if head is not None:
        place = {category: i for i, category in enumerate(head.category_ids)}
        categories = [category for category in categories if category.pk in place]
        columns = np.asarray([place[category.pk] for category in categories], np.int64)
        scores = head_score_pool(head_folder(head), pool.vectors, space=space.fingerprint, columns=columns)
        return categories, scores, len(confirmed.image_ids), confirmed.last_sequence
    rows, names = rows_of(pool, Labels(confirmed.image_ids, confirmed.category_ids))
    if not space.has_text:
        categories = [category for category in categories if category.pk in set(names.tolist())]
    if not categories or not len(pool.ids):
        return categories, None, 0, confirmed.last_sequence
    index = {category.pk: i for i, category in enumerate(categories)}
    classes = np.asarray([index.get(name, -1) for name in names.tolist()], np.int64)
    scores = pool_predict(
        pool.vectors,
        support=rows[classes >= 0],
        class_index=classes[classes >= 0],
        n_classes=len(categories),
        text=text_vectors(project, space, categories),
        text_scale=space.logit_scale or 100.0,
        seed=0,
    )
    return categories, scores, int((classes >= 0).sum()), confirmed.last_sequence


def wanted(handle: JobHandle) -> EncoderVersion:
    """The space of the encoder that the job names.

    Raises:
        InvalidInput: It names none, or what goes by that name is no longer what filled the space to go back to.
    """
    name = handle.params.get("name")
    if not isinstance(name, str) or not name:
        raise InvalidInput("This job names no encoder.")
    space = encoder_register(EncoderFacts(**asdict(encoder_describe(name))))
    if handle.params.get("space") not in (None, space.pk):
        raise InvalidInput(f"{name} has changed since it served here: its vectors would be others. Choose it anew.")
    return space


def _head(handle: JobHandle, space: EncoderVersion) -> HeadVersion | None:
    head = handle.params.get("head")
    return HeadVersion.objects.filter(pk=head, space=space).first() if head else None


def _undoes(handle: JobHandle) -> Promotion | None:
    act = handle.params.get("undoes")
    return Promotion.objects.filter(pk=act, undone_by__isnull=True).first() if act else None
