"""A certificate for each category, and an honest "not certified" for the rest.

Each category's part of a lot is a claim of its own, tested on the audits that fell into it. All claims hold together:
Holm's correction (1979) divides the doubt among them. A category too small for a proof of its own joins its siblings
under their parent, as far up as it takes; what is left at the root without a proof is not certified.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ml.errors import ShapeError
from ml.evaluation.bounds import TRUTH, AuditorError, remainder_p_values
from ml.evaluation.certify import Goal, remainder_upper


@dataclass(frozen=True)
class CategoryAudit:
    """Of a lot: `size` labels of one category, of which `audited` were looked at and `errors` were wrong."""

    category: int
    size: int
    audited: int
    errors: int


@dataclass(frozen=True)
class CategoryVerdict:
    """What can be said of `categories` together. `bound` holds for this claim alone, `certified` for all at once.

    `node` is the category itself or the parent under which small ones were pooled (None: all that has no parent).
    """

    node: int | None
    categories: tuple[int, ...]
    size: int
    audited: int
    errors: int
    bound: float
    certified: bool
    reason: str


def certify_categories(
    audits: Sequence[CategoryAudit],
    *,
    goal: Goal,
    parents: Mapping[int, int | None],
    auditors: AuditorError = TRUTH,
) -> list[CategoryVerdict]:
    """A verdict for each category or pool of small ones, in order of category.

    A category is small where it could not be proved at the corrected level even if every audit of it were right; who
    is small depends on how many were looked at, never on the answers.

    Raises:
        ShapeError: More errors than audits, or more audits than labels.
    """
    for one in audits:
        if not 0 <= one.errors <= one.audited <= one.size:
            raise ShapeError(f"category {one.category}: expected errors ≤ audited ≤ size, got {one}")
    groups = _pooled([one for one in audits if one.size], goal=goal, parents=parents)
    p_values = remainder_p_values(
        np.array([sum(one.errors for one in group) for _, group in groups], dtype=np.int64),
        audited=np.array([sum(one.audited for one in group) for _, group in groups], dtype=np.int64),
        size=np.array([sum(one.size for one in group) for _, group in groups], dtype=np.int64),
        target=goal.error,
        auditors=auditors,
    )
    proved = holm([float(p) for p in p_values], doubt=1 - goal.level)
    verdicts = [
        _verdict(node, group, certified=certified, goal=goal, auditors=auditors)
        for (node, group), certified in zip(groups, proved, strict=True)
    ]
    return sorted(verdicts, key=lambda verdict: verdict.categories)


def holm(p_values: Sequence[float], *, doubt: float) -> list[bool]:
    """Which claims hold together but for `doubt`: the smallest p against doubt / n, the next doubt / (n - 1)."""
    proved = [False] * len(p_values)
    for rank, at in enumerate(sorted(range(len(p_values)), key=lambda index: p_values[index])):
        if p_values[at] > doubt / (len(p_values) - rank):
            break
        proved[at] = True
    return proved


def _pooled(
    audits: list[CategoryAudit], *, goal: Goal, parents: Mapping[int, int | None]
) -> list[tuple[int | None, list[CategoryAudit]]]:
    """Groups large enough for a proof; smaller ones move up to their parent together until they are, or end at None."""
    doubt = (1 - goal.level) / max(len(audits), 1)
    waiting: dict[int | None, list[CategoryAudit]] = {one.category: [one] for one in audits}
    done: list[tuple[int | None, list[CategoryAudit]]] = []
    while waiting:
        moved: dict[int | None, list[CategoryAudit]] = {}
        for node, group in waiting.items():
            if node is None or _could_pass(group, goal=goal, doubt=doubt):
                done.append((node, group))
            else:
                moved.setdefault(parents.get(node), []).extend(group)
        waiting = moved
    return done


def _could_pass(group: list[CategoryAudit], *, goal: Goal, doubt: float) -> bool:
    audited, size = sum(one.audited for one in group), sum(one.size for one in group)
    spotless = remainder_p_values(np.array([0]), audited=np.array([audited]), size=np.array([size]), target=goal.error)
    return bool(spotless[0] <= doubt)


def _verdict(
    node: int | None, group: list[CategoryAudit], *, certified: bool, goal: Goal, auditors: AuditorError
) -> CategoryVerdict:
    size, audited, errors = (sum(getattr(one, name) for one in group) for name in ("size", "audited", "errors"))
    bound = remainder_upper(errors, audited=audited, size=size, level=goal.level, auditors=auditors)
    if certified:
        reason = "certified"
    elif not audited:
        reason = "no audits"
    elif errors / audited > goal.error:
        reason = "too many errors"
    else:
        reason = "too few audits"
    return CategoryVerdict(
        node=node,
        categories=tuple(sorted(one.category for one in group)),
        size=size,
        audited=audited,
        errors=errors,
        bound=bound,
        certified=certified,
        reason=reason,
    )
