"""A page is many decisions by one key: leased like single images, recorded once, taken back whole."""

import time
import uuid
from collections.abc import Sequence

import pytest

from server.core.errors import Conflict, InvalidInput, NotFound
from server.labeling.models import Annotation, BlindDraw, Consensus, Gold, Lease, Page, PagePlan, QueueItem, Strike
from server.labeling.services.consensus import consensus_rebuild
from server.labeling.services.leases import leases_release, leases_take
from server.labeling.services.page_commits import Committed, PageDecision, TileVerdict, page_commit
from server.labeling.services.page_leases import LeasedPage, pages_take
from server.labeling.services.page_stock import Planned, stock_add, stock_count, stock_fill_plain
from server.labeling.services.page_undo import page_undo
from server.predictions.models import Prototype
from tests.server.builders import World, predicted, with_vectors, world

pytestmark = pytest.mark.django_db


def tile(made: World, image: int, folded: Sequence[int] = ()) -> dict[str, object]:
    told = [[made.categories[0], 0.9], [made.categories[1], 0.08]]
    return {"image": image, "folded": list(folded), "suggestions": told}


def planned(made: World, images: Sequence[int], *, traps: Sequence[Sequence[int]] = (), category: int = 0) -> World:
    plan = Planned(
        made.categories[category], [tile(made, image) for image in images], 0.9, "test", [list(pair) for pair in traps]
    )
    stock_add(project_id=made.project.pk, version=1, planned=[plan])
    return made


def take(made: World, who: str = "annotator", *, count: int = 1, tiles_max: int = 48) -> list[LeasedPage]:
    return pages_take(project=made.project, user_id=made.people[who].pk, count=count, tiles_max=tiles_max)


def shown(pages: Sequence[LeasedPage]) -> list[int]:
    return [tile["image"] for page in pages for tile in page.tiles]


def commit(
    made: World, page: LeasedPage, said: dict[int, str | int], *, who: str = "annotator", event: uuid.UUID | None = None
) -> Committed:
    """A verdict a tile; a number is the category that a tile is given. Tiles that are not named are not judged."""
    tiles = [
        TileVerdict(image, "label", word) if isinstance(word, int) else TileVerdict(image, word)
        for image, word in said.items()
    ]
    decision = PageDecision(id=event or uuid.uuid4(), page_id=page.id, tiles=tiles, duration_ms=8000, input="keyboard")
    return page_commit(decision, project=made.project, user_id=made.people[who].pk)


def assert_slots_are_exact() -> None:
    for item in QueueItem.objects.all():
        assert item.slots == max(0, item.remaining - item.leases.count())


def test_two_people_are_given_different_images_of_one_plan() -> None:
    made = world(images=30)
    planned(made, made.images)
    mine, theirs = take(made), take(made, "reviewer")
    assert shown(mine) == made.images[:16]
    assert shown(theirs) == made.images[16:]
    assert take(made, "owner") == []
    assert_slots_are_exact()


def test_a_page_is_never_larger_than_the_screen_and_the_rest_waits_for_the_next() -> None:
    made = world(images=9)
    planned(made, made.images)
    assert [len(page.tiles) for page in take(made, count=1, tiles_max=4)] == [4]
    assert shown(take(made, count=2, tiles_max=5)) == made.images[4:]


def test_what_is_labeled_leased_blind_or_struck_is_on_no_page() -> None:
    made = world(images=6)
    labeled, leased, blind, struck, *free = made.images
    made.label(labeled, made.categories[0])
    QueueItem.objects.create(project=made.project, image_id=leased, rank=0)
    leases_take(project_id=made.project.pk, user_id=made.people["owner"].pk, count=1)
    BlindDraw.objects.create(project=made.project, image_id=blind, seed=1)
    planned(made, [struck])
    commit(made, take(made)[0], {struck: "strike"})
    planned(made, made.images)
    assert shown(take(made, "reviewer")) == free
    assert_slots_are_exact()


def test_an_abandoned_page_returns_by_itself_and_a_released_one_at_once() -> None:
    made = world(images=3)
    made.project.options = {"lease_minutes": 0.001}
    planned(made, made.images)
    first = take(made)
    time.sleep(0.1)
    planned(made, made.images)
    second = take(made, "reviewer")
    assert shown(second) == made.images
    assert first[0].id != second[0].id
    reviewer = made.people["reviewer"].pk
    assert leases_release(project_id=made.project.pk, user_id=reviewer, tokens=[second[0].id]) == 3
    planned(made, made.images)
    assert shown(take(made, "owner")) == made.images
    assert_slots_are_exact()


