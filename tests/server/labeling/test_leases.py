"""A lease is a right for minutes: never two people at once, never for ever."""

import time
from uuid import UUID

import pytest
from django.db import connection

from server.acquisition.services import round_create
from server.labeling.models import Lease, Purpose, QueueItem
from server.labeling.selectors import queue_empty_reason
from server.labeling.services.leases import (
    Leased,
    leases_hand_back,
    leases_reclaim,
    leases_release,
    leases_renew,
    leases_take,
)
from server.labeling.services.queue import Ranked, queue_replace, queue_top_up
from tests.server.builders import World, world

pytestmark = pytest.mark.django_db


def queued(made: World, *, overlap: int = 1) -> World:
    for rank, image in enumerate(made.images):
        QueueItem.objects.create(
            project=made.project, image_id=image, rank=rank, wanted=overlap, remaining=overlap, slots=overlap
        )
    return made


def take(made: World, who: str, count: int, lease_s: float = 60) -> list[int]:
    taken = leases_take(project_id=made.project.pk, user_id=made.people[who].pk, count=count, lease_s=lease_s)
    return [leased.image_id for leased in taken]


def assert_slots_are_exact() -> None:
    for item in QueueItem.objects.all():
        assert item.slots == max(0, item.remaining - item.leases.count())


def test_two_people_are_given_different_images_in_rank_order() -> None:
    made = queued(world(images=5))
    assert take(made, "annotator", 2) == made.images[:2]
    assert take(made, "reviewer", 2) == made.images[2:4]
    assert take(made, "annotator", 9) == made.images[4:]
    assert take(made, "owner", 9) == []
    assert_slots_are_exact()


def test_with_overlap_two_both_people_get_the_same_image_and_a_third_does_not() -> None:
    made = queued(world(images=1), overlap=2)
    assert [take(made, who, 5) for who in ("annotator", "reviewer", "owner")] == [made.images, made.images, []]


def test_nobody_is_asked_twice_about_the_same_image() -> None:
    made = queued(world(images=2, overlap=2), overlap=2)
    made.label(made.images[0], made.categories[0], by="annotator")
    assert take(made, "annotator", 5) == made.images[1:]
    assert take(made, "reviewer", 5) == made.images


def test_an_abandoned_lease_returns_to_the_queue_by_itself() -> None:
    made = queued(world(images=2))
    assert take(made, "annotator", 2, lease_s=0.05) == made.images
    assert take(made, "reviewer", 2) == []
    assert queue_empty_reason(project_id=made.project.pk) == "leased_by_others"
    time.sleep(0.1)
    assert take(made, "reviewer", 2) == made.images
    assert_slots_are_exact()


def test_only_the_holder_can_renew_or_release() -> None:
    made = queued(world(images=1))
    holder, other = made.people["annotator"].pk, made.people["reviewer"].pk
    token = leases_take(project_id=made.project.pk, user_id=holder, count=1)[0].token
    assert leases_renew(project_id=made.project.pk, user_id=other, tokens=[token]) == []
    assert leases_release(project_id=made.project.pk, user_id=other, tokens=[token]) == 0
    before = Lease.objects.get().lease_until
    assert leases_renew(project_id=made.project.pk, user_id=holder, tokens=[token], lease_s=900) == [token]
    assert Lease.objects.get().lease_until > before
    assert leases_release(project_id=made.project.pk, user_id=holder, tokens=[token]) == 1
    assert leases_release(project_id=made.project.pk, user_id=holder, tokens=[token]) == 0
    assert take(made, "reviewer", 1) == made.images
    assert_slots_are_exact()


def test_a_label_ends_its_lease_and_a_late_one_leaves_the_next_holder_alone() -> None:
    made = queued(world(images=1))
    take(made, "annotator", 1, lease_s=0.01)
    time.sleep(0.05)
    assert take(made, "reviewer", 1) == made.images
    assert made.label(made.images[0], made.categories[0], by="annotator").created
    item = QueueItem.objects.get()
    assert (item.remaining, item.slots, [lease.user.username for lease in item.leases.all()]) == (0, 0, ["reviewer"])
    assert made.label(made.images[0], made.categories[0], by="reviewer").created
    item.refresh_from_db()
    assert (item.remaining, item.slots, item.leases.count()) == (0, 0, 0)


def test_undo_gives_the_image_back_to_who_undid_it_and_to_nobody_else_meanwhile() -> None:
    made = queued(world(images=1))
    take(made, "annotator", 1)
    said = made.label(made.images[0], made.categories[0])
    made.label(made.images[0], kind="undo", undoes_id=said.id)
    item = QueueItem.objects.get()
    assert (item.remaining, item.slots, item.leases.get().user.username) == (1, 0, "annotator")
    assert take(made, "reviewer", 1) == []


def test_a_lease_costs_two_statements_however_long_the_queue(django_assert_num_queries: object) -> None:
    made = queued(world(images=40))
    with django_assert_num_queries(4):  # type: ignore[operator]  # with the two of the test's savepoint
        take(made, "annotator", 20)


def test_the_lease_reads_the_index_of_open_items_and_skips_leased_ones() -> None:
    made = queued(world(images=3))
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_sort = off")
        cursor.execute(
            "EXPLAIN SELECT id FROM labeling_queueitem q WHERE project_id = %s AND slots > 0 ORDER BY rank, id LIMIT 9"
            " FOR UPDATE SKIP LOCKED",
            [made.project.pk],
        )
        assert "queue_open" in "\n".join(row[0] for row in cursor.fetchall())


