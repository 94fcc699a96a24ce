"""A small byte-pair vocabulary in the file format of open_clip's `SimpleTokenizer`.

Source: Sennrich, Haddow, Birch, "Neural machine translation of rare words with subword units", ACL 2016, algorithm 1;
the counts of the pairs are kept up to date instead of being counted again for each merge.
"""

import gzip
import itertools
from collections import Counter, defaultdict
from collections.abc import Iterable
from pathlib import Path

import regex  # type: ignore[import-untyped]
from open_clip.tokenizer import bytes_to_unicode

WORD = regex.compile(r"'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+", regex.IGNORECASE)
HEADER = "#version: winnow demo"
Pair = tuple[str, str]


def vocabulary_size(merges: int) -> int:
    """Tokens of a tokenizer with so many merges: 256 bytes inside and 256 at the end of a word, start and end."""
    return 512 + merges + 2


def write_merges(texts: Iterable[str], path: Path, *, merges: int) -> None:
    """Learn `merges` byte-pair merges from `texts` and write them as gzip, the same bytes each time."""
    lines = "\n".join([HEADER, *(" ".join(pair) for pair in learn_merges(texts, merges=merges))])
    with path.open("wb") as raw, gzip.GzipFile(fileobj=raw, mode="wb", mtime=0, filename="") as packed:
        packed.write(lines.encode("utf-8"))


def learn_merges(texts: Iterable[str], *, merges: int) -> list[Pair]:
    """The most frequent pairs, each merged before the next is chosen; ties go to the pair first in the alphabet."""
    words = _spelled(texts)
    spelling, frequency = [list(word) for word in words], list(words.values())
    counts: Counter[Pair] = Counter()
    where: dict[Pair, set[int]] = defaultdict(set)
    for i, symbols in enumerate(spelling):
        for pair in itertools.pairwise(symbols):
            counts[pair] += frequency[i]
            where[pair].add(i)
    learned: list[Pair] = []
    while len(learned) < merges and counts:
        best = min(counts, key=lambda pair: (-counts[pair], pair))
        if counts[best] < 2:
            break
        learned.append(best)
        for i in where.pop(best):
            _merge(i, best, spelling, frequency, counts, where)
        del counts[best]
    return learned


def _spelled(texts: Iterable[str]) -> dict[tuple[str, ...], int]:
    letters = bytes_to_unicode()
    seen: Counter[tuple[str, ...]] = Counter()
    for text in texts:
        for word in WORD.findall(text.lower()):
            symbols = [letters[byte] for byte in word.encode("utf-8")]
            seen[(*symbols[:-1], symbols[-1] + "</w>")] += 1
    return dict(seen)


def _merge(
    i: int,
    best: Pair,
    spelling: list[list[str]],
    frequency: list[int],
    counts: Counter[Pair],
    where: dict[Pair, set[int]],
) -> None:
    old = spelling[i]
    for pair in itertools.pairwise(old):
        counts[pair] -= frequency[i]
    new, j = [], 0
    while j < len(old):
        if j + 1 < len(old) and (old[j], old[j + 1]) == best:
            new.append(old[j] + old[j + 1])
            j += 2
        else:
            new.append(old[j])
            j += 1
    spelling[i] = new
    for pair in itertools.pairwise(new):
        counts[pair] += frequency[i]
        where[pair].add(i)
