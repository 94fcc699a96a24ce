"""What people write of a class, good and bad, and what comes of it."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from ml.errors import ArtefactError, ConfigError, NonFiniteError, ShapeError, SpaceMismatchError
from ml.heads.features import FeatureMap
from ml.heads.linear import LinearHead
from ml.icis.autoencoders import IcisConfig
from ml.icis.leveling import leveled
from ml.words import ClassWords, Described, describe, fit_writers, grown, load_kit, notes_on, save_kit
from ml.words.columns import Ground, narrowed
from ml.words.kit import WordsKit
from ml.words.pull import pulls
from ml.words.rehearsal import Rehearsal, Takeover
from ml.words.writers import Writers

N, D, T = 12, 16, 24
SEEN = [ClassWords(("owl",), sentences=("a bird with a round face",)), ClassWords(("fox",), definition="a red animal")]


def head(seed: int = 0) -> LinearHead:
    rng = torch.Generator().manual_seed(seed)
    return LinearHead(
        kind="gda",
        temperature=0.7,
        features=FeatureMap(mean=torch.randn(D, generator=rng) / 10),
        weight=torch.randn(N, D, generator=rng),
        bias=torch.randn(N, generator=rng),
    )


def texts(count: int, seed: int) -> Described:
    rng = torch.Generator().manual_seed(seed)
    own = [torch.nn.functional.normalize(torch.randn(2, T, generator=rng), dim=1) for _ in range(count)]
    return Described(own, None, "space")


@pytest.fixture(scope="module")
def writers() -> Writers:
    rng = torch.Generator().manual_seed(2)
    features, index = torch.randn(4 * N, D, generator=rng), torch.arange(4 * N) % N
    small = IcisConfig(hidden=32, max_epochs=4, restarts=1)
    return fit_writers(head(), texts(N, 1), features=features, class_index=index, seed=0, methods=("icis",), icis=small)


def kit_of(writers: Writers) -> WordsKit:
    return WordsKit(writers, torch.zeros(D), Rehearsal())


def images(count: int = 50) -> torch.Tensor:
    return torch.randn(count, D, generator=torch.Generator().manual_seed(3))


def test_seen_rows_are_copied_bit_for_bit_and_the_new_one_is_as_loud(writers: Writers) -> None:
    base, ground = head(), Ground(head(), images())
    columns = kit_of(writers).columns(ground, texts(2, 9), method="icis")
    more = grown(base, columns)
    assert more.n_classes == N + 2
    assert torch.equal(more.weight[:N], base.weight)
    assert torch.equal(more.bias[:N], base.bias)
    logits = more.logits(images())
    relative = logits[:, N:] - logits[:, :N].mean(dim=1, keepdim=True)
    assert relative.mean(dim=0) == pytest.approx(torch.zeros(2), abs=1e-4)
    assert relative.std(dim=0) == pytest.approx(torch.full((2,), ground.spread), rel=1e-3)


def test_taking_the_new_class_away_leaves_the_head_as_it_was(writers: Writers) -> None:
    base = head()
    more = grown(base, kit_of(writers).columns(Ground(base, images()), texts(1, 9), method="icis"))
    back = narrowed(more, list(range(N)))
    assert torch.equal(back.logits(images()), base.logits(images()))


def test_a_kit_is_the_same_after_it_was_stored(writers: Writers, tmp_path: object) -> None:
    folder = tmp_path / "kit"  # type: ignore[operator]
    steps = (Takeover(1, 0.5, 0.25, 0.6), Takeover(4, 0.1, 0.0, 0.8))
    save_kit(replace(kit_of(writers), rehearsal=Rehearsal({}, "icis", steps)), folder)
    again = load_kit(folder, space="space")
    ground, new = Ground(head(), images()), texts(1, 9)
    first = kit_of(writers).columns(ground, new, method="icis")
    assert torch.equal(again.columns(ground, new, method="icis").weight, first.weight)
    assert again.rehearsal.takeover == steps
    with pytest.raises(SpaceMismatchError, match="rehearse again"):
        load_kit(folder, space="another")
    (folder / "words.safetensors").write_bytes(b"torn")
    with pytest.raises(ArtefactError, match="cannot be read"):
        load_kit(folder, space="space")


def test_words_fade_between_the_shots_that_were_tried_and_beyond_them() -> None:
    steps = (Takeover(1, 0.5, 1.0, 0.6), Takeover(4, 0.1, 0.0, 0.8))
    held = Rehearsal({}, "icis", steps)
    shares = [step.share for step in map(held.at, (1, 2, 4, 8, 40)) if step]
    assert shares == pytest.approx([0.5, 0.3, 0.1, 0.05, 0.01])
    assert held.at(0) is None


def test_pulled_images_are_the_surest_and_the_closest_and_never_hidden_ones(writers: Writers) -> None:
    base, x = head(), images(200)
    columns = kit_of(writers).columns(Ground(base, x), texts(1, 9), method="icis")
    logits = grown(base, columns).logits(x)
    lead = (logits[:, N] - logits[:, :N].amax(dim=1)).numpy()
    hidden = np.zeros(200, np.bool_)
    hidden[int(lead.argmax())] = True
    found = pulls(base, columns, x.numpy().astype(np.float32), show=5, unseen=hidden)[0]
    open_rows = np.flatnonzero(~hidden)
    assert found.taken == int((lead[open_rows] > 0).sum())
    assert found.top.tolist() == open_rows[np.argsort(-lead[open_rows])][:5].tolist()
    assert set(found.border.tolist()) == set(open_rows[np.argsort(np.abs(lead[open_rows]))][:5].tolist())


def test_words_of_another_encoder_are_told_apart(writers: Writers) -> None:
    ground, new = Ground(head(), images()), texts(1, 9)
    for strange in (replace(new, text_space="another"), replace(new, space="another")):
        with pytest.raises(SpaceMismatchError, match="same encoders"):
            kit_of(writers).columns(ground, strange, method="icis")
    shorter = Described([own[:, :7] for own in new.texts], None, "space")
    with pytest.raises(SpaceMismatchError, match="same encoders"):
        kit_of(writers).columns(ground, shorter, method="icis")
    with pytest.raises(SpaceMismatchError, match="descriptors"):
        writers.icis.directions(np.ones((1, 5)))
    with pytest.raises(SpaceMismatchError, match="12 classes"):
        kit_of(writers).columns(Ground(narrowed(head(), [0, 1, 2]), images()), new, method="icis")


@pytest.mark.parametrize("nothing", [ClassWords(("",)), ClassWords((" ",), definition="…"), ClassWords(())])
def test_a_class_without_a_word_is_refused_by_position(nothing: ClassWords) -> None:
    with pytest.raises(ConfigError, match="class 1: there is no word"):
        describe([ClassWords(("owl",)), nothing])


def test_a_vector_that_says_nothing_is_refused() -> None:
    with pytest.raises(NonFiniteError, match="no usable vector"):
        Described([torch.zeros(1, T)], None, "space")


@pytest.mark.parametrize(
    ("words", "note"),
    [
        (ClassWords(("lynx",)), "Nothing but a name"),
        (ClassWords(("lynx",), sentences=("spotted",)), "A single word"),
        (ClassWords(("lynx",), sentences=("long " * 2000,)), "10,000 characters; the first 2,000"),
        (ClassWords(("lynx",), sentences=("A bird with a round  face",)), "owl is described in exactly these words"),
        (ClassWords(("Owl",), sentences=("a large cat with tufts",)), "owl already carries this name"),
    ],
)
def test_what_is_amiss_with_a_description_is_said(words: ClassWords, note: str) -> None:
    assert any(note in line for line in notes_on(words, SEEN))
    assert all(len(text) <= 2_000 for text in words.texts())


def test_a_good_description_gets_no_note() -> None:
    assert notes_on(ClassWords(("lynx",), sentences=("a spotted cat with tufted ears",)), SEEN) == []


def test_leveled_rows_have_the_mean_and_the_spread_of_seen_ones() -> None:
    rng = np.random.default_rng(0)
    seen, ground = rng.normal(size=(9, 6)), np.concatenate([rng.normal(size=(80, 5)), np.ones((80, 1))], axis=1)
    rows = leveled(7 * rng.normal(size=(3, 6)) + 2, seen, ground)
    logits = ground @ (rows - seen.mean(axis=0)).T
    spread = np.sqrt((ground @ (seen - seen.mean(axis=0)).T).var(axis=0).mean())
    assert logits.mean(axis=0) == pytest.approx(np.zeros(3), abs=1e-9)
    assert logits.std(axis=0) == pytest.approx(np.full(3, spread))
    with pytest.raises(ShapeError, match="last column of ones"):
        leveled(rows, seen, ground * 2)
