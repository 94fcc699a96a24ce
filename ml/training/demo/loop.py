"""The training loop: the head on features of the frozen tower or, with its last block, on kept maps."""

import math
import time
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ml.training.demo.captions import KIND_SHARES, CaptionBank
from ml.training.demo.objective import agreement, by_name, contrastive, relations, unit

LONGEST = (12, 40, 24)  # tokens that training reads of a caption by name, by definition, by sentence


@dataclass(frozen=True)
class Recipe:
    """All numbers of a training. A step sees `photos` ImageNet and CIFAR photographs and `drawings` drawings.

    `tail_steps` more steps move the last block of the image tower, too: a second's work each on a free core, and not
    needed for the figures of the card.
    """

    image_size: int = 129
    head_steps: int = 1000
    tail_steps: int = 0
    photos: tuple[int, int] = (384, 192)
    drawings: int = 160
    rate: float = 3e-3
    tail_rate: float = 3e-4
    decay: float = 0.05
    warmup: float = 0.05
    average: float = 0.98
    smoothing: float = 0.1
    mixing: float = 0.2
    dropout: float = 0.1
    drawing_weight: float = 1.0
    sentence_weight: float = 0.3


@dataclass(frozen=True)
class Source:
    """Maps (P, 160, h, w) or features (P, F) float16 of one kind of picture, labels (P,) into one caption bank."""

    values: Tensor
    labels: Tensor

    def draw(self, n: int, *, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """`n` random rows with their labels."""
        at = torch.randint(len(self.labels), (n,), generator=generator)
        return self.values[at].float(), self.labels[at]


@dataclass(frozen=True)
class Materials:
    """What the loop reads."""

    imagenet: Source
    cifar: Source
    drawings: Source
    photo_captions: CaptionBank
    drawing_captions: CaptionBank


class Student(nn.Module):
    """The CLIP, the part of its image tower that learns, and the map through which the sentence encoder speaks."""

    def __init__(self, clip: Any, tail: nn.Module, *, sentence_dim: int) -> None:
        super().__init__()
        # The tail is a part of the clip: named first, its parameters go by `tail.` and are listed once.
        self.tail, self.clip = tail, clip
        self.to_sentence = nn.Linear(clip.text_projection.shape[1], sentence_dim)

    def look(self, values: Tensor, *, dropout: float) -> Tensor:
        """Unit image vectors (B, D) of maps or of features."""
        features = self.tail(values) if values.ndim == 4 else values
        return unit(self.clip.visual.head(F.dropout(features, dropout, self.training)))

    def read(self, tokens: Tensor) -> Tensor:
        """Text vectors (B, D), not normalized, of tokens (B, T); attention is causal, so padding can be cut off."""
        clip, length = self.clip, int((tokens != 0).sum(1).max())
        tokens = tokens[:, :length]
        x = clip.token_embedding(tokens) + clip.positional_embedding[:length]
        x = clip.ln_final(clip.transformer(x, attn_mask=clip.attn_mask[:length, :length]))
        vectors: Tensor = x[torch.arange(len(x)), tokens.argmax(-1)] @ clip.text_projection
        return vectors


def train(
    student: Student,
    materials: Materials,
    recipe: Recipe,
    *,
    steps: int,
    seed: int,
    rates: Callable[[str], float],
    report: Callable[[dict[str, float]], None],
) -> Student:
    """`steps` steps with AdamW; `rates` gives each parameter's peak rate by its name, 0 freezes it.

    Returns:
        The exponential average of the student over the steps.
    """
    generator = torch.Generator().manual_seed(seed)
    groups = _groups(student, recipe, rates)
    optimizer = torch.optim.AdamW(groups, betas=(0.9, 0.98))
    averaged = deepcopy(student)
    student.train()
    student.tail.eval()
    began = time.monotonic()
    for step in range(steps):
        for group in optimizer.param_groups:
            group["lr"] = group["peak"] * _schedule(step / steps, recipe.warmup)
        losses = _step(student, materials, recipe, generator)
        optimizer.zero_grad(set_to_none=True)
        torch.autograd.backward(torch.stack(list(losses.values())).sum())
        nn.utils.clip_grad_norm_([p for g in groups for p in g["params"]], 1.0)
        optimizer.step()
        with torch.no_grad():
            student.clip.logit_scale.clamp_(0, math.log(100))
        _average(averaged, student, min(recipe.average, (step + 1) / (step + 10)))
        if step % 20 == 0 or step == steps - 1:
            values = {name: round(float(value.detach()), 3) for name, value in losses.items()}
            report({"step": step, "seconds": round(time.monotonic() - began, 1), **values})
    return averaged.eval()


def _groups(student: Student, recipe: Recipe, rates: Callable[[str], float]) -> list[dict[str, Any]]:
    groups: dict[tuple[float, bool], list[Tensor]] = {}
    for name, parameter in student.named_parameters():
        rate = rates(name)
        parameter.requires_grad_(rate > 0)
        if rate:
            groups.setdefault((rate, parameter.ndim > 1), []).append(parameter)
    return [
        {"params": parameters, "peak": rate, "weight_decay": recipe.decay if matrix else 0.0}
        for (rate, matrix), parameters in groups.items()
    ]


def _schedule(progress: float, warmup: float) -> float:
    if progress < warmup:
        return (progress + 1e-3) / (warmup + 1e-3)
    return 0.5 * (1 + math.cos(math.pi * (progress - warmup) / (1 - warmup)))


@torch.no_grad()
def _average(averaged: nn.Module, model: nn.Module, share: float) -> None:
    pairs = zip(averaged.parameters(), model.parameters(), strict=True)
    changed = [(ours, theirs) for ours, theirs in pairs if theirs.requires_grad]
    torch._foreach_lerp_([a for a, _ in changed], [b.detach() for _, b in changed], 1 - share)


def _step(student: Student, materials: Materials, recipe: Recipe, generator: torch.Generator) -> dict[str, Tensor]:
    m = materials
    parts = [
        source.draw(n, generator=generator) for source, n in zip((m.imagenet, m.cifar), recipe.photos, strict=True)
    ]
    values, labels = torch.cat([v for v, _ in parts]), torch.cat([y for _, y in parts])
    partner = torch.randperm(len(labels), generator=generator)
    share = (
        float(torch.rand((), generator=generator))
        if recipe.mixing > float(torch.rand((), generator=generator))
        else 1.0
    )
    own = torch.full((len(labels),), share)
    drawn, kinds = m.drawings.draw(recipe.drawings, generator=generator)
    species, owner = torch.unique(kinds, return_inverse=True)
    kind = int(torch.multinomial(torch.tensor(KIND_SHARES), 1, generator=generator))
    every = torch.arange(len(m.photo_captions.start))
    caption = m.photo_captions.draw(every, kind, generator=generator)
    tokens = [m.photo_captions.tokens[caption]]
    tokens.append(m.drawing_captions.tokens[m.drawing_captions.draw(species, kind, generator=generator)])
    words = shortened(torch.cat(tokens), LONGEST[kind])
    with torch.autocast("cpu", dtype=torch.bfloat16):
        texts = student.read(words)
        told = student.to_sentence(texts[: len(every)])
        mixed = share * values + (1 - share) * values[partner] if share < 1 else values
        seen = student.look(torch.cat([mixed, drawn]), dropout=recipe.dropout)
    read, scale, n = unit(texts), student.clip.logit_scale.exp(), len(labels)
    losses = {
        "photos": by_name(seen[:n], read[: len(every)], scale, labels, partner, own, smoothing=recipe.smoothing),
        "drawings": recipe.drawing_weight * contrastive(seen[n:], read[len(every) :], scale, owner),
    }
    if m.photo_captions.teacher is not None:
        wanted = m.photo_captions.teacher[caption].float()
        told_loss = agreement(told.float(), wanted) + relations(read[: len(every)], wanted)
        losses["sentences"] = recipe.sentence_weight * told_loss
    return losses


def shortened(tokens: Tensor, longest: int) -> Tensor:
    """Tokens (B, T) cut to `longest`, the last of them then the end of the text."""
    end = tokens.max()
    kept = tokens[:, :longest].clone()
    kept[:, -1] = torch.where(kept[:, -1] != 0, end, kept[:, -1])
    return kept


@torch.no_grad()
def features_of(tail: nn.Module, maps: Tensor, *, batch: int = 256) -> Tensor:
    """Features (P, F) float16 of maps (P, C, h, w); bf16 arithmetic, as where the maps came from."""
    out = []
    for chunk in torch.split(maps, batch):
        with torch.autocast("cpu", dtype=torch.bfloat16):
            out.append(tail(chunk.float().contiguous(memory_format=torch.channels_last)).half())
    return torch.cat(out)
