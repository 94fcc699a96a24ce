"""Everything that people do to a queue, in any order, against a small model of the rules.

WINNOW_MACHINE_EXAMPLES and WINNOW_MACHINE_STEPS make it longer; WINNOW_MACHINE_SHRINK finds the shortest way to a
fault.
"""

import os
import uuid
from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import Any

import hypothesis.strategies as st
import numpy as np
import pytest
from django.db import connection
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from server.images.tally import images_counted
from server.labeling.models import Annotation, Consensus, Lease, Page, QueueItem, Strike
from server.labeling.services.consensus import consensus_rebuild
from server.labeling.services.leases import Leased, leases_release, leases_renew, leases_take
from server.labeling.services.page_commits import PageDecision, TileVerdict, page_commit
from server.labeling.services.page_leases import LeasedPage, pages_take
from server.labeling.services.page_stock import Planned, stock_add
from server.labeling.services.page_undo import page_undo
from server.labeling.services.queue import queue_top_up
from server.pipeline.deletion import image_delete
from server.predictions.models import Prototype
from tests.server.builders import with_vectors, world
from tests.server.labeling.test_tally import counted, standing_rows

pytestmark = pytest.mark.django_db
EXAMPLES = int(os.environ.get("WINNOW_MACHINE_EXAMPLES", "12"))
STEPS = int(os.environ.get("WINNOW_MACHINE_STEPS", "30"))
PHASES = (Phase.generate, Phase.shrink) if os.environ.get("WINNOW_MACHINE_SHRINK") else (Phase.generate,)
IMAGES = 12
PEOPLE = ("annotator", "reviewer", "owner")
person = st.sampled_from(PEOPLE)
number = st.integers(0, 10_000)
verdict = st.sampled_from(["confirm", "confirm", "strike", "label", "skip", None])
verdicts = st.lists(verdict, min_size=8, max_size=8)


@dataclass
class Said:
    """One acknowledged event. `kind` is label, skip or flag; undone ones stay, as in the database."""

    id: uuid.UUID
    image: int
    by: str
    kind: str
    category: int | None
    weak: bool = False
    review: bool = False
    undone: bool = False


