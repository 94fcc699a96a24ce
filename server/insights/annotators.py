"""How reliable, how fast and how easily led each person is. Shown to the person first.

A person's label is compared with what stands for the image now without it: a review, or the other people's majority.
Anchoring compares like with like. Of images whose first suggestion was wrong, how often did the person give just that
suggestion with it in sight, and how often without ever having seen it, in blind answers?
"""

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

from server.core import sql
from server.insights.accuracy import Accuracy, accuracy_of, blind_scores, blind_total, wilson

ENOUGH = 10
"""Chances to be led before anything is said of a person."""
LED_SHARE = 0.8
OFTEN = 50
"""Suggestions shown before their share taken is compared with how often the model is right."""

# The newest standing label of each person and image; copies and acceptances are nobody's judgement. `shown` is the
# suggestion that stood first, `would` the one that a blind answer did not see. What the others settled on decides; a
# tie decides nothing.
JUDGED = """
WITH mine AS (
    SELECT DISTINCT ON (a.image_id, a.annotator_id) a.image_id, a.annotator_id, a.category_id, a.evidence,
           CASE WHEN a.evidence NOT IN ('blind', 'review') THEN
               COALESCE(a.evidence_details ->> 'first', a.evidence_details ->> 'suggested')::bigint END AS shown,
           a.evidence_details ->> 'commit' IS NOT NULL AS paged
    FROM labeling_annotation a
    WHERE a.project_id = %(project)s AND a.kind = 'label' AND a.annotator_id IS NOT NULL
      AND a.evidence NOT IN ('imported', 'propagated', 'accepted', 'migrated')
      AND NOT EXISTS (SELECT 1 FROM labeling_annotation u WHERE u.undoes_id = a.id)
    ORDER BY a.image_id, a.annotator_id, a.sequence DESC
), votes AS (
    SELECT m.image_id, m.annotator_id, o.category_id, count(*) AS votes, bool_or(o.evidence = 'review') AS reviewed
    FROM mine m JOIN mine o ON o.image_id = m.image_id AND o.annotator_id <> m.annotator_id
    GROUP BY m.image_id, m.annotator_id, o.category_id
), truth AS (
    SELECT image_id, annotator_id,
           (array_agg(category_id ORDER BY reviewed DESC, votes DESC))[1] AS category_id,
           count(*) FILTER (WHERE reviewed) = 1 OR (array_agg(votes ORDER BY votes DESC))[1]
               > COALESCE((array_agg(votes ORDER BY votes DESC))[2], 0) AS settled
    FROM votes GROUP BY image_id, annotator_id
), seen AS (
    SELECT m.*, CASE WHEN t.settled THEN t.category_id END AS truth, p.category_id AS would
    FROM mine m
    LEFT JOIN truth t ON t.image_id = m.image_id AND t.annotator_id = m.annotator_id
    LEFT JOIN predictions_prediction p ON p.run_id = %(run)s AND p.image_id = m.image_id AND m.evidence = 'blind'
)
SELECT s.annotator_id, u.username, s.truth AS category_id, count(*) AS labels,
       count(s.truth) AS compared,
       count(*) FILTER (WHERE s.truth = s.category_id) AS right,
       count(*) FILTER (WHERE s.shown <> s.truth) AS misled,
       count(*) FILTER (WHERE s.shown <> s.truth AND s.shown = s.category_id) AS followed,
       count(*) FILTER (WHERE s.would <> s.truth) AS unseen,
       count(*) FILTER (WHERE s.would <> s.truth AND s.would = s.category_id) AS unseen_same,
       count(s.shown) FILTER (WHERE NOT s.paged) AS offered,
       count(*) FILTER (WHERE NOT s.paged AND s.shown = s.category_id) AS taken,
       count(*) FILTER (WHERE s.truth IS NOT NULL AND s.evidence = 'blind') AS blind,
       count(*) FILTER (WHERE s.evidence = 'blind' AND s.truth <> s.category_id) AS blind_wrong
FROM seen s JOIN accounts_user u ON u.id = s.annotator_id
WHERE %(only)s::bigint IS NULL OR s.annotator_id = %(only)s
GROUP BY GROUPING SETS ((s.annotator_id, u.username, s.truth), (s.annotator_id, u.username))
HAVING GROUPING(s.truth) = 1 OR s.truth IS NOT NULL
ORDER BY u.username, GROUPING(s.truth) DESC, s.truth
"""

# A page is timed as one: its time is shared by its tiles.
SPEEDS = """
SELECT a.annotator_id, a.evidence, count(*) AS labels,
       percentile_cont(0.5) WITHIN GROUP (ORDER BY a.duration_ms / CASE WHEN a.evidence = 'page'
           THEN GREATEST(COALESCE((a.evidence_details ->> 'size')::float8, 1), 1) ELSE 1 END) AS median_ms
FROM labeling_annotation a
WHERE a.project_id = %(project)s AND a.kind = 'label' AND a.duration_ms IS NOT NULL AND a.annotator_id IS NOT NULL
  AND a.evidence IN ('blind', 'suggestion', 'free', 'page', 'review')
  AND (%(only)s::bigint IS NULL OR a.annotator_id = %(only)s)
  AND NOT EXISTS (SELECT 1 FROM labeling_annotation u WHERE u.undoes_id = a.id)
GROUP BY a.annotator_id, a.evidence ORDER BY a.annotator_id, labels DESC, a.evidence
"""
PLANTED = """
SELECT user_id, sum(planted) AS planted, sum(caught) AS caught FROM labeling_pageskill
WHERE project_id = %(project)s GROUP BY user_id
"""


