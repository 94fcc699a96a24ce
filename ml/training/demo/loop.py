"""The training loop: a mixed batch a step, an averaged model, a schedule that ends with the time or the steps."""

import math
import time
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from ml.training.demo.augment import coarser, cutmix, views
from ml.training.demo.captions import CaptionBank
from ml.training.demo.objective import agreement, by_name, contrastive, relations, softened, unit
from ml.training.demo.study import Source
from ml.training.demo.tower import normalized


@dataclass(frozen=True)
class Recipe:
    """All numbers of a training. `batch` counts ImageNet photographs, CIFAR photographs and drawings."""

    image_size: int = 112
    steps: int = 8000
    batch: tuple[int, int, int] = (448, 288, 288)
    rate: float = 2e-3
    trunk_rate: float = 6e-4
    decay: float = 0.05
    warmup: float = 0.04
    average: float = 0.999
    smoothing: float = 0.1
    cutmix: float = 0.5
    smallest: float = 0.35
    drop_path: float = 0.1
    names_weight: float = 1.0
    sentence_weight: float = 0.5
    teacher_weight: float = 0.0
    pretrained: bool = True
    text_layers: int = 3
    embed_dim: int = 256


@dataclass(frozen=True)
class Materials:
    """What the loop reads, all on one device. `names` (N, V, T) are tokens of each photo class in V templates."""

    imagenet: Source
    cifar: Source
    drawings: Source
    photo_captions: CaptionBank
    drawing_captions: CaptionBank
    names: Tensor
    teacher: nn.Module | None


