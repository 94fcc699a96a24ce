"""A project's images as columns in memory, at most seconds old: what a list's counts are summed from.

Read at once, packed by the database, so that no Python object is an image: less than the time of one grouped count,
and whoever moves a slider is counted for without the database. 27 bytes an image and 16 a label, of a few projects.
"""

import time
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from server.core import sql
from server.insights.browse import FROM
from server.labeling.models import ConsensusState, Evidence
from server.projects.models import Project

Ids = NDArray[np.int64]
Mask = NDArray[np.bool_]
FRESH_S = 5
PROJECTS = 4
STATES: list[str] = list(ConsensusState.values)
EVIDENCE: list[str] = list(Evidence.values)

FIGURES = [("probability", ">f4"), ("margin", ">f4"), ("state", ">i2"), ("evidence", ">i2"), ("blind", "?")]
ROW = np.dtype([("image", ">i8"), ("category", ">i8"), ("predicted", ">i8"), *FIGURES])
PACKED = f"""
SELECT string_agg(int8send(i.id) || int8send(COALESCE(c.category_id, 0)) || int8send(COALESCE(p.category_id, 0))
    || float4send(COALESCE(p.probability, 'NaN')) || float4send(COALESCE(p.margin, 'NaN'))
    || int2send(COALESCE(array_position(%(states)s::text[], c.state), 0)::smallint)
    || int2send(COALESCE(array_position(%(evidences)s::text[], c.evidence), 0)::smallint)
    || boolsend(COALESCE(c.blind, false)), ''::bytea ORDER BY i.id)
{FROM.format(join="LEFT JOIN")}
"""
TOLD = """
SELECT string_agg(int8send(annotator_id) || int8send(image_id), ''::bytea) FROM (
    SELECT DISTINCT annotator_id, image_id FROM labeling_annotation
     WHERE project_id = %(project)s AND kind = 'label' AND annotator_id IS NOT NULL) told
"""


@dataclass(frozen=True)
class Values:
    """One column of N ids or words: `found` (A,) its different values, `codes` (N,) where each image's is in them."""

    found: list[Any]
    codes: NDArray[np.integer[Any]]

    def count(self, shown: Mask) -> dict[Any, int]:
        """How many of the images shown have each value; those that none has are left out."""
        counts = np.bincount(self.codes[shown], minlength=len(self.found))
        return {self.found[at]: int(counts[at]) for at in np.flatnonzero(counts)}

    def among(self, wanted: Sequence[Any]) -> Mask:
        """(N,) whose value is one of these."""
        chosen = np.asarray([value in wanted for value in self.found], bool)
        among: Mask = chosen[self.codes]
        return among


@dataclass(frozen=True)
class Columns:
    """`image` (N,) ascending ids of every image that is ready, and, image by image, what is known of it.

    `category`, `state` and `evidence` are None where nobody has judged an image; `predicted` is None and
    `probability` and `margin` (N,) float32 NaN where nothing was predicted or nobody may see it yet. `person` and
    `labeled` (L,) are who labeled and the place of the image, a pair once.
    """

    image: Ids
    category: Values
    predicted: Values
    state: Values
    evidence: Values
    probability: NDArray[np.float32]
    margin: NDArray[np.float32]
    blind: Mask
    person: Ids
    labeled: Ids

    def __len__(self) -> int:
        return len(self.image)

    def places_of(self, image_ids: Ids) -> tuple[Ids, Mask]:
        """(places of those images that are here, which of them are)."""
        at = np.searchsorted(self.image, image_ids)
        known = at < len(self.image)
        known[known] = self.image[at[known]] == image_ids[known]
        return at[known], known


class Kept:
    """The columns of the projects that were looked at last, and one thread at a time that reads others."""

    def __init__(self) -> None:
        self._turn = Lock()
        self._kept: OrderedDict[tuple[int, int | None], tuple[float, Columns]] = OrderedDict()

    def of(self, project: Project) -> Columns:
        """At most `FRESH_S` old. Whoever waits for another's reading shares it."""
        key = (project.pk, project.active_run_id)
        with self._turn:
            read_at, columns = self._kept.get(key, (0.0, None))
            if columns is None or time.monotonic() - read_at > FRESH_S:
                read_at, columns = time.monotonic(), columns_read(project)
            self._kept[key] = (read_at, columns)
            self._kept.move_to_end(key)
            while len(self._kept) > PROJECTS:
                self._kept.popitem(last=False)
            return columns

    def holds(self) -> list[tuple[int, int | None]]:
        """(project, run) of what is in memory, the last looked at last."""
        return list(self._kept)


kept = Kept()


def columns_read(project: Project) -> Columns:
    """As the database has it now. Two statements."""
    params: Mapping[str, Any] = {
        "project": project.pk,
        "run": project.active_run_id,
        "states": STATES,
        "evidences": EVIDENCE,
    }
    table = np.frombuffer(bytes(sql.fetch_value(PACKED, params) or b""), ROW)
    told = np.frombuffer(bytes(sql.fetch_value(TOLD, params) or b""), ">i8").reshape(-1, 2).astype(np.int64)
    empty = np.empty(0, np.int64)
    columns = Columns(
        image=table["image"].astype(np.int64),
        category=_ids(table["category"]),
        predicted=_ids(table["predicted"]),
        state=Values([None, *STATES], table["state"].astype(np.int8)),
        evidence=Values([None, *EVIDENCE], table["evidence"].astype(np.int8)),
        probability=table["probability"].astype(np.float32),
        margin=table["margin"].astype(np.float32),
        blind=table["blind"].copy(),
        person=empty,
        labeled=empty,
    )
    places, known = columns.places_of(told[:, 1])
    return replace(columns, person=told[known, 0], labeled=places)


def _ids(column: NDArray[Any]) -> Values:
    found, codes = np.unique(column.astype(np.int64), return_inverse=True)
    return Values([value or None for value in found.tolist()], codes.astype(np.int32))