class Labeling(RuleBasedStateMachine):
    """The model: what was said in order, what was struck, and nothing else. Leases are read from the rows, because
    who gets which free image is the database's choice; that they are allowed is an invariant. No rule has a condition,
    for the same reason: where there is nothing to act on, it does nothing."""

    @initialize(overlap=st.integers(1, 2), blind_share=st.sampled_from([0.0, 0.3]))
    def begin(self, overlap: int, blind_share: float) -> None:
        vectors = np.random.default_rng(0).normal(size=(IMAGES, 4))
        self.world = with_vectors(world(images=IMAGES, overlap=overlap, blind_share=blind_share), vectors)
        self.world.project.options = {"attention_share": 0.2}
        self.images = list(self.world.images)
        self.said: list[Said] = []
        self.undos: list[uuid.UUID] = []
        self.commits: dict[uuid.UUID, list[Said]] = {}
        self.struck: dict[uuid.UUID, set[tuple[int, int]]] = {}
        self.by_commit: dict[uuid.UUID, str] = {}
        self.pages: list[tuple[str, LeasedPage]] = []
        self.singles: list[tuple[str, Leased]] = []

    def user(self, who: str) -> int:
        return int(self.world.people[who].pk)

    def project(self) -> Any:
        return self.world.project

    # -- what people do

    @rule(who=person, count=st.integers(1, 4))
    def lease(self, who: str, count: int) -> None:
        project = self.project()
        got = leases_take(project_id=project.pk, user_id=self.user(who), count=count)
        if len(got) < count:
            queue_top_up(project=project, user_id=self.user(who), count=count)
            got += leases_take(project_id=project.pk, user_id=self.user(who), count=count - len(got))
        self.singles += [(who, one) for one in got]
        if not got:
            assert self.nothing_for(who), "an unlabeled image was free, and nobody was given it"  # I7

    @rule(who=person, category=st.integers(0, 2), start=number, fold=st.booleans())
    def lease_page(self, who: str, category: int, start: int, fold: bool) -> None:
        at = start % max(1, len(self.images))
        offered = self.images[at:] + self.images[:at]
        told = [[self.world.categories[category], 0.7], [self.world.categories[(category + 1) % 3], 0.2]]
        tiles: list[dict[str, Any]] = [{"image": one, "folded": [], "suggestions": told} for one in offered[:5]]
        if fold and len(offered) > 5:
            tiles[0]["folded"] = offered[5:7]
        traps = [[one.image, one.category] for one in self.standing() if one.kind == "label" and one.category]
        plan = Planned(self.world.categories[category], tiles, 0.8, "test", traps[:2])
        stock_add(project_id=self.project().pk, version=0, planned=[plan])
        pages = pages_take(project=self.project(), user_id=self.user(who), count=1, tiles_max=5)
        for page in pages:
            for tile in page.tiles:
                refused = (tile["image"], page.category_id) in self.refused()
                assert "known" in tile or not refused, "an image was proposed again for what it was struck from"
        self.pages += [(who, page) for page in pages]

    @rule(nth=number, kind=st.sampled_from(["label", "label", "skip", "flag"]), category=st.integers(0, 2))
    def submit(self, nth: int, kind: str, category: int) -> None:
        """On time or late: a lease that ran out or was given back is answered all the same."""
        if not self.singles:
            return
        who, leased = self.singles.pop(nth % len(self.singles))
        if leased.image_id in self.images:
            self.judge(who, leased.image_id, kind, category)

    @rule(who=person, nth=number, category=st.integers(0, 2))
    def label_unasked(self, who: str, nth: int, category: int) -> None:
        if self.images:
            self.judge(who, self.images[nth % len(self.images)], "label", category)

    @rule(who=st.sampled_from(["reviewer", "owner"]), nth=number, category=st.integers(0, 2))
    def review(self, who: str, nth: int, category: int) -> None:
        if self.images:
            self.judge(who, self.images[nth % len(self.images)], "label", category, evidence="review")

    def judge(self, who: str, image: int, kind: str, category: int, **told: Any) -> None:
        chosen = self.world.categories[category] if kind == "label" else None
        recorded = self.world.label(image, chosen, by=who, kind=kind, **told)
        again = self.world.label(image, chosen, by=who, kind=kind, id=recorded.id, **told)
        assert (recorded.created, again.created) == (True, False)
        self.said.append(Said(recorded.id, image, who, kind, chosen, review=told.get("evidence") == "review"))

    @rule(
        nth=number,
        verdicts=st.lists(
            st.sampled_from(["confirm", "confirm", "strike", "label", "skip", None]), min_size=8, max_size=8
        ),
    )
    def commit(self, nth: int, verdicts: list[str | None]) -> None:
        if not self.pages:
            return
        who, page = self.pages[nth % len(self.pages)]
        other = next(one for one in self.world.categories if one != page.category_id)
        chosen = [
            TileVerdict(tile["image"], verdict, other if verdict == "label" else None)
            for tile, verdict in zip(page.tiles, verdicts, strict=False)
            if verdict is not None
        ]
        decision = PageDecision(id=uuid.uuid4(), page_id=page.id, tiles=chosen)
        done = page_commit(decision, project=self.project(), user_id=self.user(who))
        again = page_commit(decision, project=self.project(), user_id=self.user(who))
        assert (done.created, again.created, again.labels) == (True, False, done.labels)
        self.record(decision, who, page)

    def record(self, decision: PageDecision, who: str, page: LeasedPage) -> None:
        """What the model says of a commit: planted tiles and images that are gone leave no trace."""
        shown = {tile["image"]: tile for tile in page.tiles}
        made: list[Said] = []
        refused: set[tuple[int, int]] = set()
        for verdict in decision.tiles:
            tile = shown[verdict.image_id]
            if "known" in tile:
                continue
            group = [image for image in [tile["image"], *tile["folded"]] if image in self.images]
            if verdict.verdict in ("strike", "label"):
                refused |= {(image, page.category_id) for image in group}
            if verdict.verdict == "strike":
                continue
            kind = "label" if verdict.verdict in ("confirm", "label") else verdict.verdict
            category = page.category_id if verdict.verdict == "confirm" else verdict.category_id
            for image in group:
                folded = image != tile["image"]
                if kind == "label" or not folded:
                    event = uuid.uuid5(decision.id, str(image))
                    made.append(Said(event, image, who, kind, category, weak=folded))
        self.said += made
        self.commits[decision.id], self.struck[decision.id] = made, refused
        self.by_commit[decision.id] = who

    @rule(nth=number)
    def undo_page(self, nth: int) -> None:
        if not self.commits:
            return
        commit = list(self.commits)[nth % len(self.commits)]
        made, undo = self.commits.pop(commit), uuid.uuid4()
        wanted = [one for one in made if not one.undone and one.image in self.images]
        for _ in range(2):
            undone = page_undo(
                commit_id=commit, undo_id=undo, project=self.project(), user_id=self.user(self.by_commit[commit])
            )
            assert undone == len(wanted)
        self.struck[commit] = set()
        for one in wanted:
            one.undone = True
            self.undos.append(uuid.uuid5(undo, str(one.id)))

    @rule(nth=number)
    def undo(self, nth: int) -> None:
        standing = self.standing()
        if standing:
            one = standing[nth % len(standing)]
            recorded = self.world.label(one.image, kind="undo", undoes_id=one.id, by=one.by)
            one.undone = True
            self.undos.append(recorded.id)

    @rule(who=person)
    def expire(self, who: str) -> None:
        """A person walks away; minutes pass for that person's leases."""
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE labeling_lease SET lease_until = clock_timestamp() - interval '1 s' WHERE user_id = %s"
                " AND project_id = %s",
                [self.user(who), self.project().pk],
            )

    @rule(nth=number, renewed=st.booleans())
    def reassign(self, nth: int, renewed: bool) -> None:
        """Leases are handed back for somebody else; a stranger can do neither that nor renew them."""
        held = [(who, page.id) for who, page in self.pages] + [(who, one.token) for who, one in self.singles]
        if not held:
            return
        who, token = held[nth % len(held)]
        stranger = next(other for other in PEOPLE if other != who)
        project = self.project().pk
        assert leases_release(project_id=project, user_id=self.user(stranger), tokens=[token]) == 0
        assert leases_renew(project_id=project, user_id=self.user(stranger), tokens=[token]) == []
        if renewed:
            leases_renew(project_id=project, user_id=self.user(who), tokens=[token])
        else:
            leases_release(project_id=project, user_id=self.user(who), tokens=[token])

    @rule(nth=number)
    def delete(self, nth: int) -> None:
        if len(self.images) <= IMAGES // 2:
            return
        image = self.images.pop(nth % len(self.images))
        image_delete(project_id=self.project().pk, image_id=image)

    # -- the rules in a few lines

    def standing(self) -> list[Said]:
        return [one for one in self.said if not one.undone and one.image in self.images]

    def refused(self) -> set[tuple[int, int]]:
        return set().union(*self.struck.values())

    def judges(self, image: int) -> set[str]:
        return {one.by for one in self.standing() if one.image == image}

    def agreed(self, image: int) -> tuple[str, int | None] | None:
        """State and category of an image: the newest of each person; a review alone; else more than half."""
        newest = {(one.by, one.weak): one for one in self.standing() if one.image == image}
        by_person = any(not one.weak and one.kind != "skip" for one in newest.values())
        reviews = [one for one in self.standing() if one.image == image and one in newest.values() and one.review]
        counting = [one for one in newest.values() if not (one.weak and by_person)]
        if reviews:
            counting = [max(reviews, key=self.said.index)]
        if not counting:
            return None
        votes = Counter(one.category for one in counting if one.kind == "label")
        flagged = any(one.kind == "flag" for one in counting)
        if votes and not flagged and 2 * max(votes.values()) > sum(votes.values()):
            return "agreed", votes.most_common(1)[0][0]
        return ("disputed" if votes else "flagged" if flagged else "skipped"), None

    def nothing_for(self, who: str) -> bool:
        """True where the rules give this person nothing: all judged enough, judged by them, or held."""
        leases: dict[int, set[str]] = defaultdict(set)
        names = {self.user(name): name for name in PEOPLE}
        for image, user in Lease.objects.filter(project=self.project()).values_list("item__image_id", "user_id"):
            leases[image].add(names[user])
        wanted = self.project().overlap
        return not [
            image
            for image in self.images
            if who not in self.judges(image) | leases[image]
            and len(self.judges(image)) + len(leases[image] - self.judges(image)) < wanted
            and (self.agreed(image) is None or QueueItem.objects.filter(image_id=image, remaining__gt=0).exists())
        ]

    # -- what always holds

    @invariant()
    def every_acknowledged_event_is_there_exactly_once(self) -> None:  # I1
        if not hasattr(self, "world"):
            return
        stored = list(Annotation.objects.filter(project=self.project()).values_list("id", "image_id", "kind"))
        mine = {one.id for one in self.said if one.image in self.images}
        assert {event for event, _, kind in stored if kind != "undo"} == mine
        assert {event for event, _, kind in stored if kind == "undo"} <= set(self.undos)

    @invariant()
    def no_image_is_held_by_more_people_than_wanted(self) -> None:  # I2
        if not hasattr(self, "world"):
            return
        for item in QueueItem.objects.filter(project=self.project()).prefetch_related("leases"):
            leases = list(item.leases.all())
            assert len(leases) <= item.wanted
            assert item.slots == max(0, item.remaining - len(leases))
            assert item.remaining == max(0, item.wanted - len(self.judges(item.image_id)))

    @invariant()
    def derived_rows_are_what_the_events_say(self) -> None:  # I5
        if not hasattr(self, "world"):
            return
        rows = {row.image_id: (row.state, row.category_id) for row in Consensus.objects.filter(project=self.project())}
        assert rows == {image: told for image in self.images if (told := self.agreed(image)) is not None}
        assert consensus_rebuild(project_id=self.project().pk) == []
        taught = Counter(
            Consensus.objects.filter(project=self.project(), state="agreed", blind=False).values_list(
                "category_id", flat=True
            )
        )
        held = Prototype.objects.filter(space=self.world.space).values_list("category_id", "count")
        assert dict(held) == dict(taught)
        assert counted(self.project().pk) == standing_rows(self.project().pk)
        assert images_counted(project_id=self.project().pk)["ready"] == len(self.images)

    @invariant()
    def known_wrong_tiles_and_taken_back_strikes_leave_no_trace(self) -> None:
        if not hasattr(self, "world"):
            return
        counting = Strike.objects.filter(project=self.project(), commit__undo_id=None)
        assert set(counting.values_list("image_id", "category_id")) == {
            pair for pair in self.refused() if pair[0] in self.images
        }
        for page in Page.objects.filter(project=self.project()):
            planted = [tile["image"] for tile in page.tiles if "known" in tile]
            said = Annotation.objects.filter(image_id__in=planted, evidence_details__page=str(page.pk))
            assert not said.exists()


def test_people_in_any_order_leave_what_the_rules_say() -> None:
    run_state_machine_as_test(
        Labeling,
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=STEPS,
            deadline=None,
            database=None,
            derandomize="WINNOW_MACHINE_EXAMPLES" not in os.environ,
            phases=PHASES,
            suppress_health_check=list(HealthCheck),
        ),
    )
