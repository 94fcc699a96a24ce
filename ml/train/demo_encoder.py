"""`python -m ml.train demo_encoder --data ../shared/data --out FOLDER`: train Winnow's own small image-text encoder.

Writes `weights.safetensors`, `config.json`, `bpe.txt.gz` and `card.json` into FOLDER. Made for a machine without an
accelerator: pictures pass once through the frozen front of an ImageNet MobileNetV2, and what learns is small. `--work`
keeps what was computed on the way, so that a second run with other numbers takes minutes.
"""

import argparse
import json
import os
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import Any

import torch
from open_clip import SimpleTokenizer
from safetensors.torch import save_file
from torch import Tensor

from ml.errors import ConfigError
from ml.training.demo.captions import caption_bank, captions_in_order
from ml.training.demo.corpus import read_corpus
from ml.training.demo.features import Tail
from ml.training.demo.loop import Materials, Recipe, Source, Student, features_of, train
from ml.training.demo.measure import figures_of
from ml.training.demo.sentence_teacher import DIMENSIONS, cached_sentence_vectors
from ml.training.demo.study import Study, build_study, corpus_texts, photo_classes
from ml.training.demo.texts import DRAWING_TEMPLATES, ClassTexts, photo_texts, species_texts
from ml.training.demo.tower import build_model, half_precision, model_config
from ml.training.demo.vocabulary import vocabulary_size, write_merges

MERGES = 3000
VOCABULARY_SPECIES = 1000
LICENSES = {
    "mobilenetv2_100.imagenet": "Apache-2.0; trained on ImageNet-1k (non-commercial research)",
    "tiny-imagenet-160": "ImageNet's terms: non-commercial research",
    "cifar100": "free for research, no licence stated",
    "class-texts": "WordNet; CuPL and classification-by-description, no licence stated",
    "field guide drawings": "drawn by this repository, Apache-2.0",
    "all-MiniLM-L6-v2": "Apache-2.0",
}


def main(argv: list[str]) -> int:
    """Train and measure."""
    options = _options(argv)
    torch.set_num_threads(options.threads)
    with tempfile.TemporaryDirectory() as scratch:
        _run(options, options.work or Path(scratch))
    return 0


def _run(options: argparse.Namespace, work: Path) -> None:
    began, recipe = time.monotonic(), _recipe(options.set)
    options.out.mkdir(parents=True, exist_ok=True)
    texts = json.loads((options.data / "class-texts.json").read_text(encoding="utf-8"))
    corpus = read_corpus(options.data, [entry["wnid"] for entry in texts["tiny_imagenet_160"]])
    imagenet, cifar = photo_texts(options.data)
    classes, mapped = photo_classes(corpus, imagenet, cifar)
    config = model_config(image_size=recipe.image_size, vocabulary=vocabulary_size(MERGES))
    model = build_model(config, seed=options.seed, encoders=options.data / "encoders")
    study = build_study(
        corpus,
        model.visual.trunk.eval(),
        size=recipe.image_size,
        species=options.species,
        each=options.each,
        cifar_each=options.cifar_each,
        seed=options.seed,
        workers=options.workers,
        work=work,
    )
    merges = options.out / "bpe.txt.gz"
    write_merges(corpus_texts(classes, study.species[:VOCABULARY_SPECIES]), merges, merges=MERGES)
    tokenizer = SimpleTokenizer(bpe_path=str(merges), context_length=config["text_cfg"]["context_length"])
    sentences = cached_sentence_vectors(captions_in_order(classes)[0], work / "sentences.safetensors")
    _say({"materials_s": round(time.monotonic() - began), "classes": len(classes)})
    tail = Tail(model.visual.trunk)
    student = Student(model, tail, sentence_dim=DIMENSIONS)
    student = _trained(student, recipe, study, classes, mapped, tokenizer, sentences, seed=options.seed)
    figures = {
        name: share.to_json()
        for name, share in figures_of(
            lambda maps: _looked(student, maps), _reader(student, tokenizer), study, corpus.cifar_names, imagenet
        ).items()
    }
    _write(options, recipe, student.clip, config, figures, time.monotonic() - began)
    _say(figures)


