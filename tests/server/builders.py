"""Small real rows: a project with images, categories, people and, where asked for, vectors and predictions."""

import hashlib
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from django.db import connection, transaction

from server.accounts.models import User
from server.images.models import Image, ImageState
from server.labeling.models import Annotation
from server.labeling.services.annotations import Judgement, Recorded, annotation_create
from server.predictions.services import Scores, run_create, run_publish
from server.projects.models import Membership, Project, Role
from server.registry.models import EncoderVersion
from server.taxonomy.models import Category


@dataclass
class World:
    """A project and everything in it that a test names."""

    project: Project
    images: list[int]
    categories: list[int]
    people: dict[str, User] = field(default_factory=dict)
    space: EncoderVersion | None = None

    def label(self, image: int, category: int | None = None, *, by: str = "annotator", **said: object) -> Recorded:
        """One judgement through the service: a label where a category is given, else what `kind` says."""
        values = {"id": uuid.uuid4(), "image_id": image, "category_id": category, **said}
        reviewer = by in ("reviewer", "owner")
        judgement = Judgement(**values)  # type: ignore[arg-type]
        return annotation_create(
            judgement, project_id=self.project.pk, annotator_id=self.people[by].pk, as_reviewer=reviewer
        )

    def events(self) -> list[Annotation]:
        return list(Annotation.objects.filter(project=self.project).order_by("sequence"))


def person(name: str) -> User:
    user, _ = User.objects.get_or_create(username=name)
    return user


def world(
    *, images: int = 6, categories: Sequence[str] = ("owl", "fox", "elk"), blind_share: float = 0.0, overlap: int = 1
) -> World:
    """A project of ready images with one person of each role."""
    project = Project.objects.create(name=f"Wood {uuid.uuid4().hex[:6]}", blind_share=blind_share, overlap=overlap)
    rows = [
        Image(
            project=project,
            sha256=hashlib.sha256(f"{project.pk}/{i}".encode()).hexdigest(),
            byte_size=1000 + i,
            width=64,
            height=48,
            format="png",
            original_name=f"{i:05d}.png",
            state=ImageState.READY,
        )
        for i in range(images)
    ]
    made = World(
        project,
        [image.pk for image in Image.objects.bulk_create(rows, batch_size=2000)],
        [Category.objects.create(project=project, name=name, position=i).pk for i, name in enumerate(categories)],
    )
    for role in Role.values:
        made.people[role] = person(role)
        Membership.objects.create(project=project, user=made.people[role], role=role)
    made.people["outsider"] = person("outsider")
    return made


def with_vectors(made: World, vectors: np.ndarray | None = None, *, seed: int = 0) -> World:
    """Give every image a unit vector in a space of its own, and make that space the live one."""
    if vectors is None:
        vectors = np.random.default_rng(seed).normal(size=(len(made.images), 4))
    vectors = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    made.space = EncoderVersion.objects.create(
        name="test", fingerprint=uuid.uuid4().hex, dim=vectors.shape[1], has_text=False
    )
    with connection.cursor() as cursor:
        cursor.execute(
            f"CREATE TABLE embeddings_embedding_{made.space.pk} PARTITION OF embeddings_embedding"
            f" FOR VALUES IN ({made.space.pk})"
        )
        cursor.executemany(
            "INSERT INTO embeddings_embedding (space_id, image_id, project_id, vector)"
            " VALUES (%s, %s, %s, %s::halfvec)",
            [
                (made.space.pk, image, made.project.pk, str([round(float(x), 6) for x in vector]))
                for image, vector in zip(made.images, vectors, strict=True)
            ],
        )
    made.project.active_space = made.space
    made.project.save()
    return made


def predicted(made: World, told: Mapping[int, Sequence[int]]) -> World:
    """Publish a run that gives each named image its categories, best first, with halving probabilities."""
    if made.space is None:
        with_vectors(made)
    assert made.space is not None
    images = sorted(told)
    k = len(next(iter(told.values())))
    chances = np.asarray([0.5 ** (i + 1) for i in range(k)], np.float32)
    run = run_create(project=made.project, space=made.space, method="test", category_ids=made.categories, label_count=0)
    with transaction.atomic():
        assert run_publish(
            run,
            scores=Scores(
                image_ids=np.asarray(images, np.int64),
                categories=np.asarray([told[image] for image in images], np.int64),
                probabilities=np.tile(chances, (len(images), 1)),
                margin=np.full(len(images), 0.25, np.float32),
                entropy=np.full(len(images), 1.0, np.float32),
            ),
        )
    made.project.refresh_from_db()
    return made


def labeled(images: int = 30) -> World:
    """Every image has a label; categories take turns."""
    made = world(images=images)
    for position, image in enumerate(made.images):
        made.label(image, made.categories[position % 3])
    return made
