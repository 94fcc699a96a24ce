"""`python -m ml.train demo_encoder --data ../shared/data --out FOLDER`: train Winnow's own small image-text encoder.

Writes `weights.safetensors`, `config.json`, `bpe.txt.gz` and `metrics.json` into FOLDER. Deterministic up to the order
of floating-point sums for the same seed, steps and device; with `--minutes` the schedule ends with the time instead.
"""

import argparse
import json
import os
import time
from collections.abc import Sequence
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import Any

import torch
from open_clip import SimpleTokenizer
from safetensors.torch import save_file
from torch import Tensor

from ml.data.fieldguide import other_species
from ml.training.demo.captions import caption_bank, captions_in_order, name_tokens
from ml.training.demo.corpus import Corpus, load_corpus, read_corpus, save_corpus
from ml.training.demo.drawings import guide_drawings, training_drawings
from ml.training.demo.loop import Materials, Recipe, Student, train
from ml.training.demo.measure import (
    class_vectors,
    image_vectors,
    prompts_by_description,
    prompts_by_name,
    prototypes,
    top_k,
)
from ml.training.demo.sentence_teacher import DIMENSIONS, cached_sentence_vectors
from ml.training.demo.study import Source, corpus_texts, drawing_bank, photo_classes, photo_sources
from ml.training.demo.texts import ClassTexts, photo_texts, species_texts
from ml.training.demo.tower import (
    build_model,
    half_precision,
    load_teacher,
    model_config,
    normalized,
    start_from_imagenet,
)
from ml.training.demo.vocabulary import vocabulary_size, write_merges

MERGES = 3000
CONTEXT = 64
MEASURED_TEMPLATES = (
    "a photo of a {}.",
    "a close-up photo of a {}.",
    "a photo of the small {}.",
    "{}",
    "a blurry photo of a {}.",
)


def main(argv: list[str]) -> int:
    """Train, or with `--prepare` only write the files that a machine without the shared data needs."""
    options = _options(argv)
    torch.set_num_threads(options.threads)
    if options.device == "cuda":
        torch.backends.cuda.matmul.allow_tf32 = True
        torch.backends.cudnn.benchmark = True
    corpus, imagenet, cifar = _read(options)
    classes, mapped = photo_classes(corpus, imagenet, cifar)
    options.out.mkdir(parents=True, exist_ok=True)
    if options.prepare:
        save_corpus(corpus, options.out / "corpus.safetensors", quality=options.quality)
        cached_sentence_vectors(captions_in_order(classes)[0], options.out / "sentences.safetensors")
        return 0
    recipe = _recipe(options)
    print(json.dumps(asdict(recipe)), flush=True)
    merges = options.out / "bpe.txt.gz"
    write_merges(corpus_texts(classes, other_species(1000, options.seed)), merges, merges=MERGES)
    materials, tokenizer = _materials(options, recipe, corpus, classes, mapped, merges)
    config = model_config(
        image_size=recipe.image_size,
        vocabulary=vocabulary_size(MERGES),
        embed_dim=recipe.embed_dim,
        text_layers=recipe.text_layers,
    )
    student = _student(options, recipe, config, materials)
    averaged, steps = train(
        student,
        materials,
        recipe,
        seed=options.seed,
        limit_s=options.minutes * 60,
        report=lambda row: print(json.dumps(row), flush=True),
    )
    averaged = averaged.float()
    _write(options.out, averaged, config)
    figures = measure(averaged, tokenizer, corpus, imagenet, size=recipe.image_size, device=options.device)
    record = {
        "recipe": asdict(recipe),
        "seed": options.seed,
        "steps": steps,
        "device": options.device,
        "torch": torch.__version__,
        **figures,
    }
    (options.out / "metrics.json").write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(figures), flush=True)
    return 0


