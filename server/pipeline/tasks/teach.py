"""Corrections become new scores of the whole pool and new pages, within the time that a person looks at one page.

The worker keeps the pool warm: the memory-mapped vectors, what people said of each row, the last scores. Everything
can be read again from PostgreSQL, so a worker that dies costs a second and nothing else.
"""

import time
from collections import defaultdict
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from server.compute.teach import PlannedPage, Taught, pool_background, pool_graph, pool_pages, pool_teach
from server.core.events import publish
from server.embeddings.mapped import MappedSpace, mapped_space
from server.jobs.models import Job, State
from server.labeling.services.page_leases import pages_forget
from server.labeling.services.page_options import PageOptions
from server.labeling.services.page_sizes import people_at_pages, records_of, size_first
from server.labeling.services.page_stock import Planned, stock_add, stock_drop_old
from server.labeling.services.pool_state import PoolState
from server.labeling.services.teachings import corrections_since, teaching_last, teaching_record
from server.labeling.services.traps import traps_among
from server.pipeline.handle import JobHandle
from server.pipeline.station import station
from server.pipeline.tasks.textual import text_vectors
from server.predictions.selectors import categories_predicted
from server.projects.models import Project
from server.registry.models import EncoderVersion
from server.taxonomy.models import Category

SEED = 0
PLANS, PLANS_A_PERSON = 16, 6
"""Pages composed ahead: as many as people can take before the next scores are there."""
POOLS_KEPT = 2
FORGET_EVERY = 100
BREATH_S = 0.2


@dataclass
class Classroom:
    """One project's pool in this worker's memory. `best` (P,) category ids of the scores before (0: none)."""

    project: Project
    space: EncoderVersion
    pool: MappedSpace
    state: PoolState
    best: NDArray[np.int64]
    background: NDArray[np.float32] | None = None
    graph: NDArray[np.int32] | None = None
    scores: Taught | None = None
    categories: list[Category] = field(default_factory=list)
    ended: float = 0.0
    took_s: float = 0.0


_open: dict[int, Classroom] = {}


@station("teach", then=lambda handle: after(handle))
def teach(handle: JobHandle) -> None:
    """Score the pool with what people have taught, say what changed, compose the next pages."""
    project, space = handle.project, handle.project.active_space
    if space is None:
        return
    room = classroom(project, space)
    gather(room)
    began = time.perf_counter()
    room.state.refresh()
    last = teaching_last(project_id=project.pk)
    corrections = corrections_since(last, project_id=project.pk)
    if not score(room):
        return
    changed = changed_images(room)
    planned = compose(room)
    with handle.commit(done=len(planned)):
        made = teaching_record(
            project_id=project.pk,
            corrections=corrections,
            changed=changed,
            pages=len(planned),
            last_sequence=room.state.newest,
            duration_ms=int(1000 * (time.perf_counter() - began)),
        )
        stock_add(project_id=project.pk, version=made.version, planned=planned)
    stock_drop_old(project_id=project.pk, version=made.version)
    room.ended, room.took_s = time.monotonic(), time.perf_counter() - began
    handle.result = {"version": made.version, "changed": len(changed), "pages": len(planned)}


def after(handle: JobHandle) -> None:
    """Tell open pages. Jobs of this kind come with every page, so their rows do not stay."""
    publish(handle.project_id, "teaching")
    done = Job.objects.filter(project_id=handle.project_id, kind="teach", state=State.DONE)
    done.exclude(pk=handle.job.pk).delete()
    if handle.result.get("version", 0) % FORGET_EVERY == 1:
        pages_forget(project_id=handle.project_id)


def gather(room: Classroom) -> None:
    """Where one scoring follows right upon another, several people are at work: let their corrections gather for half
    as long as the last took, so that the cores are theirs for a third of the time."""
    if time.monotonic() - room.ended < BREATH_S:
        time.sleep(min(1.0, room.took_s / 2))


def classroom(project: Project, space: EncoderVersion) -> Classroom:
    """The pool in memory; read anew where images came or went, or another space or another share holds."""
    room = _open.get(project.pk)
    if room is None or stale(room, project, space):
        pool = mapped_space(project_id=project.pk, space=space)
        same = room is not None and room.space.pk == space.pk and np.array_equal(room.pool.ids, pool.ids)
        best = room.best if room is not None and same else np.zeros(len(pool.ids), np.int64)
        background, graph = (room.background, room.graph) if room is not None and same else (None, None)
        room = Classroom(project, space, pool, PoolState(project, np.asarray(pool.ids)), best, background, graph)
        _open[project.pk] = room
        while len(_open) > POOLS_KEPT:
            _open.pop(next(iter(_open)))
    room.project = room.state.project = project
    return room


