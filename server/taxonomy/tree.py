"""The shape of a taxonomy: order, depth, paths and colors, from one query and no recursion in SQL."""

from collections.abc import Iterable
from dataclasses import dataclass

from server.taxonomy.models import Category

SEPARATOR = " › "
FULL_CIRCLE = 360


@dataclass(frozen=True)
class Node:
    """A category in its place. `hue` follows the position in the tree, so that relatives look alike."""

    category: Category
    depth: int
    path: str
    hue: int


def walk(categories: Iterable[Category]) -> list[Node]:
    """Parents before children, siblings by position. Leaves share the color circle evenly in that order."""
    children: dict[int | None, list[Category]] = {}
    for category in sorted(categories, key=lambda item: (item.position, item.pk)):
        children.setdefault(category.parent_id, []).append(category)
    order: list[tuple[Category, int, str]] = []
    stack = [(category, 0, category.name) for category in reversed(children.get(None, []))]
    while stack:
        category, depth, path = stack.pop()
        order.append((category, depth, path))
        below = reversed(children.get(category.pk, []))
        stack.extend((child, depth + 1, path + SEPARATOR + child.name) for child in below)
    leaves = max(1, sum(category.pk not in children for category, _, _ in order))
    nodes, leaf = [], 0
    for category, depth, path in order:
        nodes.append(Node(category, depth, path, round(FULL_CIRCLE * leaf / leaves) % FULL_CIRCLE))
        leaf += category.pk not in children
    return nodes


def descendants(parents: Iterable[tuple[int, int | None]], root_id: int) -> set[int]:
    """Ids of a category and everything below it, from (id, parent id) of each."""
    children: dict[int | None, list[int]] = {}
    for child, parent in parents:
        children.setdefault(parent, []).append(child)
    found, stack = set(), [root_id]
    while stack:
        current = stack.pop()
        found.add(current)
        stack.extend(child for child in children.get(current, []) if child not in found)
    return found