@dataclass(frozen=True)
class Speed:
    """Half of a person's labels of this evidence took no longer. A page's time is shared by its tiles."""

    evidence: str
    labels: int
    median_ms: float


@dataclass(frozen=True)
class Anchoring:
    """Wrong first suggestions: `followed` of `misled` in sight were taken, `unseen_same` of `unseen` given blind.

    `pull` is the difference of the two shares with its interval; None until both rest on ten.
    """

    misled: int
    followed: int
    unseen: int
    unseen_same: int
    pull: tuple[float, float, float] | None


@dataclass(frozen=True)
class Person:
    """`signs` say why somebody is thought to take whatever is suggested; `led` is whether there are any."""

    id: int
    username: str
    labels: int
    agreement: Accuracy
    blind_error: Accuracy
    anchoring: Anchoring
    offered: int
    taken: int
    planted: int = 0
    caught: int = 0
    signs: list[str] = field(default_factory=list)
    speeds: list[Speed] = field(default_factory=list)
    categories: list[tuple[int, Accuracy]] = field(default_factory=list)

    @property
    def led(self) -> bool:
        return bool(self.signs)


def annotators_measured(*, project_id: int, run_id: int | None, only: int | None = None) -> list[Person]:
    """Everybody who labels, or one person; four queries."""
    params = {"project": project_id, "run": run_id, "only": only}
    speeds: dict[int, list[Speed]] = defaultdict(list)
    for row in sql.fetch_all(SPEEDS, params):
        speeds[row["annotator_id"]].append(Speed(row["evidence"], row["labels"], row["median_ms"]))
    planted = {row["user_id"]: (int(row["planted"]), int(row["caught"])) for row in sql.fetch_all(PLANTED, params)}
    right, answered = blind_total(blind_scores(project_id=project_id, run_id=run_id))
    people: dict[int, Person] = {}
    for row in sql.fetch_all(JUDGED, params):
        who = row["annotator_id"]
        if row["category_id"] is None:
            tiles = planted.get(who, (0, 0))
            signs = _signs(row, tiles, accuracy_of(right, answered))
            people[who] = _person(row, tiles, signs, speeds[who])
        else:
            people[who].categories.append((row["category_id"], accuracy_of(row["right"], row["compared"])))
    return list(people.values())


def _person(row: dict[str, Any], tiles: tuple[int, int], signs: list[str], speeds: list[Speed]) -> Person:
    return Person(
        id=row["annotator_id"],
        username=row["username"],
        labels=row["labels"],
        agreement=accuracy_of(row["right"], row["compared"]),
        blind_error=accuracy_of(row["blind_wrong"], row["blind"]),
        anchoring=anchoring_of(row["misled"], row["followed"], row["unseen"], row["unseen_same"]),
        offered=row["offered"],
        taken=row["taken"],
        planted=tiles[0],
        caught=tiles[1],
        signs=signs,
        speeds=speeds,
    )


def anchoring_of(misled: int, followed: int, unseen: int, unseen_same: int) -> Anchoring:
    """The difference with its 95 % interval: Newcombe's hybrid of two score intervals (Stat. Med. 1998, method 10)."""
    if min(misled, unseen) < ENOUGH:
        return Anchoring(misled, followed, unseen, unseen_same, None)
    one, other = followed / misled, unseen_same / unseen
    (low, high), (floor, ceiling) = wilson(followed, misled), wilson(unseen_same, unseen)
    below = ((one - low) ** 2 + (ceiling - other) ** 2) ** 0.5
    above = ((high - one) ** 2 + (other - floor) ** 2) ** 0.5
    pull = one - other
    return Anchoring(misled, followed, unseen, unseen_same, (pull, pull - below, pull + above))


def _signs(row: dict[str, Any], tiles: tuple[int, int], model: Accuracy) -> list[str]:
    """Three independent ways to notice; the last two need nobody else to have seen the same image."""
    told = anchoring_of(row["misled"], row["followed"], row["unseen"], row["unseen_same"])
    signs = []
    by_itself = told.pull is not None and told.pull[1] <= 0
    if told.misled >= ENOUGH and told.followed >= LED_SHARE * told.misled and not by_itself:
        signs.append("follows")
    planted, caught = tiles
    if planted >= ENOUGH and caught <= (1 - LED_SHARE) * planted:
        signs.append("misses")
    if row["offered"] >= OFTEN and model.value is not None and wilson(row["taken"], row["offered"])[0] > model.high:
        signs.append("takes")
    return signs
