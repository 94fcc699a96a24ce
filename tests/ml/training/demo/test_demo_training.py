"""The pieces of the demo encoder's training that can be checked by hand."""

from pathlib import Path
from typing import Any

import pytest
import timm
import torch

from ml.data.fieldguide import other_species, species_catalog
from ml.training.demo.captions import caption_bank
from ml.training.demo.corpus import Corpus, Photos, held_out
from ml.training.demo.drawings import training_drawings
from ml.training.demo.features import Front, Tail, frozen_maps, kept, resized
from ml.training.demo.loop import Materials, Recipe, Source, Student, features_of, train
from ml.training.demo.measure import prototypes, top_k
from ml.training.demo.objective import by_name, contrastive, mean_of_groups, relations, unit
from ml.training.demo.study import first_of_each, photo_classes
from ml.training.demo.texts import ClassTexts, species_texts
from ml.training.demo.tower import build_model, half_precision, model_config

ENCODERS = Path("../shared/data/encoders")


def _generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def _corpus() -> Corpus:
    pixels = (
        torch.randint(0, 256, (3, 3, 4, 4), generator=_generator()).repeat_interleave(16, 2).repeat_interleave(16, 3)
    )
    big = Photos(pixels.byte(), torch.tensor([0, 1, 1]), torch.tensor([0, 2, 0]))
    small = Photos(pixels[..., ::2, ::2].contiguous().byte(), torch.tensor([0, 1, 2]), torch.tensor([0, 1, 2]))
    return Corpus(big, small, ["apple", "bee", "rose"])


def test_relations_of_a_turned_space_are_the_same() -> None:
    teacher = unit(torch.randn(6, 4, generator=_generator()))
    turn, _ = torch.linalg.qr(torch.randn(4, 4, generator=_generator(1)))
    assert float(relations(teacher @ turn, teacher)) == pytest.approx(0.0, abs=1e-10)


def test_a_tenth_of_the_photographs_is_held_out_by_name() -> None:
    share = sum(held_out(f"n{i:08d}_{i}.JPEG") for i in range(5000)) / 5000
    assert 0.085 < share < 0.115
    assert held_out("n01443537_0.JPEG") == held_out("n01443537_0.JPEG")


def test_held_out_cifar_classes_have_no_place_in_the_training() -> None:
    words = {name: ClassTexts((name,), (), ()) for name in ("apple", "bee", "rose")}
    classes, mapped = photo_classes(
        _corpus(), [ClassTexts(("goldfish",), (), ()), ClassTexts(("apple",), (), ())], words
    )
    assert mapped.tolist() == [1, -1, -1]
    assert [c.names[0] for c in classes] == ["goldfish", "apple"]


def test_figures_of_a_perfect_and_of_a_blind_encoder() -> None:
    labels = torch.arange(10).repeat_interleave(30)
    perfect = torch.eye(10)[labels]
    assert top_k(perfect, torch.eye(10), labels, 1).percent == 100
    assert prototypes(perfect, labels, shots=1, seed=0).percent == 100
    blind = prototypes(unit(torch.randn(300, 32, generator=_generator())), labels, shots=1, seed=0)
    assert abs(blind.percent - 20) < 2


def test_class_vectors_are_unit_means() -> None:
    vectors = torch.tensor([[1.0, 0.0], [0.0, 1.0], [0.0, 2.0]])
    means = mean_of_groups(vectors, torch.tensor([0, 0, 1]), 2)
    assert torch.allclose(means, torch.tensor([[0.5**0.5, 0.5**0.5], [0.0, 1.0]]))


def test_matrices_are_stored_in_half_and_statistics_are_not() -> None:
    state = half_precision(_model(vocabulary=600).state_dict())
    assert state["visual.trunk.conv_stem.weight"].dtype == torch.float16
    assert state["visual.trunk.bn1.running_var"].dtype == torch.float32


def test_contrast_is_zero_when_every_image_finds_only_its_text() -> None:
    vectors = torch.eye(4)
    assert float(contrastive(vectors, vectors, torch.tensor(100.0), torch.arange(4))) == pytest.approx(0.0, abs=1e-6)


def test_two_images_of_one_text_share_its_target() -> None:
    # One text: an image cannot miss it (loss 0). Its two equal images each get half: ln 2. The mean is 0.3466.
    images, text = unit(torch.ones(2, 3)), unit(torch.ones(1, 3))
    loss = contrastive(images, text, torch.tensor(10.0), torch.zeros(2, dtype=torch.long))
    assert float(loss) == pytest.approx(0.34657, abs=1e-4)


