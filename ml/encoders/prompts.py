"""Class names and descriptions to one text vector a class."""

from collections.abc import Mapping, Sequence

import numpy as np

from ml.encoders.encoder import Encoder
from ml.encoders.forward import Vectors
from ml.errors import ConfigError, EmptyClassError

PLAIN_TEMPLATES = ("a photo of a {}.",)
"""One template: enough for long descriptions and for a first look."""

TEMPLATES = (
    "a photo of a {}.",
    "a blurry photo of a {}.",
    "a close-up photo of a {}.",
    "a bright photo of a {}.",
    "a dark photo of a {}.",
    "a photo of the large {}.",
    "a photo of the small {}.",
)
"""The default ensemble: the subject near and far, light and dark, sharp and not."""


def class_prompts(
    names: Sequence[str],
    *,
    templates: Sequence[str] = TEMPLATES,
    concept: str | None = None,
    descriptions: Mapping[str, Sequence[str]] | None = None,
) -> list[list[str]]:
    """The texts that speak for each class, in the order of `names`.

    Args:
        names: Class names.
        templates: Format strings with one `{}`.
        concept: What all classes are kinds of ("beetle"); it disambiguates names: "a photo of a stag, a beetle."
        descriptions: Sentences of a class by its name, used as they are, beside the templates.

    Raises:
        ConfigError: A template without `{}`, a description of an unknown class, or no name at all.
        EmptyClassError: A class has neither template nor description.
    """
    if not names:
        raise ConfigError("expected at least one class name, got none")
    wrong = [template for template in templates if "{}" not in template]
    if wrong:
        raise ConfigError(f"a template holds {{}} where the class name goes; {wrong[0]!r} does not")
    known = descriptions or {}
    strangers = sorted(set(known) - set(names))
    if strangers:
        raise ConfigError(f"descriptions speak of {strangers[:5]}, which are not among the class names")
    prompts = []
    for name in names:
        subject = f"{name}, a kind of {concept}" if concept else name
        texts = [template.format(subject) for template in templates] + list(known.get(name, ()))
        if not texts:
            raise EmptyClassError(f"class {name!r} has neither a template nor a description")
        prompts.append(texts)
    return prompts


def class_text_vectors(
    encoder: Encoder,
    names: Sequence[str],
    *,
    templates: Sequence[str] = TEMPLATES,
    concept: str | None = None,
    descriptions: Mapping[str, Sequence[str]] | None = None,
) -> Vectors:
    """One unit vector a class: the normalised mean of the normalised vectors of its prompts.

    Returns:
        float32 (N, D), in the order of `names`.

    Raises:
        NoTextTowerError: The encoder sees only images.
        ConfigError, EmptyClassError: As `class_prompts`.

    Reference:
        Radford et al., "Learning Transferable Visual Models From Natural Language Supervision", 2021, section 3.1.4;
        the order normalise → mean → normalise is that of open_clip's `build_zero_shot_classifier`.
        Descriptions as further prompts: Pratt et al., "What does a platypus look like?", ICCV 2023. With them every
        class may have another number of prompts; each prompt of a class weighs the same.
    """
    prompts = class_prompts(names, templates=templates, concept=concept, descriptions=descriptions)
    vectors = encoder.encode_texts([text for texts in prompts for text in texts])
    ends = np.cumsum([len(texts) for texts in prompts])
    means = np.stack([chunk.mean(axis=0) for chunk in np.split(vectors, ends[:-1])])
    unit: Vectors = (means / np.linalg.norm(means, axis=1, keepdims=True)).astype(np.float32)
    return unit