def _trained(
    student: Student,
    recipe: Recipe,
    study: Study,
    classes: list[ClassTexts],
    mapped: Tensor,
    tokenizer: SimpleTokenizer,
    sentences: Tensor,
    *,
    seed: int,
) -> Student:
    """First the head on features of the frozen tower, then its tail as well, on maps."""
    labels = (study.imagenet_train.labels, mapped[study.cifar["train"].labels], study.drawings.labels)
    maps = (study.imagenet_train.maps, study.cifar["train"].maps, study.drawings.maps)
    photo_bank = caption_bank(classes, tokenizer, teacher=sentences)
    drawn_bank = caption_bank([species_texts(s) for s in study.species], tokenizer, templates=DRAWING_TEMPLATES)

    def materials(values: Sequence[Tensor]) -> Materials:
        sources = [Source(value, label) for value, label in zip(values, labels, strict=True)]
        return Materials(sources[0], sources[1], sources[2], photo_bank, drawn_bank)

    features = [features_of(student.tail, value) for value in maps]

    def head_rate(name: str) -> float:
        return 0.0 if name.startswith("tail.") or ".trunk." in name else recipe.rate

    def tail_rate(name: str) -> float:
        return recipe.tail_rate if name.startswith("tail.") or ".trunk." not in name else 0.0

    student = train(
        student, materials(features), recipe, steps=recipe.head_steps, seed=seed, rates=head_rate, report=_say
    )
    if recipe.tail_steps:
        student = train(
            student, materials(maps), recipe, steps=recipe.tail_steps, seed=seed + 1, rates=tail_rate, report=_say
        )
    return student


def _looked(student: Student, maps: Tensor) -> Tensor:
    with torch.no_grad():
        return torch.cat([student.look(chunk.float(), dropout=0.0) for chunk in torch.split(maps, 512)])


def _reader(student: Student, tokenizer: SimpleTokenizer) -> Callable[[Sequence[str]], Tensor]:
    @torch.no_grad()
    def read(texts: Sequence[str]) -> Tensor:
        return torch.cat([student.read(tokenizer(list(texts[i : i + 256]))) for i in range(0, len(texts), 256)])

    return read


def _write(
    options: argparse.Namespace,
    recipe: Recipe,
    model: Any,
    config: dict[str, Any],
    figures: dict[str, Any],
    seconds: float,
) -> None:
    save_file(half_precision(model.state_dict()), options.out / "weights.safetensors")
    preprocess = {"mean": [0.5] * 3, "std": [0.5] * 3, "interpolation": "bicubic", "resize_mode": "shortest"}
    whole = {
        "name": "winnow-demo",
        "model_cfg": config,
        "preprocess_cfg": preprocess,
        "license": "research only, see card.json",
    }
    card = {
        "name": "winnow-demo",
        "recipe": asdict(recipe),
        "seed": options.seed,
        "species": options.species,
        "drawings_each": options.each,
        "cifar_each": options.cifar_each,
        "seconds": round(seconds),
        "torch": torch.__version__,
        "measured": figures,
        "licenses": LICENSES,
    }
    for name, value in (("config.json", whole), ("card.json", card)):
        (options.out / name).write_text(json.dumps(value, indent=2) + "\n", encoding="utf-8")


def _options(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m ml.train demo_encoder", description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"), help="the shared data folder")
    parser.add_argument("--out", type=Path, default=Path("ml/encoders/demo"))
    parser.add_argument("--work", type=Path, help="keep maps and sentence vectors here for the next run (about 1 GB)")
    parser.add_argument("--species", type=int, default=2500, help="drawn species that are not in the guide")
    parser.add_argument("--each", type=int, default=6, help="drawings of each")
    parser.add_argument("--cifar-each", type=int, default=375, help="training photographs of each CIFAR class")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1, help="processes that draw")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--set", nargs="*", default=[], metavar="KEY=VALUE", help="change numbers of the recipe")
    return parser.parse_args(argv)


def _recipe(changes: list[str]) -> Recipe:
    known = {field.name for field in fields(Recipe)}
    values: dict[str, Any] = {}
    for item in changes:
        key, _, value = item.partition("=")
        if key not in known:
            raise ConfigError(f"--set knows {', '.join(sorted(known))}; not {key!r}")
        read = json.loads(value)
        values[key] = tuple(read) if isinstance(read, list) else read
    return replace(Recipe(), **values)


def _say(row: dict[str, Any]) -> None:
    print(json.dumps(row), flush=True)