def test_a_mixed_image_is_judged_by_both_of_its_classes() -> None:
    # Orthogonal names, scale 1: log-softmax of the image's own class is 1 − ln(e + 1), of the other −ln(e + 1).
    names, labels, partner = torch.eye(2), torch.tensor([0, 1]), torch.tensor([1, 0])
    loss = by_name(names, names, torch.tensor(1.0), labels, partner, torch.full((2,), 0.75), smoothing=0.0)
    assert float(loss) == pytest.approx(1.31326 - 0.75, abs=1e-4)


def test_drawings_for_training_show_none_of_the_guides_species() -> None:
    draw, labels, species = training_drawings(3, 2, seed=0, workers=1)
    assert draw().shape == (6, 3, 128, 128)
    assert labels.tolist() == [0, 0, 1, 1, 2, 2]
    assert not {s.definition for s in species} & {s.definition for s in species_catalog()}


def test_every_drawn_caption_belongs_to_its_species_and_kind() -> None:
    bank = caption_bank(
        [species_texts(s) for s in other_species(5, 0)], lambda texts: torch.arange(len(texts))[:, None]
    )
    for kind in range(3):
        labels = torch.arange(5).repeat(100)
        drawn = bank.draw(labels, kind, generator=_generator())
        assert bool((drawn >= bank.start[labels, kind]).all())
        assert bool((drawn < bank.start[labels, kind] + bank.count[labels, kind]).all())


def test_what_was_computed_once_is_read_the_second_time(tmp_path: Path) -> None:
    path = tmp_path / "new" / "maps.safetensors"
    assert torch.equal(kept(path, lambda: torch.ones(2)), torch.ones(2))
    assert torch.equal(kept(path, lambda: torch.zeros(2)), torch.ones(2))


def test_the_first_pictures_of_each_class_are_taken() -> None:
    pixels, labels = first_of_each(torch.arange(6), torch.tensor([1, 0, 1, 1, 0, 0]), 2)
    assert pixels.tolist() == [1, 4, 0, 2]
    assert labels.tolist() == [0, 0, 1, 1]


def _model(vocabulary: int) -> Any:
    if not ENCODERS.exists():
        pytest.skip("needs ../shared/data/encoders")
    return build_model(model_config(image_size=129, vocabulary=vocabulary), seed=0, encoders=ENCODERS).eval()


@pytest.mark.data
def test_at_129_pixels_the_trunk_computes_what_it_was_trained_to_with_other_padding() -> None:
    model = _model(600)
    same = timm.create_model("mobilenetv2_100", pad_type="same", num_classes=0).eval()
    same.load_state_dict(model.visual.trunk.state_dict())
    images = torch.rand(2, 3, 129, 129, generator=_generator())
    with torch.no_grad():
        assert torch.allclose(model.visual.trunk(images), same(images), atol=1e-5)
        assert not torch.allclose(model.visual.trunk(images[..., :128, :128]), same(images[..., :128, :128]), atol=1e-2)


@pytest.mark.data
def test_kept_maps_and_the_tail_make_the_vectors_of_the_whole_tower() -> None:
    model = _model(600)
    pixels = torch.randint(0, 256, (3, 3, 40, 40), generator=_generator(), dtype=torch.uint8)
    maps = frozen_maps(Front(model.visual.trunk), pixels, lambda x: resized(x, 129))
    features = features_of(Tail(model.visual.trunk), maps).float()
    with torch.no_grad():
        whole = model.visual.trunk(resized(pixels, 129) / 127.5 - 1)
    assert float(torch.cosine_similarity(features, whole).min()) > 0.995  # bf16


@pytest.mark.data
def test_a_short_training_teaches_the_words_for_what_is_seen() -> None:
    model = _model(600)
    student = Student(model, Tail(model.visual.trunk), sentence_dim=4)
    tokens = torch.tensor([[598, 10 + c, 599] for c in range(6)])
    bank = caption_bank(
        [ClassTexts((str(c),), (), ()) for c in range(6)], lambda texts: tokens.repeat_interleave(48, 0)
    )
    labels = torch.arange(6).repeat_interleave(20)
    features = torch.randn(6, 1280, generator=_generator())[labels] + 0.1 * torch.randn(
        120, 1280, generator=_generator(1)
    )
    source = Source(features.half(), labels)
    recipe = Recipe(photos=(24, 8), drawings=16, sentence_weight=0.0)

    def rate(name: str) -> float:
        return 0.0 if name.startswith("tail.") or ".trunk." in name else 2e-3

    materials = Materials(source, source, source, bank, bank)
    trained = train(student, materials, recipe, steps=30, seed=0, rates=rate, report=lambda row: None)
    with torch.no_grad():
        nearest = (trained.look(features, dropout=0.0) @ unit(trained.read(tokens)).T).argmax(1)
    assert float((nearest == labels).float().mean()) > 0.9