def test_a_commit_confirms_strikes_and_relabels_in_one_go() -> None:
    made = with_vectors(world(images=5))
    planned(made, made.images)
    (page,) = take(made)
    a, b, c, d, left_out = made.images
    owl, fox, _ = made.categories
    done = commit(made, page, {a: "confirm", b: fox, c: "strike", d: "skip"})
    assert (done.created, done.labels, done.struck) == (True, 2, 2)
    states = dict(Consensus.objects.values_list("image_id", "state"))
    assert states == {a: "agreed", b: "agreed", d: "skipped"}
    assert set(Strike.objects.values_list("image_id", "category_id")) == {(b, owl), (c, owl)}
    assert dict(Prototype.objects.values_list("category_id", "count")) == {owl: 1, fox: 1}
    event = Annotation.objects.get(image_id=a)
    assert event.evidence == "page"
    assert event.evidence_details["page"] == str(page.id)
    assert (event.evidence_details["size"], event.evidence_details["position"]) == (5, 0)
    assert event.evidence_details["seconds"] == 8.0
    assert not Lease.objects.exists()
    assert dict(QueueItem.objects.filter(slots=1).values_list("image_id", "remaining")) == {c: 1, left_out: 1}
    assert consensus_rebuild(project_id=made.project.pk) == []


def test_the_same_commit_sent_again_changes_nothing_and_tells_the_same() -> None:
    made = world(images=3)
    planned(made, made.images)
    (page,) = take(made)
    event = uuid.uuid4()
    first = commit(made, page, dict.fromkeys(made.images, "confirm"), event=event)
    again = commit(made, page, dict.fromkeys(made.images, "strike"), event=event)
    assert (first.created, again.created) == (True, False)
    assert (again.labels, again.struck) == (first.labels, first.struck) == (3, 0)
    assert Annotation.objects.count() == 3


def test_a_late_commit_is_taken_and_whoever_holds_the_images_now_keeps_them() -> None:
    made = world(images=2)
    made.project.options = {"lease_minutes": 0.001}
    planned(made, made.images)
    (late,) = take(made)
    time.sleep(0.1)
    made.project.options = {}
    planned(made, made.images)
    (theirs,) = take(made, "reviewer")
    assert commit(made, late, dict.fromkeys(made.images, "confirm")).labels == 2
    assert Lease.objects.filter(token=theirs.id).count() == 2
    assert_slots_are_exact()


def test_near_duplicates_follow_their_tile_and_say_so() -> None:
    made = world(images=3)
    plan = Planned(made.categories[0], [tile(made, made.images[0], made.images[1:])], 0.9, "test")
    stock_add(project_id=made.project.pk, version=1, planned=[plan])
    (page,) = take(made)
    assert Lease.objects.count() == 3
    assert commit(made, page, {made.images[0]: "confirm"}).labels == 3
    told = dict(Annotation.objects.values_list("image_id", "evidence"))
    assert told == {made.images[0]: "page", made.images[1]: "propagated", made.images[2]: "propagated"}
    folded = Annotation.objects.get(image_id=made.images[2])
    assert folded.evidence_details["duplicate_of"] == made.images[0]


def test_a_page_taken_back_leaves_the_rows_of_before_and_returns_to_its_person() -> None:
    made = with_vectors(world(images=4))
    planned(made, made.images)
    (page,) = take(made)
    a, b, c, d = made.images
    event, undo = uuid.uuid4(), uuid.uuid4()
    commit(made, page, {a: "confirm", b: "confirm", c: made.categories[1], d: "strike"}, event=event)
    person = made.people["annotator"].pk
    assert page_undo(commit_id=event, undo_id=undo, project=made.project, user_id=person) == 3
    assert page_undo(commit_id=event, undo_id=undo, project=made.project, user_id=person) == 3
    assert not Consensus.objects.exists() and not Prototype.objects.exists()
    assert Annotation.objects.count() == 6
    planned(made, made.images)
    assert take(made, "reviewer") == []
    assert Lease.objects.filter(token=page.id, user_id=person).count() == 4
    assert commit(made, page, {d: "confirm"}).labels == 1  # the strike is forgotten
    assert_slots_are_exact()


def test_only_its_own_person_commits_or_undoes_a_page() -> None:
    made, other = world(images=2), world(images=1)
    planned(made, made.images)
    (page,) = take(made)
    with pytest.raises(NotFound):
        commit(made, page, {made.images[0]: "confirm"}, who="reviewer")
    with pytest.raises(NotFound):
        page_commit(
            PageDecision(id=uuid.uuid4(), page_id=page.id, tiles=[]),
            project=other.project,
            user_id=made.people["annotator"].pk,
        )
    event = uuid.uuid4()
    commit(made, page, {made.images[0]: "confirm"}, event=event)
    with pytest.raises(NotFound):
        page_undo(commit_id=event, undo_id=uuid.uuid4(), project=made.project, user_id=made.people["reviewer"].pk)
    planned(made, made.images)
    (second,) = take(made)
    with pytest.raises(Conflict):
        commit(made, second, {made.images[1]: "confirm"}, event=event)


def test_what_a_page_does_not_show_or_a_foreign_category_is_refused_and_writes_nothing() -> None:
    made, other = world(images=3), world(images=1)
    planned(made, made.images[:2])
    (page,) = take(made)
    for said in ({made.images[2]: "confirm"}, {made.images[0]: other.categories[0]}, {made.images[0]: "label"}):
        with pytest.raises(InvalidInput):
            commit(made, page, said)  # type: ignore[arg-type]
    assert not Annotation.objects.exists()


