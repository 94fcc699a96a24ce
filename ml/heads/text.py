"""Heads that start from words: zero-shot, and prototypes with text as their prior.

Zero-shot is Radford et al., "Learning Transferable Visual Models From Natural Language Supervision" (2021); the
vectors of a class's prompts are normalized, averaged and normalized again by `ml.encoders.prompts`.
"""

import torch

from ml.heads.base import Examples
from ml.heads.calibration import fit_temperature, mean_nll
from ml.heads.features import FeatureMap, centered, class_sums, unit
from ml.heads.linear import LinearHead
from ml.heads.prototypes import PrototypeHead, leave_one_out_logits

# Pseudo-examples that a class's text is worth; one, until enough labels tell.
PRIOR_COUNTS = (0.25, 0.5, 1.0, 2.0, 4.0, 8.0)
DEFAULT_PRIOR_COUNT = 1.0


def random_words(count: int, *, generator: torch.Generator) -> list[str]:
    """Made-up words for the control of Roth et al., "Waffling around for Performance" (2023).

    Where descriptions beat prompts that carry these instead, the descriptions carry content.
    """
    consonants, vowels = "bdfgklmnprstvz", "aeiou"

    def letter(letters: str) -> str:
        return letters[int(torch.randint(len(letters), (1,), generator=generator))]

    def syllables() -> int:
        return int(torch.randint(2, 4, (1,), generator=generator))

    return ["".join(letter(consonants) + letter(vowels) for _ in range(syllables())) for _ in range(count)]


def fit_zero_shot(examples: Examples) -> LinearHead:
    """Cosine to text times the encoder's own scale. Labels, where there are any, only set the temperature."""
    text = examples.require_text()
    logits = examples.text_scale * examples.support @ text.T
    return LinearHead(
        kind="zero-shot",
        temperature=float(fit_temperature(logits, examples.class_index)),
        features=FeatureMap(mean=None),
        weight=examples.text_scale * text,
        bias=text.new_zeros(len(text)),
    )


def fit_text_prototypes(examples: Examples) -> PrototypeHead:
    """Prototypes whose text counts as some examples: μ = (Σ x + κ t) / (K + κ), so it fades as labels arrive.

    κ is chosen by leave-one-out likelihood, and is 1 until a class has two examples. Text is centered on its own mean
    over classes, because the two kinds of vectors lie apart in one space. Classes without examples are allowed.
    """
    text = examples.require_text()
    features = centered(examples)
    prior = unit(text - text.mean(dim=0)) if len(text) > 1 else unit(text)
    mapped = features(examples.support)
    sums, counts = class_sums(mapped, examples.class_index, n_classes=examples.n_classes)
    usable = counts[examples.class_index] > 1
    target = examples.class_index[usable]
    fits = []
    for kappa in PRIOR_COUNTS if bool(usable.any()) else (DEFAULT_PRIOR_COUNT,):
        blended, pseudo = sums + kappa * prior, counts + kappa
        held_out = leave_one_out_logits(mapped[usable], target, sums=blended, counts=pseudo, euclidean=False)
        fitted = fit_temperature(held_out, target)
        loss = mean_nll(held_out, target, temperature=fitted)
        fits.append((float(loss), float(fitted), blended, pseudo))
    _, temperature, blended, pseudo = min(fits, key=lambda fit: fit[0])
    return PrototypeHead(
        kind="text-prototypes",
        temperature=temperature,
        features=features,
        sums=blended,
        counts=pseudo,
        euclidean=False,
    )
