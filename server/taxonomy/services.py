"""Changing a taxonomy. Every change is one transaction and one numbered revision."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import F, Max
from django.db.models.functions import Now

from server.accounts.models import User
from server.core.errors import Conflict, InvalidInput, LimitReached
from server.core.events import publish
from server.core.text import clean_line, clean_name, clean_text
from server.projects.models import Project
from server.taxonomy.models import Category, CategoryDescription, DescriptionKind, TaxonomyRevision
from server.taxonomy.selectors import categories_of, category_of
from server.taxonomy.tree import descendants

LIMIT_CATEGORIES = 5000
LIMIT_SYNONYMS = 50
LIMIT_DESCRIPTIONS = 200

Descriptions = Sequence[dict[str, str]]
KEPT = ("name", "synonyms", "definition", "parent_id", "position", "overlap")
"""What a revision remembers of a category as it was before."""


@contextmanager
def revision(
    *, project: Project, action: str, author: User | None, payload: dict[str, Any] | None = None
) -> Iterator[dict[str, Any]]:
    """Around a change: one transaction, the next revision number, its record. Changes of a project queue up here.

    The body may add to the yielded payload. `project.taxonomy_revision` holds the new number afterwards.

    Raises:
        Conflict: a live sibling has the same name.
    """
    record = dict(payload or {})
    try:
        with transaction.atomic():
            Project.objects.filter(pk=project.pk).update(taxonomy_revision=F("taxonomy_revision") + 1)
            project.refresh_from_db(fields=["taxonomy_revision"])
            yield record
            TaxonomyRevision.objects.create(
                project=project, number=project.taxonomy_revision, action=action, payload=record, author=author
            )
            publish(project.pk, "taxonomy")
    except IntegrityError as error:
        if "category_name_once_among_siblings" not in str(error):
            raise
        raise Conflict("A category of this name is already there, at the same place in the tree.") from error


def category_create(
    *,
    project: Project,
    name: str,
    author: User | None = None,
    parent_id: int | None = None,
    synonyms: Sequence[str] = (),
    definition: str = "",
    descriptions: Descriptions = (),
    overlap: int | None = None,
) -> Category:
    """A new category, last among its siblings."""
    with revision(project=project, action="create", author=author) as record:
        if categories_of(project).count() >= LIMIT_CATEGORIES:
            raise LimitReached(f"A taxonomy holds at most {LIMIT_CATEGORIES} categories.")
        parent = _live_parent(project, parent_id)
        category: Category = Category.objects.create(
            project=project,
            parent=parent,
            name=clean_name(name, what="A category's name", max_length=200),
            synonyms=clean_synonyms(synonyms),
            definition=clean_text(definition, max_length=10_000),
            position=next_position(project, parent_id),
            overlap=overlap,
        )
        _descriptions_replace(category, descriptions)
        record.update(category=category.pk, name=category.name, parent=parent_id)
    return category


def category_update(
    *, project: Project, category_id: int, changes: dict[str, Any], author: User | None = None
) -> Category:
    """Rename, describe or move. `parent` may be None for the top; `position` counts among the new siblings."""
    with revision(project=project, action="update", author=author) as record:
        category = category_of(project, category_id)
        before = {key: getattr(category, key) for key in KEPT}
        if "name" in changes:
            category.name = clean_name(changes["name"], what="A category's name", max_length=200)
        if "synonyms" in changes:
            category.synonyms = clean_synonyms(changes["synonyms"])
        if "overlap" in changes:
            category.overlap = changes["overlap"]
        if "definition" in changes:
            category.definition = clean_text(changes["definition"], max_length=10_000)
        if "parent" in changes and changes["parent"] != category.parent_id:
            category.parent = _new_parent(project, category, changes["parent"])
            category.position = next_position(project, changes["parent"])
        category.save()
        if "position" in changes:
            _reposition(project, category, changes["position"])
        if "descriptions" in changes:
            _descriptions_replace(category, changes["descriptions"])
        record.update(category=category.pk, before=before, fields=sorted(changes))
    category.refresh_from_db()
    return category


def category_deprecate(*, project: Project, category_id: int, author: User | None = None) -> None:
    """Take a category and all below it out of use. Labels and history stay."""
    with revision(project=project, action="deprecate", author=author) as record:
        category = category_of(project, category_id)
        ids = descendants(categories_of(project).values_list("id", "parent_id"), category.pk)
        changed = Category.objects.filter(pk__in=ids, deprecated_at__isnull=True)
        record.update(category=category.pk, name=category.name, categories=sorted(changed.values_list("pk", flat=True)))
        changed.update(deprecated_at=Now())


def category_restore(*, project: Project, category_id: int, author: User | None = None) -> Category:
    """Put one category back into use.

    Raises:
        Conflict: its parent is deprecated, or its name has been taken meanwhile.
    """
    with revision(project=project, action="restore", author=author) as record:
        category = category_of(project, category_id)
        if category.parent_id and category.parent.deprecated_at:
            raise Conflict("Its parent is deprecated; restore that first.")
        category.deprecated_at = None
        category.save(update_fields=["deprecated_at"])
        record.update(category=category.pk, name=category.name)
    return category


def categories_ensure(*, project: Project, names: Sequence[str], author: User | None = None) -> dict[str, int]:
    """The id of a live category for each name: found by name, synonym or external key, else made at the top."""
    found = _known_names(project)
    missing = [name for name in dict.fromkeys(names) if clean_line(name, max_length=200).casefold() not in found]
    if missing:
        with revision(project=project, action="import", author=author) as record:
            found = _known_names(project)  # again, now that no other import can make them at the same time
            for name in missing:
                line = clean_name(name, what="A category's name", max_length=200)
                if line.casefold() in found:
                    continue
                if len(found) >= LIMIT_CATEGORIES:
                    raise LimitReached(f"A taxonomy holds at most {LIMIT_CATEGORIES} categories.")
                position = next_position(project, None)
                found[line.casefold()] = Category.objects.create(project=project, name=line, position=position).pk
            record.update(names=missing)
    return {name: found[clean_line(name, max_length=200).casefold()] for name in names}


def _known_names(project: Project) -> dict[str, int]:
    """Casefolded name → id. Names win over synonyms, and those over external keys."""
    known: dict[str, int] = {}
    live = list(categories_of(project).filter(deprecated_at__isnull=True).order_by("pk"))
    keys = [(category.external_key, category.pk) for category in live if category.external_key]
    synonyms = [(synonym, category.pk) for category in live for synonym in category.synonyms]
    for name, pk in [*keys, *synonyms, *((category.name, category.pk) for category in live)]:
        known[name.casefold()] = pk
    return known


def clean_synonyms(synonyms: Sequence[str]) -> list[str]:
    """Without empties and repeats, in the given order.

    Raises:
        LimitReached: more than 50.
    """
    lines = [clean_line(synonym, max_length=200) for synonym in synonyms]
    first: dict[str, str] = {}
    for line in lines:
        first.setdefault(line.casefold(), line)
    first.pop("", None)
    unique = list(first.values())
    if len(unique) > LIMIT_SYNONYMS:
        raise LimitReached(f"A category has at most {LIMIT_SYNONYMS} synonyms.")
    return unique


def next_position(project: Project, parent_id: int | None) -> int:
    last = categories_of(project).filter(parent_id=parent_id).aggregate(last=Max("position"))["last"]
    return 0 if last is None else last + 1


def _live_parent(project: Project, parent_id: int | None) -> Category | None:
    if parent_id is None:
        return None
    parent = category_of(project, parent_id)
    if parent.deprecated_at:
        raise Conflict("The parent is deprecated; restore it or choose another.")
    return parent


def _new_parent(project: Project, category: Category, parent_id: int | None) -> Category | None:
    parent = _live_parent(project, parent_id)
    if parent and parent.pk in descendants(categories_of(project).values_list("id", "parent_id"), category.pk):
        raise InvalidInput("A category cannot be moved below itself.")
    return parent


def _reposition(project: Project, category: Category, position: int) -> None:
    siblings = list(categories_of(project).filter(parent_id=category.parent_id).exclude(pk=category.pk))
    siblings.insert(max(0, min(position, len(siblings))), category)
    for place, sibling in enumerate(siblings):
        sibling.position = place
    Category.objects.bulk_update(siblings, ["position"])


def _descriptions_replace(category: Category, descriptions: Descriptions) -> None:
    if len(descriptions) > LIMIT_DESCRIPTIONS:
        raise LimitReached(f"A category has at most {LIMIT_DESCRIPTIONS} descriptions.")
    CategoryDescription.objects.filter(category=category).delete()
    rows = [
        CategoryDescription(
            category=category,
            kind=DescriptionKind(description["kind"]),
            text=clean_name(description["text"], what="A description", max_length=2000),
            position=place,
        )
        for place, description in enumerate(descriptions)
    ]
    CategoryDescription.objects.bulk_create(rows)
