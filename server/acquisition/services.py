"""Rounds: one ranking of the pool each, with its function, parameters and seed."""

import secrets
from collections.abc import Mapping
from typing import Any

from django.db.models.functions import Now

from server.acquisition.models import AcquisitionRound
from server.projects.models import Project

TOP_UP_FUNCTION = "random"


def round_create(
    *,
    project: Project,
    function: str,
    budget: int,
    pool_size: int,
    seed: int | None = None,
    run_id: int | None = None,
    params: Mapping[str, Any] | None = None,
    created_by_id: int | None = None,
) -> AcquisitionRound:
    """A round that is being computed; `round_finish` makes it count. Without a seed it draws and stores one."""
    return AcquisitionRound.objects.create(
        project=project,
        run_id=run_id,
        function=function,
        params=dict(params or {}),
        seed=secrets.randbits(62) if seed is None else seed,
        budget=budget,
        pool_size=pool_size,
        created_by_id=created_by_id,
    )


def round_finish(acquisition_round: AcquisitionRound) -> None:
    """Its items are in the queue."""
    AcquisitionRound.objects.filter(pk=acquisition_round.pk).update(finished_at=Now())


def round_for_top_up(*, project: Project) -> AcquisitionRound:
    """The project's standing random round, made on first use: images that no ranking has reached come from it."""
    standing = AcquisitionRound.objects.filter(project=project, function=TOP_UP_FUNCTION, params__standing=True).first()
    if standing is None:
        standing = round_create(
            project=project, function=TOP_UP_FUNCTION, budget=0, pool_size=0, params={"standing": True}
        )
        round_finish(standing)
    return standing


def round_walked(standing: AcquisitionRound, *, place: int) -> None:
    """The standing round has picked what lies before `place` in the images' random order."""
    standing.params = {**standing.params, "place": place}
    AcquisitionRound.objects.filter(pk=standing.pk).update(params=standing.params)