def test_reclaiming_twice_is_reclaiming_once() -> None:
    made = queued(world(images=3))
    take(made, "annotator", 3, lease_s=0.01)
    time.sleep(0.05)
    assert leases_reclaim(project_id=made.project.pk) == 3
    assert leases_reclaim(project_id=made.project.pk) == 0
    assert_slots_are_exact()


def test_a_project_without_any_ranking_is_filled_at_random_with_a_blind_share() -> None:
    made = world(images=200, blind_share=0.2)
    assert take(made, "annotator", 5) == []
    assert queue_top_up(project=made.project, user_id=made.people["annotator"].pk, count=5) > 100
    assert queue_top_up(project=made.project, user_id=made.people["annotator"].pk, count=5) == 0
    purposes = list(QueueItem.objects.order_by("rank").values_list("purpose", flat=True))
    share = purposes.count(Purpose.BLIND) / len(purposes)
    assert 0.1 < share < 0.3
    assert Purpose.BLIND in purposes[:40]  # spread among the rest, not heaped at an end


def test_while_an_unlabelled_image_exists_the_queue_finds_it() -> None:
    made = world(images=7, blind_share=0.5)
    seen: set[int] = set()
    while True:
        queue_top_up(project=made.project, user_id=made.people["annotator"].pk, count=2)
        got = take(made, "annotator", 2)
        if not got:
            break
        for image in got:
            made.label(image, made.categories[0])
        seen.update(got)
    assert seen == set(made.images)
    assert queue_empty_reason(project_id=made.project.pk) == "all_labeled"


def test_a_new_round_replaces_what_nobody_holds_and_keeps_what_somebody_does() -> None:
    made = queued(world(images=6))
    held = take(made, "annotator", 2)
    ranked = [Ranked(image, "margin") for image in reversed(made.images)]
    queue_top_up(project=made.project, user_id=made.people["annotator"].pk, count=1)
    round_id = round_create(project=made.project, function="margin", budget=6, pool_size=6, seed=1).pk
    queue_replace(project=made.project, round_id=round_id, ranked=ranked, seed=1)
    assert set(Lease.objects.values_list("item__image_id", flat=True)) == set(held)
    assert take(made, "reviewer", 9) == [image for image in reversed(made.images) if image not in held]


def test_why_the_queue_is_empty_is_said_truly() -> None:
    assert queue_empty_reason(project_id=world(images=0).project.pk) == "no_images"
    assert queue_empty_reason(project_id=world(images=1).project.pk) == "all_labeled"


def hand_back(made: World, holding: list[UUID], count: int = 50) -> list[Leased]:
    return leases_hand_back(
        project_id=made.project.pk, user_id=made.people["annotator"].pk, holding=holding, count=count
    )


def test_what_a_killed_tab_held_comes_back_to_its_person_under_a_new_token_and_for_longer() -> None:
    made = queued(world(images=3))
    take(made, "annotator", 2)
    before = {lease.item.image_id: lease for lease in Lease.objects.select_related("item")}
    again = hand_back(made, [])
    assert [item.image_id for item in again] == made.images[:2]
    assert all(item.token != before[item.image_id].token for item in again)
    assert all(item.lease_until > before[item.image_id].lease_until for item in again)
    assert take(made, "reviewer", 9) == made.images[2:]
    assert_slots_are_exact()


def test_what_the_tab_still_holds_is_not_dealt_again() -> None:
    made = queued(world(images=3))
    take(made, "annotator", 3)
    tokens = dict(Lease.objects.values_list("item__image_id", "token"))
    assert [item.image_id for item in hand_back(made, [tokens[made.images[0]], tokens[made.images[2]]])] == [
        made.images[1]
    ]


def test_a_label_under_the_old_token_of_a_lease_that_was_dealt_again_ends_it() -> None:
    made = queued(world(images=1))
    take(made, "annotator", 1)
    hand_back(made, [])
    made.label(made.images[0], made.categories[0])
    assert not Lease.objects.exists()
    assert_slots_are_exact()


def test_expired_leases_and_those_of_others_are_nobodys_to_hand_back() -> None:
    made = queued(world(images=2))
    take(made, "annotator", 1, lease_s=0.01)
    take(made, "reviewer", 1)
    time.sleep(0.05)
    assert hand_back(made, []) == []


def test_random_picks_go_on_where_they_ended_and_come_back_for_what_a_round_put_away(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("server.labeling.services.queue.TOP_UP", 5)
    made = world(images=23)
    seen: list[int] = []

    def pick() -> list[int]:
        queue_top_up(project=made.project, user_id=made.people["annotator"].pk, count=5)
        return list(QueueItem.objects.exclude(image_id__in=seen).values_list("image_id", flat=True))

    seen += pick()
    first = list(seen)
    QueueItem.objects.all().delete()  # as a round does that ranks other images
    for _ in range(4):
        before = len(seen)
        seen += pick()
        assert not set(first) & set(seen[before:])
        QueueItem.objects.exclude(image_id__in=first).update(slots=0, remaining=0)
    assert sorted(seen) == made.images  # all 23, and the first five only now
    pick()
    assert set(QueueItem.objects.filter(slots=1).values_list("image_id", flat=True)) == set(first)
