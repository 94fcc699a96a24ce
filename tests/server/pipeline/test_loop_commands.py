"""Every station by command: dry, queued or in this process; wrong input exits non-zero and says what to do."""

import io

import pytest
from django.core.management import CommandError, call_command

from server.jobs.models import Job
from server.labeling.models import Consensus, QueueItem
from server.pipeline import flows
from server.registry.models import EncoderVersion
from tests.server.builders import with_vectors, world

pytestmark = pytest.mark.django_db
RUNS = ("embed_images", "predict_images", "run_acquisition")


def said(name: str, *args: str) -> str:
    out = io.StringIO()
    with flows.without_messages():
        call_command(name, *args, stdout=out)
    return out.getvalue()


@pytest.mark.parametrize("name", RUNS)
def test_a_dry_run_starts_nothing_and_a_run_queues_one_job(name: str) -> None:
    made = world()
    assert "dry run" in said(name, "--project", str(made.project.pk), "--dry-run")
    assert not Job.objects.exists()
    assert "is queued" in said(name, "--project", made.project.name)
    assert Job.objects.count() == 1


@pytest.mark.parametrize("name", RUNS)
def test_an_unknown_project_is_said_so(name: str) -> None:
    with pytest.raises(CommandError, match="no project"):
        said(name, "--project", "nowhere")


def test_acquisition_inline_fills_the_queue() -> None:
    made = with_vectors(world())
    options = ("--project", str(made.project.pk), "--inline", "--function", "random", "--seed", "7")
    assert "acquire done" in said("run_acquisition", *options)
    assert QueueItem.objects.count() == len(made.images)


def test_rebuilding_the_consensus_mends_what_is_wrong_and_a_dry_run_only_counts() -> None:
    made = world()
    made.label(made.images[0], made.categories[0])
    Consensus.objects.update(category=made.categories[1])
    project = ("--project", str(made.project.pk))
    assert "1 images" in said("rebuild_consensus", *project, "--dry-run")
    assert Consensus.objects.get().category_id == made.categories[1]
    assert "1 images" in said("rebuild_consensus", *project)
    assert Consensus.objects.get().category_id == made.categories[0]
    assert "0 images" in said("rebuild_consensus", *project)


def test_encoders_are_listed_and_an_impossible_one_is_refused_with_the_reason() -> None:
    assert "open_clip:ViT-B-32/laion2b_s34b_b79k" in said("list_encoders")
    with pytest.raises(CommandError, match="open_clip:NAME/TAG"):
        said("add_encoder", "nonsense")
    assert not EncoderVersion.objects.exists()
