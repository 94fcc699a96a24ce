"""New classes from words alone, on top of a trained head: three ways to write a row, and how far to trust each."""

from ml.words.columns import grown
from ml.words.describe import TEXT_SPACE, ClassWords, Described, describe, notes_on
from ml.words.kit import WordsKit, fit_kit
from ml.words.store import load_kit, save_kit
from ml.words.writers import METHODS, Writers, fit_writers

__all__ = [
    "METHODS",
    "TEXT_SPACE",
    "ClassWords",
    "Described",
    "WordsKit",
    "Writers",
    "describe",
    "fit_kit",
    "fit_writers",
    "grown",
    "load_kit",
    "notes_on",
    "save_kit",
]