def _options(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m ml.train demo_encoder", description=__doc__)
    parser.add_argument(
        "--data",
        type=Path,
        default=Path("../shared/data"),
        help="folder of class-texts.json, the Parquet files and encoders/",
    )
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--corpus", type=Path, help="a corpus.safetensors of --prepare, in place of the Parquet files")
    parser.add_argument("--sentences", type=Path, help="cache of the sentence encoder's vectors")
    parser.add_argument("--drawings", type=Path, help="cache of the drawings (.npy)")
    parser.add_argument(
        "--prepare", action="store_true", help="only write corpus.safetensors and sentences.safetensors"
    )
    parser.add_argument("--quality", type=int, default=60, help="WebP quality of --prepare")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--minutes", type=float, default=1e9, help="end the schedule after so many minutes")
    parser.add_argument("--species", type=int, default=5000)
    parser.add_argument("--each", type=int, default=8, help="drawings of each species")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--set", nargs="*", default=[], metavar="KEY=VALUE", help="change numbers of the recipe")
    return parser.parse_args(argv)


def _recipe(options: argparse.Namespace) -> Recipe:
    known = {field.name for field in fields(Recipe)}
    changes: dict[str, Any] = {}
    for item in options.set:
        key, _, value = item.partition("=")
        if key not in known:
            raise SystemExit(f"--set knows {sorted(known)}, not {key!r}")
        read = json.loads(value)
        changes[key] = tuple(read) if isinstance(read, list) else read
    return replace(Recipe(), **changes)


def _read(options: argparse.Namespace) -> tuple[Corpus, list[ClassTexts], dict[str, ClassTexts]]:
    imagenet, cifar = photo_texts(options.data)
    if options.corpus is not None:
        return load_corpus(options.corpus), imagenet, cifar
    texts = json.loads((options.data / "class-texts.json").read_text(encoding="utf-8"))
    return read_corpus(options.data, [entry["wnid"] for entry in texts["tiny_imagenet_160"]]), imagenet, cifar


def _materials(
    options: argparse.Namespace, recipe: Recipe, corpus: Corpus, classes: list[ClassTexts], mapped: Tensor, merges: Path
) -> tuple[Materials, SimpleTokenizer]:
    device = torch.device(options.device)
    tokenizer = SimpleTokenizer(bpe_path=str(merges), context_length=CONTEXT)
    began = time.monotonic()
    pixels, labels, species = training_drawings(
        options.species, options.each, seed=options.seed, workers=options.workers, cache=options.drawings
    )
    vectors = cached_sentence_vectors(captions_in_order(classes)[0], options.sentences)
    photos, small = photo_sources(corpus, mapped)
    teacher = load_teacher(options.data / "encoders", same_padding=True) if recipe.teacher_weight else None
    materials = Materials(
        imagenet=photos.to(device),
        cifar=small.to(device),
        drawings=Source(pixels, labels).to(device),
        photo_captions=caption_bank(classes, tokenizer, teacher=vectors).to(device),
        drawing_captions=drawing_bank(species, tokenizer).to(device),
        names=name_tokens(classes, tokenizer, MEASURED_TEMPLATES).to(device),
        teacher=None if teacher is None else teacher.to(device),
    )
    print(json.dumps({"materials_s": round(time.monotonic() - began, 1), "classes": len(classes)}), flush=True)
    return materials, tokenizer


def _student(options: argparse.Namespace, recipe: Recipe, config: dict[str, Any], materials: Materials) -> Student:
    model = build_model(config, seed=options.seed, drop_path=recipe.drop_path)
    if recipe.pretrained:
        generator = torch.Generator().manual_seed(options.seed)
        chunks = [
            source.pixels[torch.randint(len(source.labels), (96,), generator=generator).to(source.pixels.device)].cpu()
            for source in (materials.imagenet, materials.cifar, materials.drawings)
        ]
        resized = [torch.nn.functional.interpolate(c.float(), size=recipe.image_size, mode="bicubic") for c in chunks]
        mixed = torch.cat(resized)[torch.randperm(288, generator=generator)]
        start_from_imagenet(model, options.data / "encoders", torch.split(normalized(mixed), 72))
    teacher: Any = load_teacher(options.data / "encoders", same_padding=True)
    student = Student(model, sentence_dim=DIMENSIONS, teacher_classes=1000)
    if recipe.pretrained:
        student.to_teacher.load_state_dict(teacher.get_classifier().state_dict())
    return student.to(options.device).to(memory_format=torch.channels_last)


def _write(out: Path, model: Any, config: dict[str, Any]) -> None:
    save_file(half_precision(model.state_dict()), out / "weights.safetensors")
    preprocess = {"mean": [0.5] * 3, "std": [0.5] * 3, "interpolation": "bicubic", "resize_mode": "shortest"}
    whole = {"name": "winnow-demo", "model_cfg": config, "preprocess_cfg": preprocess, "license": "see card.json"}
    (out / "config.json").write_text(json.dumps(whole, indent=2) + "\n", encoding="utf-8")


def measure(
    model: Any, tokenizer: SimpleTokenizer, corpus: Corpus, imagenet: list[ClassTexts], *, size: int, device: str
) -> dict[str, Any]:
    """The figures of the card; photographs of `corpus`, drawings of the guide."""
    model.eval()

    def look(images: Tensor) -> Tensor:
        seen: Tensor = model.encode_image(images.to(device))
        return seen

    @torch.no_grad()
    def read(texts: Sequence[str]) -> Tensor:
        chunks = [model.encode_text(tokenizer(list(texts[i : i + 512])).to(device)) for i in range(0, len(texts), 512)]
        return torch.cat(chunks).float().cpu()

    images, labels = corpus.imagenet.of(2)
    seen = image_vectors(look, images, size=size)
    names, told = class_vectors(read, prompts_by_name(imagenet)), class_vectors(read, prompts_by_description(imagenet))
    drawn, kinds, species = guide_drawings()
    described = [species_texts(s) for s in species]
    insects = image_vectors(look, drawn, size=size)
    figures: dict[str, Any] = {
        "imagenet_names_top1": top_k(seen, names, labels, 1).to_json(),
        "imagenet_names_top5": top_k(seen, names, labels, 5).to_json(),
        "imagenet_descriptions_top1": top_k(seen, told, labels, 1).to_json(),
        "species_descriptions": top_k(
            insects, class_vectors(read, prompts_by_description(described)), kinds, 1
        ).to_json(),
        "species_names": top_k(insects, class_vectors(read, prompts_by_name(described)), kinds, 1).to_json(),
    }
    for part, name in ((1, "val"), (2, "test")):
        pixels, fine = corpus.cifar.of(part)
        vectors = image_vectors(look, pixels, size=size)
        for shots in (1, 5):
            figures[f"cifar_fs_{name}_{shots}shot"] = prototypes(vectors, fine, shots=shots, seed=0).to_json()
    for shots in (1, 5):
        figures[f"species_{shots}shot"] = prototypes(insects, kinds, shots=shots, seed=0).to_json()
    return figures
