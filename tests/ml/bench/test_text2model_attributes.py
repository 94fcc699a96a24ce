"""Said "without stripes", a zebra goes to the other class."""

from pathlib import Path

import pytest

from ml.bench.text2model_attributes import measure_attributes

DATA = Path("../shared/data/awa-attributes.json")


@pytest.mark.data
@pytest.mark.skipif(not DATA.exists(), reason="the shared attribute matrix is not here")
def test_a_negated_attribute_flips_the_decision_on_unseen_animals(tmp_path: Path) -> None:
    found = measure_attributes(DATA, seed=0, cache=tmp_path, steps=150)
    assert found["flips"] > 0.5
    assert found["baseline_flips"] < 0.25
    assert found["without"] > 0.6