def trapped(made: World) -> LeasedPage:
    """A page of eight with one known-wrong tile for each trap, and the confirmed fox that it is drawn from."""
    made.project.options = {"attention_share": 0.125}
    made.label(made.images[0], made.categories[1], by="owner")
    Gold.objects.create(project=made.project, image_id=made.images[0])
    planned(made, made.images[1:9], traps=[[made.images[0], made.categories[1]]])
    return take(made)[0]


def test_a_known_wrong_tile_looks_like_any_other_and_never_becomes_a_label() -> None:
    made = world(images=9)
    page = trapped(made)
    (known,) = [one for one in page.tiles if "known" in one]
    assert known["image"] == made.images[0]
    assert known["suggestions"][0][0] == page.category_id
    before = Annotation.objects.count()
    done = commit(made, page, {known["image"]: made.categories[2], made.images[1]: "confirm"})
    assert (done.planted, done.caught, done.missed) == (1, 1, [])
    assert Annotation.objects.count() == before + 1
    assert Consensus.objects.get(image_id=known["image"]).category_id == made.categories[1]
    assert not Strike.objects.exists()


def test_a_known_wrong_tile_that_is_missed_halves_the_page_and_sends_it_to_review() -> None:
    made = world(images=9)
    page = trapped(made)
    done = commit(made, page, {one["image"]: "confirm" for one in page.tiles})
    assert [(one.image_id, one.category_id) for one in done.missed] == [(made.images[0], made.categories[1])]
    assert (done.size_before, done.size_after, done.sent_to_review, done.labels) == (16, 8, 8, 8)
    assert Consensus.objects.get(image_id=made.images[0]).category_id == made.categories[1]


def test_taking_a_page_back_does_not_mend_the_record_of_attention() -> None:
    made = world(images=9)
    page = trapped(made)
    event = uuid.uuid4()
    commit(made, page, {one["image"]: "confirm" for one in page.tiles}, event=event)
    person = made.people["annotator"].pk
    page_undo(commit_id=event, undo_id=uuid.uuid4(), project=made.project, user_id=person)
    again = commit(made, page, {one["image"]: "strike" if "known" in one else "confirm" for one in page.tiles})
    assert (again.planted, again.size_after) == (0, 8)


def test_pages_come_from_published_predictions_where_no_worker_planned_any() -> None:
    made = with_vectors(world(images=8))
    made.project.options = {"attention_share": 0.0}  # a page holds what was predicted, and no tile that is known wrong
    made.project.save(update_fields=["options"])
    owl, fox, elk = made.categories
    predicted(made, {image: [owl, fox, elk] if image < made.images[5] else [fox, owl, elk] for image in made.images})
    assert take(made) == []
    assert stock_fill_plain(project=made.project) == 2
    assert stock_count(project_id=made.project.pk, at_most=8) == 0  # they bridge the wait; a worker is asked for more
    pages = take(made, count=4)
    assert {page.category_id: sorted(shown([page])) for page in pages} == {
        owl: made.images[:5],
        fox: made.images[5:],
    }
    event = uuid.uuid4()
    (owls,) = [page for page in pages if page.category_id == owl]
    commit(made, owls, {made.images[0]: "strike", made.images[1]: "confirm"}, event=event)
    stock_fill_plain(project=made.project)
    (foxes,) = [page for page in take(made, "reviewer", count=4) if page.category_id == fox]
    assert shown([foxes]) == [made.images[0]]  # struck from the owls, it comes back under its next-best category
    assert foxes.tiles[0]["suggestions"][0][0] == fox
    assert PagePlan.objects.filter(project=made.project).count() == 0
    assert Page.objects.count() == len(pages) + 2


def test_plain_pages_come_several_of_a_category_at_once_and_no_image_stands_twice_on_one() -> None:
    made = with_vectors(world(images=12))
    owl, fox, elk = made.categories
    predicted(made, {image: [owl, fox, elk] for image in made.images[:9]} | {made.images[9]: [fox, owl, elk]})
    for image in made.images[10:]:
        made.label(image, fox, by="reviewer")
    planned(made, [made.images[0]], category=1)
    (page,) = take(made)
    commit(made, page, {made.images[0]: "strike"})  # struck from the foxes, it is an owl as before
    made.project.options = {"page_size_max": 6}
    made.project.save()
    assert stock_fill_plain(project=made.project) == 3
    plans = list(PagePlan.objects.order_by("rank"))
    owls = [[one["image"] for one in plan.tiles] for plan in plans if plan.category_id == owl]
    assert [len(images) for images in owls] == [6, 3]
    assert sorted(image for images in owls for image in images) == made.images[:9]
    assert all(not one["folded"] for plan in plans for one in plan.tiles)
    traps = [[image for image, _ in plan.traps] for plan in plans if plan.category_id == owl]
    assert [sorted(images) for images in traps] == [made.images[10:], made.images[10:]]