def stale(room: Classroom, project: Project, space: EncoderVersion) -> bool:
    """Whether the pool in memory is another one than the project's. New images come with a prediction run."""
    before = room.project
    if (room.space.pk, before.blind_share, before.overlap) != (space.pk, project.blind_share, project.overlap):
        return True
    run = project.active_run
    return run is not None and run.pk != before.active_run_id and run.image_count != len(room.pool.ids)


def score(room: Classroom) -> bool:
    """Fit and score; False while there is nothing to tell apart."""
    rows, category_ids = room.state.examples()
    room.categories = categories_predicted(room.project, labeled=set(np.unique(category_ids).tolist()))
    if not room.space.has_text:
        taught = set(np.unique(category_ids).tolist())
        room.categories = [category for category in room.categories if category.pk in taught]
    if not room.categories or not len(room.pool.ids):
        return False
    if room.background is None:
        room.background = pool_background(room.pool.vectors, seed=SEED)
        room.graph = pool_graph(room.pool.vectors, seed=SEED)
    classes = indices_of(category_ids, room.categories)
    room.scores = pool_teach(
        room.pool.vectors,
        support=rows[classes >= 0],
        class_index=classes[classes >= 0],
        n_classes=len(room.categories),
        text=text_vectors(room.project, room.space, room.categories),
        text_scale=room.space.logit_scale or 100.0,
        background=room.background,
        seed=SEED,
        graph=room.graph,
    )
    return True


def indices_of(category_ids: NDArray[np.int64], categories: list[Category]) -> NDArray[np.int64]:
    """Class index of each id, −1 for those that are not told apart. `categories` are ordered by id."""
    known = np.asarray([category.pk for category in categories], np.int64)
    at = np.minimum(np.searchsorted(known, category_ids), len(known) - 1)
    return np.where(known[at] == category_ids, at, -1)


def changed_images(room: Classroom) -> list[int]:
    """Images without a judgement whose likeliest category is another one than before."""
    assert room.scores is not None
    ids = np.asarray([category.pk for category in room.categories], np.int64)
    best = ids[room.scores.best[:, 0]]
    moved = (best != room.best) & (room.best > 0) & ~room.state.judged
    room.best = best
    found: list[int] = room.pool.ids[np.flatnonzero(moved)].tolist()
    return found


def compose(room: Classroom) -> list[Planned]:
    """The next pages, in the order in which people should meet them."""
    assert room.scores is not None
    options = PageOptions.of(room.project)
    records = records_of(project_id=room.project.pk, options=options)
    known = [records.get(category.pk) for category in room.categories]
    first = size_first([one.size for one in records.values()])
    reliability = [np.nan if one is None or one.reliability is None else one.reliability for one in known]
    index_of = {category.pk: index for index, category in enumerate(room.categories)}
    pages = pool_pages(
        room.pool.vectors,
        room.scores,
        eligible=room.state.eligible(),
        struck=room.state.struck(index_of),
        reliability=np.asarray(reliability, np.float32),
        size=np.asarray([first if one is None else one.size for one in known], np.int64),
        count=PLANS + PLANS_A_PERSON * people_at_pages(project_id=room.project.pk),
        group=room.state.group,
        seed=room.state.newest,
    )
    runners: dict[int, set[int]] = defaultdict(set)
    for page in pages:
        runners[page.class_index] |= set(page.top[:, :2].ravel().tolist()) - {page.class_index}
    traps = traps_among(
        room.state,
        runners,
        top=room.scores.best,
        category_ids=[category.pk for category in room.categories],
        seed=room.state.newest,
    )
    return [planned(room, page, traps.get(page.class_index, [])) for page in pages]


def planned(room: Classroom, page: PlannedPage, traps: list[list[int]]) -> Planned:
    """A page in the words of the database."""
    category = room.categories[page.class_index].pk
    tiles = []
    for row, group, top, chance in zip(page.rows.tolist(), page.groups, page.top, page.chance, strict=True):
        folded = [int(image) for image in room.pool.ids[[one for one in group.tolist() if one != row]]]
        told = [[room.categories[at].pk, round(p, 4)] for at, p in zip(top.tolist(), chance.tolist(), strict=True)]
        told.sort(key=lambda pair: pair[0] != category)
        tiles.append({"image": int(room.pool.ids[row]), "folded": folded, "suggestions": told})
    return Planned(category, tiles, page.expected_precision, page.reason, traps)