class Student(nn.Module):
    """The CLIP with the two linear maps through which its teachers speak; they are dropped afterwards."""

    def __init__(self, clip: Any, *, sentence_dim: int, teacher_classes: int) -> None:
        super().__init__()
        self.clip = clip
        width = clip.visual.trunk.num_features
        self.to_sentence = nn.Linear(clip.text_projection.shape[1], sentence_dim)
        self.to_teacher = nn.Linear(width, teacher_classes)

    def look(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Image vectors (B, D) and the trunk's features (B, F)."""
        features = self.clip.visual.trunk(images)
        return self.clip.visual.head(features), features


def train(
    student: Student,
    materials: Materials,
    recipe: Recipe,
    *,
    seed: int,
    limit_s: float,
    report: Callable[[dict[str, float]], None],
) -> tuple[Any, int]:
    """Train until `recipe.steps` or `limit_s`, whichever is first; the learning rate reaches zero in either case.

    Returns:
        The averaged CLIP, and how many steps were made.
    """
    device = materials.names.device
    generator = torch.Generator(device=device).manual_seed(seed)
    averaged = deepcopy(student.clip).eval().requires_grad_(False)
    optimizer = torch.optim.AdamW(_groups(student, recipe), betas=(0.9, 0.98), fused=device.type == "cuda")
    began, step, progress = time.monotonic(), 0, 0.0
    student.train()
    while progress < 1:
        for group in optimizer.param_groups:
            group["lr"] = group["peak"] * _schedule(progress, recipe.warmup)
        losses = _step(student, materials, recipe, generator)
        loss = torch.stack(list(losses.values())).sum()
        optimizer.zero_grad(set_to_none=True)
        torch.autograd.backward(loss)
        nn.utils.clip_grad_norm_(student.parameters(), 1.0)
        optimizer.step()
        with torch.no_grad():
            student.clip.logit_scale.clamp_(0, math.log(100))
        _average(averaged, student.clip, min(recipe.average, (step + 1) / (step + 10)))
        step += 1
        progress = max(step / recipe.steps, (time.monotonic() - began) / limit_s)
        if step % 200 == 0 or step == 1:
            values = {name: round(float(value.detach()), 4) for name, value in losses.items()}
            report(
                {"step": step, "seconds": round(time.monotonic() - began, 1), "progress": round(progress, 3), **values}
            )
    return averaged, step


def _groups(student: Student, recipe: Recipe) -> list[dict[str, Any]]:
    groups: dict[tuple[bool, bool], list[Tensor]] = {}
    for name, parameter in student.named_parameters():
        key = name.startswith("clip.visual.trunk.") and recipe.pretrained, parameter.ndim > 1
        groups.setdefault(key, []).append(parameter)
    return [
        {
            "params": parameters,
            "peak": recipe.trunk_rate if trunk else recipe.rate,
            "weight_decay": recipe.decay if matrix else 0.0,
        }
        for (trunk, matrix), parameters in groups.items()
    ]


def _schedule(progress: float, warmup: float) -> float:
    if progress < warmup:
        return (progress + 1e-3) / (warmup + 1e-3)
    return 0.5 * (1 + math.cos(math.pi * (progress - warmup) / (1 - warmup)))


@torch.no_grad()
def _average(averaged: nn.Module, model: nn.Module, share: float) -> None:
    ours, theirs = averaged.state_dict(), model.state_dict()
    floats = [name for name, tensor in ours.items() if tensor.is_floating_point()]
    torch._foreach_lerp_([ours[n] for n in floats], [theirs[n] for n in floats], 1 - share)


def _step(student: Student, materials: Materials, recipe: Recipe, generator: torch.Generator) -> dict[str, Tensor]:
    m, (big, small, drawn) = materials, recipe.batch
    device = m.names.device
    images_a, labels_a = m.imagenet.draw(big, generator=generator)
    images_b, labels_b = m.cifar.draw(small, generator=generator)
    images_c, labels_c = m.drawings.draw(drawn, generator=generator)
    photos = torch.cat([_photo_views(images, recipe, generator) for images in (images_a, images_b)])
    photos = coarser(photos, share=0.2, side=32, generator=generator)
    photos, partner, own = cutmix(photos, share=recipe.cutmix, generator=generator)
    drawings = views(images_c, size=recipe.image_size, generator=generator, smallest=0.6, turn=25, color=0.15)
    photo_labels = torch.cat([labels_a, labels_b])
    caption = m.photo_captions.draw(photo_labels, generator=generator)
    drawing_caption = m.drawing_captions.draw(labels_c, generator=generator)
    template = torch.randint(m.names.shape[1], (len(m.names),), device=device, generator=generator)
    names = m.names[torch.arange(len(m.names), device=device), template]
    tokens = torch.cat([m.photo_captions.tokens[caption], m.drawing_captions.tokens[drawing_caption], names]).long()
    images = normalized(torch.cat([photos, drawings]))
    with torch.autocast(device.type, dtype=torch.bfloat16, enabled=device.type == "cuda"):
        vectors, features = student.look(images.contiguous(memory_format=torch.channels_last))
        texts = student.clip.encode_text(tokens)
        told = student.to_sentence(texts[: len(caption)])
        guesses = student.to_teacher(features)
    seen, read, scale = unit(vectors), unit(texts), student.clip.logit_scale.exp()
    n = len(caption)
    losses = {
        "photos": contrastive(seen[:n], read[:n], scale, photo_labels, partner, own),
        "drawings": _drawing_loss(seen[n:], read[n : n + drawn], scale, labels_c),
        "names": recipe.names_weight
        * by_name(seen[:n], read[n + drawn :], scale, photo_labels, partner, own, smoothing=recipe.smoothing),
    }
    if m.photo_captions.teacher is not None:
        wanted = m.photo_captions.teacher[caption].float()
        losses["sentences"] = recipe.sentence_weight * (agreement(told.float(), wanted) + relations(read[:n], wanted))
    if m.teacher is not None:
        losses["teacher"] = recipe.teacher_weight * softened(guesses.float(), _taught(m.teacher, images))
    return losses


def _photo_views(pixels: Tensor, recipe: Recipe, generator: torch.Generator) -> Tensor:
    return views(pixels, size=recipe.image_size, generator=generator, smallest=recipe.smallest, turn=6, color=0.3)


def _drawing_loss(images: Tensor, texts: Tensor, scale: Tensor, labels: Tensor) -> Tensor:
    alone = torch.arange(len(labels), device=labels.device)
    return contrastive(images, texts, scale, labels, alone, torch.ones(len(labels), device=labels.device))


@torch.no_grad()
def _taught(teacher: nn.Module, images: Tensor) -> Tensor:
    """Logits of the ImageNet teacher for the same views, enlarged towards the size it was trained at."""
    larger = nn.functional.interpolate(images, size=160, mode="bilinear", align_corners=False)
    with torch.autocast(images.device.type, dtype=torch.bfloat16, enabled=images.is_cuda):
        logits: Tensor = teacher(larger.contiguous(memory_format=torch.channels_last))
    return logits.float()
