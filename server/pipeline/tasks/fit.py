"""How a run fits its candidate: the head again, through an adapter, or with pseudo-labels."""

import shutil
from pathlib import Path

import numpy as np
from django.conf import settings

from server.compute.methods import FitReport, adapter_fit, self_training_fit
from server.compute.train import head_fit
from server.core.failpoints import failpoint
from server.labeling.services.pool import pool_unlabeled
from server.pipeline.handle import Cancelled, JobHandle
from server.pipeline.tasks.lesson import Material
from server.training.models import Method, TrainingRun
from server.training.options import TrainingOptions
from server.training.services import metric_point_add


def fit_by_method(
    handle: JobHandle, run: TrainingRun, material: Material, options: TrainingOptions, folder: Path
) -> FitReport:
    """Write the candidate to `folder`.

    Raises:
        MlError: What the labels do not allow, in words. Cancelled: A person stopped it.
    """
    space = material.space.fingerprint
    if run.method == Method.ADAPTER:
        return _through_adapter(handle, run, material, folder)
    if run.method == Method.SELF_TRAINING:
        free = np.isin(material.pool.ids, pool_unlabeled(project=handle.project).ids)
        return self_training_fit(
            folder,
            material.lesson,
            pool=material.pool.vectors[free],
            pool_ids=np.asarray(material.pool.ids)[free],
            taught=np.asarray(material.pool.ids)[material.taught],
            kind=options.head,
            space=space,
            seed=run.seed,
        )
    return FitReport(head_fit(folder, material.lesson, kind=options.head, space=space, seed=run.seed))


def _through_adapter(handle: JobHandle, run: TrainingRun, material: Material, folder: Path) -> FitReport:
    place = Path(settings.WINNOW_CACHE_DIR) / "training" / str(run.pk)
    cancelled = False

    def told(name: str, step: int, value: float) -> None:
        metric_point_add(run=run, name=name, step=step, value=value)
        if name == "held_out_accuracy" and step:
            failpoint("training")

    def stop() -> bool:
        nonlocal cancelled
        try:
            handle.check()
        except Cancelled:
            cancelled = True
        return cancelled

    report = adapter_fit(
        folder,
        material.lesson,
        space=material.space.fingerprint,
        seed=run.seed,
        told=told,
        stop=stop,
        checkpoint=place / "adapter.safetensors",
    )
    handle.check()
    shutil.rmtree(place, ignore_errors=True)
    return report
