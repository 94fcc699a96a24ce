"""A pasted list of names becomes a tree: one name a line, indentation makes children.

Barn owls
    Barn owl | Tyto alba, screech owl | pale heart-shaped face
    Grass owl
"""

import re
from dataclasses import dataclass, field
from typing import Any

from django.db import transaction

from server.accounts.models import User
from server.core.errors import InvalidInput, LimitReached
from server.core.text import clean_name, clean_text
from server.projects.models import Project
from server.taxonomy.models import Category
from server.taxonomy.selectors import categories_of
from server.taxonomy.services import LIMIT_CATEGORIES, clean_synonyms, revision

LIMIT_DEPTH = 12
TAB_WIDTH = 4
BULLET = re.compile(r"^(?:[-*•]\s+)")


@dataclass(frozen=True)
class Line:
    """One pasted line. `parent` is the index of the line above it in the tree, or None at the top."""

    number: int
    name: str
    synonyms: list[str]
    definition: str
    parent: int | None


@dataclass
class BulkResult:
    """What a paste makes, finds already there, and cannot read. Names are paths."""

    created: list[str] = field(default_factory=list)
    existing: list[str] = field(default_factory=list)
    problems: list[dict[str, Any]] = field(default_factory=list)
    revision: int = 0


def parse(text: str) -> tuple[list[Line], list[dict[str, Any]]]:
    """Lines in order, and a problem for each that cannot be read; the lines below such a one stay in place."""
    lines: list[Line] = []
    problems: list[dict[str, Any]] = []
    stack: list[tuple[int, int]] = []  # (indentation, index in lines)
    for number, raw in enumerate(text.expandtabs(TAB_WIDTH).splitlines(), start=1):
        if not raw.strip():
            continue
        if len(lines) >= LIMIT_CATEGORIES:
            problems.append({"line": number, "message": f"More than {LIMIT_CATEGORIES} lines; the rest was not read."})
            break
        indentation = len(raw) - len(raw.lstrip())
        while stack and stack[-1][0] >= indentation:
            stack.pop()
        try:
            if len(stack) >= LIMIT_DEPTH:
                raise InvalidInput(f"Deeper than {LIMIT_DEPTH} levels.")
            lines.append(_line(number, raw.strip(), stack[-1][1] if stack else None))
        except (InvalidInput, LimitReached) as error:
            problems.append({"line": number, "message": error.message})
            continue
        stack.append((indentation, len(lines) - 1))
    return lines, problems


def _line(number: int, text: str, parent: int | None) -> Line:
    name, _, rest = BULLET.sub("", text).partition("|")
    synonyms, _, definition = rest.partition("|")
    return Line(
        number,
        clean_name(name, what="A category's name", max_length=200),
        clean_synonyms(synonyms.split(",")),
        clean_text(definition, max_length=10_000),
        parent,
    )


def categories_paste(*, project: Project, text: str, author: User | None = None, dry_run: bool = False) -> BulkResult:
    """Make the categories of a pasted list. Pasting it again makes nothing; a dry run shows what would be made."""
    lines, problems = parse(text)
    result = BulkResult(problems=problems)
    with transaction.atomic():
        if not lines:
            result.revision = project.taxonomy_revision
            return result
        before = project.taxonomy_revision
        with revision(project=project, action="paste", author=author) as record:
            _apply(project, lines, result)
            record.update(created=result.created)
        if dry_run or not result.created:
            transaction.set_rollback(True)
            project.taxonomy_revision = before
    result.revision = project.taxonomy_revision
    return result


def _apply(project: Project, lines: list[Line], result: BulkResult) -> None:
    """Level by level, so that a thousand lines cost a dozen queries."""
    known, last = _known(project)
    found: dict[int, Category] = {}
    paths: dict[int, str] = {}
    if len(known) + len(lines) > LIMIT_CATEGORIES:
        raise LimitReached(f"A taxonomy holds at most {LIMIT_CATEGORIES} categories.")
    level = [index for index, line in enumerate(lines) if line.parent is None]
    while level:
        fresh: list[Category] = []
        for index in level:
            line = lines[index]
            parent = found[line.parent] if line.parent is not None else None
            parent_id = parent.pk if parent else None
            paths[index] = line.name if line.parent is None else f"{paths[line.parent]} › {line.name}"
            key = (parent_id, line.name.casefold())
            if key in known:
                result.existing.append(paths[index])
            else:
                last[parent_id] = last.get(parent_id, -1) + 1
                known[key] = Category(
                    project=project,
                    parent=parent,
                    name=line.name,
                    synonyms=line.synonyms,
                    definition=line.definition,
                    position=last[parent_id],
                )
                fresh.append(known[key])
                result.created.append(paths[index])
            found[index] = known[key]
        Category.objects.bulk_create(fresh)
        here = set(level)
        level = [index for index, line in enumerate(lines) if line.parent in here]


def _known(project: Project) -> tuple[dict[tuple[int | None, str], Category], dict[int | None, int]]:
    known: dict[tuple[int | None, str], Category] = {}
    last: dict[int | None, int] = {}
    for category in categories_of(project):
        last[category.parent_id] = max(category.position, last.get(category.parent_id, -1))
        if category.deprecated_at is None:
            known[category.parent_id, category.name.casefold()] = category
    return known, last
