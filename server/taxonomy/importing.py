"""Taxonomies from files: a tree in JSON, or the list that one would paste."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from server.accounts.models import User
from server.core.errors import InvalidInput, LimitReached
from server.core.text import clean_name, clean_text
from server.projects.models import Project
from server.taxonomy.models import Category, CategoryDescription, DescriptionKind
from server.taxonomy.selectors import categories_of
from server.taxonomy.services import LIMIT_CATEGORIES, clean_synonyms, revision

CHILDREN = ("categories", "families", "children")
TEXTS = {"prompts": DescriptionKind.PROMPT, "sentences": DescriptionKind.SENTENCE} | {
    "attributes": DescriptionKind.ATTRIBUTE
}


@dataclass
class Imported:
    """How many categories were made and how many were there already."""

    created: int = 0
    existing: int = 0


def taxonomy_import(*, project: Project, tree: Mapping[str, Any], author: User | None = None) -> Imported:
    """Make the categories of {"categories": [{name, key?, latin?, synonyms?, definition?, prompts?, sentences?,
    attributes?, children?}]}. What is there by key, or by name at the same place, is left as it is.

    Raises:
        InvalidInput: the file does not have this shape.
        LimitReached: more than 5,000 categories.
    """
    result = Imported()
    with revision(project=project, action="import", author=author) as record:
        known = list(categories_of(project))
        by_key = {category.external_key: category for category in known if category.external_key}
        by_place = {(category.parent_id, category.name.casefold()): category for category in known}
        _level(project, None, _children(tree), (by_key, by_place), result)
        record.update(created=result.created, existing=result.existing)
    return result


def _level(
    project: Project,
    parent: Category | None,
    entries: Sequence[Any],
    known: tuple[dict[str, Category], dict[tuple[int | None, str], Category]],
    result: Imported,
) -> None:
    by_key, by_place = known
    for position, entry in enumerate(entries):
        if not isinstance(entry, Mapping) or not isinstance(entry.get("name"), str):
            raise InvalidInput("A category needs a “name”; see the shape that import_taxonomy --help shows.")
        name = clean_name(entry["name"], what="A category's name", max_length=200)
        key = str(entry.get("key") or "")[:120]
        parent_id = parent.pk if parent else None
        category = by_key.get(key) or by_place.get((parent_id, name.casefold()))
        if category is None:
            if result.created + len(by_place) >= LIMIT_CATEGORIES:
                raise LimitReached(f"A taxonomy holds at most {LIMIT_CATEGORIES} categories.")
            category = _create(project, parent, name, key, position, entry)
            result.created += 1
        else:
            result.existing += 1
        by_place[parent_id, name.casefold()] = category
        _level(project, category, _children(entry), known, result)


def _create(
    project: Project, parent: Category | None, name: str, key: str, position: int, entry: Mapping[str, Any]
) -> Category:
    synonyms = [*_texts(entry, "synonyms"), *([entry["latin"]] if isinstance(entry.get("latin"), str) else [])]
    category: Category = Category.objects.create(
        project=project,
        parent=parent,
        name=name,
        external_key=key,
        position=position,
        synonyms=clean_synonyms(synonyms),
        definition=clean_text(str(entry.get("definition") or ""), max_length=10_000),
    )
    told = [(kind, text) for field, kind in TEXTS.items() for text in _texts(entry, field)]
    CategoryDescription.objects.bulk_create(
        CategoryDescription(
            category=category,
            kind=kind,
            text=clean_name(text, what="A description", max_length=2000),
            position=place,
        )
        for place, (kind, text) in enumerate(told)
    )
    return category


def _children(entry: Mapping[str, Any]) -> Sequence[Any]:
    for field in CHILDREN:
        if field in entry:
            children = entry[field]
            if not isinstance(children, list):
                raise InvalidInput(f"“{field}” must be a list of categories.")
            return children
    return []


def _texts(entry: Mapping[str, Any], field: str) -> list[str]:
    """A list of texts; a mapping (attribute → value) reads as "attribute: value"."""
    value = entry.get(field) or []
    if isinstance(value, Mapping):
        return [f"{name.replace('_', ' ')}: {text}" for name, text in value.items() if isinstance(text, str) and text]
    if not isinstance(value, list):
        raise InvalidInput(f"“{field}” must be a list of texts.")
    return [str(text) for text in value if str(text).strip()]
