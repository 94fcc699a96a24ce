"""What a group says: by count, and by who is good at what."""

from pathlib import Path

import numpy as np
import pytest

from ml.consensus import Votes, dawid_skene, majority, met_order, settled_majority
from ml.errors import ShapeError

REAL = Path("../shared/data/cifar10n.npz")


def planted(confusions: np.ndarray, *, items: int, seed: int) -> tuple[Votes, np.ndarray]:
    """Three votes an item by annotators of known confusions (A, N, N)."""
    rng = np.random.default_rng(seed)
    annotators, classes = confusions.shape[:2]
    truth = rng.integers(0, classes, items)
    who = np.stack([rng.permutation(annotators)[:3] for _ in range(items)])
    draws = rng.random((items, 3))[..., None]
    said = (draws > np.cumsum(confusions[who, truth[:, None]], axis=2)[..., :-1]).sum(axis=2)
    return Votes.of(np.repeat(np.arange(items), 3), who.ravel(), said.ravel(), classes=classes), truth


def crowd() -> np.ndarray:
    """Eight good people, two who confuse 0 and 1, and one who is wrong four times in five."""
    good = np.full((4, 4), 0.05) + 0.8 * np.eye(4)
    blurred = good.copy()
    blurred[:2, :2] = 0.45
    hostile = np.full((4, 4), 0.8 / 3) + (0.2 - 0.8 / 3) * np.eye(4)
    return np.stack([good] * 8 + [blurred] * 2 + [hostile])


def test_ties_are_told_and_silence_is_no_category() -> None:
    category, share, tied = majority(Votes.table([[0, 1, 1], [0, 1, -1], [-1, -1, -1]], classes=2))
    assert category.tolist() == [1, 0, -1]
    assert share.tolist() == [2 / 3, 0.5, 0]
    assert tied.tolist() == [False, True, False]


def test_the_order_of_categories_settles_ties_and_nothing_else() -> None:
    votes = Votes.table([[0, 1, 2], [2, 2, 0]], classes=4)
    assert met_order([2, 0, 2], classes=4).tolist() == [2, 0, 1, 3]
    assert majority(votes, order=[2, 0, 1, 3])[0].tolist() == [2, 2]
    assert majority(votes, order=[1, 0, 2, 3])[0].tolist() == [1, 2]


def test_planted_confusions_are_recovered_and_beat_the_count() -> None:
    confusions = crowd()
    votes, truth = planted(confusions, items=3000, seed=0)
    found = dawid_skene(votes)
    assert (found.category == truth).mean() > (majority(votes)[0] == truth).mean() + 0.01
    assert np.abs(found.confusion - confusions).max() < 0.15
    assert np.abs(found.confusion - confusions).mean() < 0.03


def test_the_hostile_one_stands_out() -> None:
    votes, _ = planted(crowd(), items=1000, seed=1)
    assert dawid_skene(votes).reliability.mean(axis=1).argmin() == 10


def test_a_newcomer_is_described_by_what_people_usually_do() -> None:
    votes, _ = planted(crowd(), items=500, seed=2)
    columns = [
        np.append(column, last) for column, last in ((votes.item, 0), (votes.annotator, 11), (votes.category, 3))
    ]
    assert 0.5 < dawid_skene(Votes.of(*columns, classes=4)).reliability[11].mean() < 0.95


def test_a_head_is_one_more_voice() -> None:
    votes = Votes.table([[0, 1]] * 50, classes=2)
    assert (dawid_skene(votes, evidence=np.tile([0.1, 0.9], (50, 1))).category == 1).all()


def test_no_votes_are_no_consensus() -> None:
    with pytest.raises(ShapeError):
        dawid_skene(Votes.of([], [], [], classes=2))


@pytest.mark.data
@pytest.mark.skipif(not REAL.exists(), reason="../shared/data is not here")
def test_on_real_votes_it_is_never_below_the_majority() -> None:
    data = np.load(REAL)
    people = np.unique(data["worker"].ravel(), return_inverse=True)[1]
    items = np.repeat(np.arange(len(data["clean"])), 3)
    votes = Votes.of(items, people, data["human"].ravel(), classes=10)
    counted = float((majority(votes)[0] == data["clean"]).mean())
    settled = float((settled_majority(votes) == data["clean"]).mean())
    assert counted == pytest.approx(0.9118, abs=5e-4)  # its 3,041 three-way ties go to the lowest index
    by_person = met_order(data["human"].T.ravel(), classes=10)  # one annotator's column after the other's
    published = float((majority(votes, order=by_person)[0] == data["clean"]).mean())
    assert published == pytest.approx(0.91548, abs=1e-9)
    assert settled >= 0.915
    assert (dawid_skene(votes).category == data["clean"]).mean() >= max(settled, 0.91548) - 0.001
