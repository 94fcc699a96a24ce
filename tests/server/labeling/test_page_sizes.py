"""A page's size is earned: few strikes let it grow, a known-wrong tile that was missed halves it."""

import uuid
from types import SimpleNamespace
from typing import Any

import pytest

from server.labeling.models import PageSkill
from server.labeling.page_selectors import singles_beside
from server.labeling.services.page_options import PageOptions
from server.labeling.services.page_sizes import (
    SMALLEST,
    START,
    Looked,
    records_of,
    size_after,
    size_first,
    size_learn,
    sizes_for,
)
from tests.server.builders import world

OPTIONS = PageOptions(attention_share=0.05, size_max=48, lease_s=300)


def looked(judged: int, struck: int = 0, *, planted: int = 0, caught: int = 0) -> Looked:
    return Looked(judged=judged, struck=struck, planted=planted, caught=caught)


@pytest.mark.parametrize(
    ("size", "page", "proven", "after"),
    [
        (16, looked(16), 0, 24),  # nothing struck: half as much again
        (16, looked(16, 1), 0, 24),  # one of sixteen is rare
        (16, looked(16, 3), 0, 16),  # some: as it was
        (16, looked(16, 6), 0, 12),  # many: three quarters
        (24, looked(24), 0, 24),  # unproven attention stops at 24
        (24, looked(23, planted=1, caught=1), 1, 36),  # proven goes on
        (40, looked(40), 3, 48),  # to the project's limit
        (16, looked(15, planted=1), 0, 8),  # missed: half
        (7, looked(7, planted=1), 0, SMALLEST),
        (32, looked(5), 2, 32),  # a page that was not full proves nothing
        (16, looked(0), 0, 16),
    ],
)
def test_the_next_page_is_as_large_as_the_last_one_earned(size: int, page: Looked, proven: int, after: int) -> None:
    assert size_after(size, looked=page, proven=proven, options=OPTIONS) == after


def test_where_no_tile_is_known_wrong_few_strikes_are_proof_enough() -> None:
    without = PageOptions(attention_share=0.0, size_max=48, lease_s=300)
    assert size_after(24, looked=looked(24), proven=0, options=without) == 36


@pytest.mark.django_db
def test_each_person_has_a_record_for_each_category_and_a_miss_begins_the_proof_anew() -> None:
    made = world(images=1)
    owl, fox, _ = made.categories
    mine = {"project_id": made.project.pk, "user_id": made.people["annotator"].pk, "options": OPTIONS}

    def learn(category: int, page: Looked) -> tuple[int, int]:
        return size_learn(category_id=category, looked=page, **mine)

    assert learn(owl, looked(15, planted=1, caught=1)) == (START, 24)
    assert learn(owl, looked(23, planted=1, caught=1)) == (24, 36)
    assert learn(owl, looked(35, planted=1)) == (36, 18)
    assert PageSkill.objects.get(category_id=owl).proven == 0
    assert sizes_for(category_ids=[owl, fox], **mine) == {owl: 18, fox: START}
    told = records_of(project_id=made.project.pk, options=OPTIONS)
    assert (told[owl].reliability, told[owl].size) == (1.0, 18)
    learn(fox, looked(10, 4))
    assert records_of(project_id=made.project.pk, options=OPTIONS)[fox].reliability == pytest.approx(0.6)


def test_a_new_category_begins_with_what_others_have_earned_as_far_as_that_goes_unproven() -> None:
    assert size_first([48, 48]) == START  # two say little
    assert size_first([12, 12, 48]) == 12
    assert size_first([18, 36, 48]) == size_first([20, 24, 48]) == 24


@pytest.mark.django_db
def test_single_images_are_the_blind_share_of_the_tiles_on_average() -> None:
    made = world(images=1, blind_share=0.1)

    def pages(seed: int, *sizes: int) -> list[Any]:
        return [SimpleNamespace(id=uuid.UUID(int=seed), tiles=[0] * size) for size in sizes]

    counts = [singles_beside(pages(seed, 12, 13), project=made.project) for seed in range(400)]
    assert set(counts) == {2, 3}
    assert sum(counts) / len(counts) == pytest.approx(2.5, abs=0.1)
    assert singles_beside([], project=made.project) == 0
    assert singles_beside(pages(1, 50), project=world(images=1, blind_share=0.0).project) == 0
