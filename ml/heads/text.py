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
# What examples may weigh beside text, and how many of them it takes to be heard.
BLEND_WEIGHTS = (0.0, 0.1, 0.2, 0.3, 0.5, 1.0, 2.0)
BLEND_COUNTS = (0.5, 1.0, 2.0, 4.0, 8.0)


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


def fit_text_blend(examples: Examples) -> LinearHead:
    """Zero-shot logits plus what the examples add: s x·t_c + α x̃·Σx̃_c / (K_c + κ), with x̃ centered.

    The cache term is Tip-Adapter's (Zhang et al. 2022) with a linear kernel, shrunk by κ so that a class of few
    examples leans on its text and one without has its text alone. α, in units of the encoder's scale, and κ are chosen
    by leave-one-out likelihood among values that include α = 0: where the names are worth more than the labels, the
    labels only set the temperature.
    """
    text = examples.require_text()
    features = centered(examples)
    mapped = features(examples.support)
    sums, counts = class_sums(mapped, examples.class_index, n_classes=examples.n_classes)
    said = examples.text_scale * examples.support @ text.T
    own = torch.arange(len(mapped), device=mapped.device), examples.class_index
    fits = []
    for kappa in BLEND_COUNTS:
        cache = mapped @ (sums / (counts + kappa)[:, None]).T
        without = ((sums[own[1]] - mapped) * mapped).sum(dim=1) / (counts[own[1]] - 1 + kappa)
        cache[own] = without
        for alpha in BLEND_WEIGHTS:
            held_out = said + alpha * examples.text_scale * cache
            fitted = fit_temperature(held_out, examples.class_index)
            loss = float(mean_nll(held_out, examples.class_index, temperature=fitted)) if len(mapped) else 0.0
            fits.append((loss, alpha, kappa, float(fitted)))
    _, alpha, kappa, temperature = min(fits)
    return LinearHead(
        kind="text-blend",
        temperature=temperature,
        features=features,
        weight=alpha * examples.text_scale * sums / (counts + kappa)[:, None],
        bias=text.new_zeros(len(text)),
        text=examples.text_scale * text,
    )
