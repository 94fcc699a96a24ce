"""Before a first head is promoted: do the names serve, or a fit on the labels of the moment?"""

import numpy as np

from server.compute.names import labels_beside_names
from server.compute.predict import background_of
from server.compute.train import Lesson
from server.pipeline.tasks.composition import SEED, Scene
from server.pipeline.tasks.lesson import rows_of
from server.pipeline.tasks.textual import text_vectors
from server.taxonomy.models import Category
from server.training.options import training_options
from server.training.selectors import blind_labels


def names_stand_in(scene: Scene, categories: list[Category]) -> dict[str, int] | None:
    """On how many blind images the labels are better and worse than the names, where the names therefore serve.

    None where a fit may serve: more blind images speak for it than against it, or too few have been answered to tell.
    A head that was promoted has been through the gate; an encoder that reads no text has no names.
    """
    if scene.project.active_head_id is not None or not scene.space.has_text:
        return None
    place = {category.pk: i for i, category in enumerate(categories)}
    support, class_index = scene.examples(list(place))
    rows, truth = rows_of(scene.pool, blind_labels(project_id=scene.project.pk))
    still = np.isin(truth, list(place))
    options = training_options(scene.project)
    if not len(support) or int(still.sum()) < options.needed:
        return None
    lesson = Lesson(
        support=np.asarray(scene.pool.vectors[support], np.float32),
        class_index=class_index,
        categories=list(place),
        text=text_vectors(scene.project, scene.space, categories),
        text_scale=scene.space.logit_scale or 100.0,
        background=background_of(scene.pool.vectors, SEED),
    )
    found = labels_beside_names(
        lesson,
        blind=np.asarray(scene.pool.vectors[rows[still]], np.float32),
        truth=np.asarray([place[category] for category in truth[still].tolist()], np.int64),
        rule={"metric": options.metric, "needed": options.needed, "tolerance": options.tolerance},
        seed=SEED,
    )
    if found is None or found[0] > found[1]:
        return None
    return {"better": found[0], "worse": found[1]}
