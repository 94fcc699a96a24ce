"""A run is nobody's business until it is whole; then it is everybody's at once."""

import numpy as np
import pytest

from server.core import sql
from server.predictions.models import Prediction, PredictionRun
from server.predictions.prompts import prompts_of, text_vectors_known, text_vectors_store
from server.predictions.services import partition_name, runs_prune
from server.taxonomy.models import Category, CategoryDescription
from tests.server.builders import predicted, with_vectors, world

pytestmark = pytest.mark.django_db


def test_a_published_run_is_the_live_one_and_reads_back_as_written() -> None:
    made = with_vectors(world(images=2))
    owl, fox, elk = made.categories
    predicted(made, {made.images[0]: [owl, fox], made.images[1]: [elk, owl]})
    row = Prediction.objects.get(run=made.project.active_run, image=made.images[1])
    assert (row.category_id, row.top_categories) == (elk, [elk, owl])
    assert (row.probability, row.top_probabilities, row.margin, row.entropy) == (0.5, [0.5, 0.25], 0.25, 1.0)
    assert made.project.active_run is not None
    assert made.project.active_run.image_count == 2


def test_a_slow_run_never_replaces_a_newer_one_and_old_tables_go() -> None:
    made = with_vectors(world(images=1))
    told = {made.images[0]: made.categories}
    for _ in range(4):
        predicted(made, told)
    runs = list(PredictionRun.objects.order_by("pk").values_list("pk", flat=True))
    assert made.project.active_run_id == runs[-1]
    assert runs_prune(project=made.project) == 2
    exists = [sql.fetch_value("SELECT to_regclass(%s) IS NOT NULL", [partition_name(run)]) for run in runs]
    assert exists == [False, False, True, True]
    assert runs_prune(project=made.project) == 0


def test_a_table_that_another_job_drops_at_the_same_moment_stops_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    made = with_vectors(world(images=1))
    for _ in range(4):
        predicted(made, {made.images[0]: made.categories})
    ask = sql.fetch_value

    def overtaken(statement: str, params: list[str]) -> object:
        found = ask(statement, params)
        if found is not None:
            sql.execute(f"DROP TABLE {params[0]}")
        return found

    monkeypatch.setattr(sql, "fetch_value", overtaken)
    assert runs_prune(project=made.project) == 2


def test_a_run_of_a_space_that_no_longer_serves_is_not_made_live() -> None:
    made = with_vectors(world(images=1))
    predicted(made, {made.images[0]: made.categories})
    old_space, live = made.space, made.project.active_run_id
    with_vectors(made)
    made.space = old_space
    with pytest.raises(AssertionError):
        predicted(made, {made.images[0]: made.categories})
    made.project.refresh_from_db()
    assert made.project.active_run_id == live


def test_the_prompts_of_a_category_are_its_names_in_every_template_and_its_own_sentences() -> None:
    made = world(categories=["stag"])
    made.project.templates, made.project.concept = ["a photo of a {}."], "beetle"
    stag = Category.objects.get()
    stag.synonyms = ["Lucanus"]
    CategoryDescription.objects.create(category=stag, kind="sentence", text="It has antlers.")
    CategoryDescription.objects.create(category=stag, kind="attribute", text="antlers")
    prompts = prompts_of(stag, project=made.project)
    assert prompts.texts == [
        "a photo of a stag, a kind of beetle.",
        "a photo of a Lucanus, a kind of beetle.",
        "It has antlers.",
    ]


def test_a_text_vector_is_encoded_again_only_when_its_words_change() -> None:

    made = with_vectors(world(categories=["owl"]))
    assert made.space is not None
    owl = Category.objects.get()
    prompts = prompts_of(owl, project=made.project)
    assert text_vectors_known(space=made.space, prompts=[prompts]) == ({}, [prompts])
    vector = np.asarray([1, 0, 0, 0], np.float32)
    text_vectors_store(space=made.space, prompts=[prompts], vectors={owl.pk: vector})
    text_vectors_store(space=made.space, prompts=[prompts], vectors={owl.pk: vector})
    known, missing = text_vectors_known(space=made.space, prompts=[prompts])
    assert (known[owl.pk].tolist(), missing) == ([1, 0, 0, 0], [])
    owl.synonyms = ["hooter"]
    changed = prompts_of(owl, project=made.project)
    assert text_vectors_known(space=made.space, prompts=[changed]) == ({}, [changed])
