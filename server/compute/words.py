"""New classes across the seam: a trained head, words and confirmed vectors in; scores, figures and images out."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from server.compute.predict import TOP, PoolScores, background_of

if TYPE_CHECKING:
    from ml.heads.linear import LinearHead
    from ml.words import ClassWords, Described, WordsKit
    from ml.words.trial import Material

GROUND = 2_000
"""Images that new columns are leveled on."""
PER_CLASS = 80
"""Confirmed images of a class that a rehearsal looks at."""


@dataclass(frozen=True)
class Told:
    """What people wrote of a category."""

    names: tuple[str, ...]
    definition: str = ""
    sentences: tuple[str, ...] = ()
    attributes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Taught:
    """N classes of a head: what is told of each, `support` (S,) rows of the pool, `class_index` (S,), text vectors."""

    told: Sequence[Told]
    support: NDArray[np.integer[Any]]
    class_index: NDArray[np.int64]
    text: NDArray[np.float32] | None
    text_scale: float
    space: str


@dataclass(frozen=True)
class Newcomers:
    """U classes from words: what is told, text vectors (U, D) or None, and rows of confirmed images by position."""

    told: Sequence[Told]
    text: NDArray[np.float32] | None
    examples: Mapping[int, NDArray[np.integer[Any]]] = field(default_factory=dict)


@dataclass(frozen=True)
class Written:
    """`method` that wrote the newcomers; `figures` of it as measured, None before; by position what words weigh."""

    method: str
    figures: dict[str, Any] | None
    shares: list[float]


def gda_fit(vectors: NDArray[np.float16], taught: Taught, *, seed: int, folder: Path, categories: list[int]) -> None:
    """Fit Gaussian discriminants on the confirmed vectors and write them to `folder`."""
    from ml.heads import Examples, fit_head, save_head

    examples = Examples.of(
        np.asarray(vectors[taught.support], np.float32),
        taught.class_index,
        n_classes=len(taught.told),
        text=taught.text,
        text_scale=taught.text_scale,
        background=background_of(vectors, seed),
    )
    save_head(fit_head("gda", examples, seed=seed), folder, categories=categories, space=taught.space)


def pool_score(
    vectors: NDArray[np.float16],
    *,
    head: Path,
    kit: Path | None,
    kept: list[int],
    taught: Taught,
    new: Newcomers,
    seed: int,
) -> tuple[PoolScores, Written | None]:
    """Score the pool with the `kept` classes of a stored head and, after them, with classes from words.

    Raises:
        SpaceMismatchError: The head or the kit belongs to another encoder.
    """
    from ml.heads import predict_topk
    from ml.words.columns import Ground, grown, narrowed

    base = _head(head, taught.space)
    serving = base if kept == list(range(base.n_classes)) else narrowed(base, kept)
    written = None
    if new.told:
        ready = _ready_kit(vectors, base, kit, taught, seed)
        ground = Ground(base, _sample(vectors, seed))
        columns, written = _columns(vectors, ground, ready, taught, new)
        serving = grown(serving, columns)
    top = predict_topk(serving, vectors, k=TOP)
    scores = PoolScores(
        kind=base.kind,
        temperature=float(base.temperature),
        class_index=np.asarray(top.class_index, np.int32),
        probability=np.asarray(top.probability, np.float32),
        margin=np.asarray(top.margin, np.float32),
        entropy=np.asarray(top.entropy, np.float32),
    )
    return scores, written


def _columns(
    vectors: NDArray[np.float16], ground: Any, kit: "WordsKit", taught: Taught, new: Newcomers
) -> tuple[Any, Written]:
    described = _described(new.told, new.text, taught.space)
    examples = {i: _tensor(vectors[rows]) for i, rows in new.examples.items() if len(rows)}
    columns = kit.columns(ground, described, method=kit.best, examples=examples)
    known = kit.rehearsal.methods.get(kit.best)
    shares = [kit.share(len(examples.get(i, ()))) for i in range(len(new.told))]
    return columns, Written(kit.best, _figures(known), shares)


def _figures(known: Any) -> dict[str, Any] | None:
    from dataclasses import asdict

    return None if known is None else {k: v for k, v in asdict(known).items() if k != "offset"}


def kit_make(
    vectors: NDArray[np.float16], *, head: Path, taught: Taught, seed: int, folder: Path, check: Callable[[], None]
) -> dict[str, Any]:
    """Learn to write rows for this head, measure how well that works on its own classes, and keep both in `folder`.

    Returns the figures by method, the best of them, and how examples take over. Seconds to minutes.
    """
    from ml.words import fit_kit, save_kit

    base = _head(head, taught.space)
    kit = fit_kit(base, _material(vectors, taught, seed), seed=seed, check=check)
    save_kit(kit, folder)
    return kit.rehearsal.as_json()


@dataclass(frozen=True)
class Tried:
    """What one method makes of a description: images `taken`, and (row, probability) pairs surest and closest first."""

    method: str
    taken: int
    top: list[tuple[int, float]]
    border: list[tuple[int, float]]
    figures: dict[str, Any] | None


def words_try(
    vectors: NDArray[np.float16],
    *,
    head: Path,
    kit: Path | None,
    taught: Taught,
    new: Newcomers,
    show: int,
    blind: NDArray[np.bool_],
    seed: int,
) -> tuple[list[Tried], list[str], str]:
    """Every method on one description, notes on the description, and the method that would be used."""
    import torch

    from ml.words import notes_on
    from ml.words.columns import Columns, Ground
    from ml.words.pull import pulls

    base = _head(head, taught.space)
    ready = _ready_kit(vectors, base, kit, taught, seed)
    ground = Ground(base, _sample(vectors, seed))
    described = _described(new.told, new.text, taught.space)
    methods = ready.writers.methods
    each = [ready.columns(ground, described, method=method) for method in methods]
    texts = [one.text for one in each if one.text is not None]
    together = Columns(
        torch.cat([one.weight for one in each]),
        torch.cat(texts) if texts else None,
        torch.cat([one.bias for one in each]),
        ground.spread,
    )
    found = pulls(base, together, vectors, show=show, unseen=blind)
    tried = [
        Tried(
            method,
            pull.taken,
            list(zip(pull.top.tolist(), pull.top_probability.tolist(), strict=True)),
            list(zip(pull.border.tolist(), pull.border_probability.tolist(), strict=True)),
            _figures(ready.rehearsal.methods.get(method)),
        )
        for method, pull in zip(methods, found, strict=True)
    ]
    notes = notes_on(_words(new.told[0]), [_words(told) for told in taught.told])
    return tried, notes, ready.best


def words_warm(*, head: Path, kit: Path | None, space: str) -> None:
    """Load what the first description would wait for: the sentence encoder, the head, what was learned for it."""
    from ml.words import ClassWords, describe

    describe([ClassWords(("owl",))])
    _head(head, space)
    if kit is not None:
        _kit(kit, space)


@lru_cache(maxsize=4)
def _head(folder: Path, space: str) -> "LinearHead":
    from ml.heads import load_head
    from ml.words.columns import as_linear

    return as_linear(load_head(folder, space=space).head)


@lru_cache(maxsize=4)
def _kit(folder: Path, space: str) -> "WordsKit":
    from ml.words import load_kit

    return load_kit(folder, space=space)


def _ready_kit(
    vectors: NDArray[np.float16], base: "LinearHead", kit: Path | None, taught: Taught, seed: int
) -> "WordsKit":
    """The kit that was made ahead, or one made here and now, without Text2Model and without figures."""
    from ml.words import fit_kit

    if kit is not None:
        ready = _kit(kit, taught.space)
        if len(ready.writers.described) == base.n_classes:
            return ready
    return fit_kit(base, _material(vectors, taught, seed), seed=seed, rehearsed=False)


def _material(vectors: NDArray[np.float16], taught: Taught, seed: int) -> "Material":
    """At most `PER_CLASS` confirmed images of each class, drawn at random."""
    from ml.words.trial import Material

    order = np.random.default_rng(seed).permutation(len(taught.support))
    rank = np.empty(len(order), np.int64)
    for c in np.unique(taught.class_index):
        mine = order[taught.class_index[order] == c]
        rank[mine] = np.arange(len(mine))
    kept = np.flatnonzero(rank < PER_CLASS)
    return Material(
        vectors=_tensor(vectors[taught.support[kept]]),
        class_index=_tensor(taught.class_index[kept]).long(),
        described=_described(taught.told, taught.text, taught.space),
        background=_tensor(background_of(vectors, seed)),
        text_scale=taught.text_scale,
        with_text=taught.text is not None,
    )


def _described(told: Sequence[Told], text: NDArray[np.float32] | None, space: str) -> "Described":
    from ml.words import describe

    return describe([_words(one) for one in told], tower=None if text is None else _tensor(text), space=space)


def _words(told: Told) -> "ClassWords":
    from ml.words import ClassWords

    return ClassWords(told.names, told.definition, told.sentences, told.attributes)


def _sample(vectors: NDArray[np.float16], seed: int) -> Any:
    rows = np.arange(len(vectors))
    if len(vectors) > GROUND:
        rows = np.sort(np.random.default_rng(seed).choice(len(vectors), GROUND, replace=False))
    return _tensor(vectors[rows])


def _tensor(values: NDArray[Any]) -> Any:
    import torch

    tensor = torch.from_numpy(np.array(values))
    return tensor.float() if tensor.is_floating_point() else tensor


__all__ = [
    "Newcomers",
    "Taught",
    "Told",
    "Tried",
    "Written",
    "gda_fit",
    "kit_make",
    "pool_score",
    "words_try",
    "words_warm",
]
