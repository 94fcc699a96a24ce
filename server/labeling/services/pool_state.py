"""What people have said of a pool, row by row, kept in memory by who scores it and brought up to date by what is new.

A million images cost a second once and milliseconds after: only what was annotated since is read again. It decides
what is worth composing pages from; what may be leased is decided by the lease.
"""

from collections import defaultdict
from collections.abc import Mapping, Set
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from server.core import sql
from server.labeling.services.blind import RESERVED, blind_params
from server.projects.models import Project

Ids = NDArray[np.int64]
OVERLAP = 5_000
"""Annotations that are read once more: numbers are drawn before commits, so a lower one may appear after a higher."""

JUDGED = np.dtype([("image", ">i8"), ("category", ">i8"), ("sequence", ">i8")])
TEACHES = "CASE WHEN c.state = 'agreed' AND NOT c.blind THEN c.category_id ELSE 0 END"
PACKED = f"string_agg(int8send(c.image_id) || int8send({TEACHES}) || int8send(c.last_sequence), ''::bytea)"
ALL_JUDGED = f"SELECT COALESCE({PACKED}, ''::bytea) FROM labeling_consensus c WHERE c.project_id = %(project)s"
# An image that nobody judges any more has no consensus, and 0 for its sequence.
TOUCHED = f"""
SELECT COALESCE(string_agg(
    int8send(t.image_id) || int8send({TEACHES}) || int8send(COALESCE(c.last_sequence, 0)), ''::bytea), ''::bytea)
FROM (SELECT DISTINCT image_id FROM labeling_annotation
      WHERE project_id = %(project)s AND sequence > %(since)s) t
LEFT JOIN labeling_consensus c ON c.image_id = t.image_id
"""
NEWEST = """
SELECT COALESCE(max(sequence), 0) AS newest FROM labeling_annotation WHERE project_id = %(project)s
"""
KEPT_BACK = f"""
SELECT COALESCE(string_agg(int8send(i.id), ''::bytea), ''::bytea) FROM images_image i
WHERE i.project_id = %(project)s AND {RESERVED}
"""
GROUPED = """
SELECT COALESCE(string_agg(int8send(id) || int8send(duplicate_group), ''::bytea), ''::bytea) FROM images_image
WHERE project_id = %(project)s AND duplicate_group IS NOT NULL
"""
DRAWN = "SELECT image_id FROM labeling_blinddraw WHERE project_id = %(project)s"
HELD = """
SELECT q.image_id FROM labeling_lease l JOIN labeling_queueitem q ON q.id = l.item_id AND q.slots < 1
WHERE l.project_id = %(project)s AND l.lease_until > clock_timestamp()
"""
WANTED_AGAIN = """
SELECT image_id FROM labeling_queueitem
WHERE project_id = %(project)s AND slots > 0 AND remaining < wanted AND asked_of IS NULL AND purpose <> 'blind'
"""
STRUCK = """
SELECT s.image_id, s.category_id FROM labeling_strike s
JOIN labeling_pagecommit t ON t.id = s.commit_id AND t.undo_id IS NULL
WHERE s.project_id = %(project)s AND NOT EXISTS (SELECT 1 FROM labeling_consensus c WHERE c.image_id = s.image_id)
"""


@dataclass
class PoolState:
    """`ids` (P,) name the rows. `judged` (P,) bool, `category` (P,) int64 the agreed category that teaches (0: none),
    `sequence` (P,) when that was last said, `kept_back` (P,) bool of the blind share's reserve, `group` (P,) int64
    near-duplicate group (−1: none)."""

    project: Project
    ids: Ids
    judged: NDArray[np.bool_] = field(init=False)
    category: Ids = field(init=False)
    sequence: Ids = field(init=False)
    kept_back: NDArray[np.bool_] = field(init=False)
    group: Ids = field(init=False)
    newest: int = 0

    def __post_init__(self) -> None:
        self._order = np.argsort(self.ids, kind="stable")
        size = len(self.ids)
        self.judged, self.kept_back = np.zeros(size, bool), np.zeros(size, bool)
        self.category, self.sequence = np.zeros(size, np.int64), np.zeros(size, np.int64)
        self.group = np.full(size, -1, np.int64)
        self._load()

    def _load(self) -> None:
        params = {**blind_params(self.project)}
        self.newest = int(sql.fetch_value(NEWEST, params))
        told = np.frombuffer(bytes(sql.fetch_value(ALL_JUDGED, params)), JUDGED)
        rows, known = self.rows_of(told["image"].astype(np.int64))
        self.judged[rows] = True
        self.category[rows] = told["category"][known]
        self.sequence[rows] = told["sequence"][known]
        kept = np.frombuffer(bytes(sql.fetch_value(KEPT_BACK, params)), ">i8").astype(np.int64)
        self.kept_back[self.rows_of(kept)[0]] = True
        grouped = np.frombuffer(bytes(sql.fetch_value(GROUPED, params)), ">i8").reshape(-1, 2).astype(np.int64)
        rows, known = self.rows_of(grouped[:, 0])
        self.group[rows] = grouped[known, 1]

    def rows_of(self, image_ids: Ids) -> tuple[Ids, NDArray[np.bool_]]:
        """(rows of those images that are in the pool, which of them are)."""
        if not len(self.ids) or not len(image_ids):
            return np.empty(0, np.int64), np.zeros(len(image_ids), bool)
        at = np.minimum(np.searchsorted(self.ids, image_ids, sorter=self._order), len(self.ids) - 1)
        rows = self._order[at]
        known = self.ids[rows] == image_ids
        return rows[known], known

    def refresh(self) -> int:
        """Take in what was said since; how many images that touched. One statement over new annotations alone."""
        params = {"project": self.project.pk, "since": self.newest - OVERLAP}
        newest = int(sql.fetch_value(NEWEST, params))
        told = np.frombuffer(bytes(sql.fetch_value(TOUCHED, params)), JUDGED)
        rows, known = self.rows_of(told["image"].astype(np.int64))
        self.sequence[rows] = told["sequence"][known]
        self.category[rows] = told["category"][known]
        self.judged[rows] = self.sequence[rows] > 0
        self.newest = newest
        return len(rows)

    def examples(self) -> tuple[Ids, Ids]:
        """(rows, category ids) of all that may teach, the newest last."""
        rows = np.flatnonzero(self.category > 0)
        rows = rows[np.argsort(self.sequence[rows], kind="stable")]
        return rows.astype(np.int64), self.category[rows]

    def eligible(self) -> NDArray[np.bool_]:
        """(P,) what a page may hold now: not judged enough, not held, not of the blind share."""
        params = {"project": self.project.pk}
        free: NDArray[np.bool_] = ~(self.judged | self.kept_back)
        for statement, value in ((WANTED_AGAIN, True), (DRAWN, False), (HELD, False)):
            ids = np.asarray([row["image_id"] for row in sql.fetch_all(statement, params)], np.int64)
            free[self.rows_of(ids)[0]] = value
        return free

    def struck(self, index_of: Mapping[int, int]) -> dict[int, Set[int]]:
        """Row → class indices that people refused for it, of images that nobody has judged."""
        told = sql.fetch_all(STRUCK, {"project": self.project.pk})
        rows, known = self.rows_of(np.asarray([row["image_id"] for row in told], np.int64))
        classes = np.asarray([index_of.get(row["category_id"], -1) for row in told], np.int64)[known]
        found: dict[int, Set[int]] = defaultdict(set)
        for row, index in zip(rows.tolist(), classes.tolist(), strict=True):
            if index >= 0:
                found[row] = {*found[row], index}
        return dict(found)
